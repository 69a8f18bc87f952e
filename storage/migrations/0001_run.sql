-- What one run leaves behind. Never edited after a release: a change is a new file.
-- The reader of a blob needs to know: float32, little-endian; see storage/README.md.

CREATE TABLE meta(
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The resolved configuration; a resume with changes adds a revision.
CREATE TABLE config(
  rev INTEGER PRIMARY KEY,
  utc_ns INTEGER NOT NULL,
  toml TEXT NOT NULL,
  sha256 BLOB NOT NULL,
  origin TEXT NOT NULL
) STRICT;

-- One row per start or restart. exit_kind stays NULL while the segment runs.
CREATE TABLE segment(
  seg INTEGER PRIMARY KEY,
  config_rev INTEGER NOT NULL,
  start_step INTEGER NOT NULL,
  start_utc_ns INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  host TEXT NOT NULL,
  engine TEXT NOT NULL,
  world INTEGER NOT NULL,
  from_checkpoint INTEGER,
  reason TEXT NOT NULL,
  end_step INTEGER,
  end_utc_ns INTEGER,
  exit_kind TEXT,
  exit_code INTEGER
) STRICT;

CREATE TABLE metric_name(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  unit TEXT NOT NULL,
  help TEXT
) STRICT;

-- value is NULL only for NaN. flag: bit 0 = NaN, bit 1 = overwritten by a replay.
CREATE TABLE metric(
  name_id INTEGER NOT NULL,
  step INTEGER NOT NULL,
  value REAL,
  flag INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(name_id, step)
) STRICT, WITHOUT ROWID;

-- Bucket b of level l covers the steps [b * 16^l, (b + 1) * 16^l), l >= 1.
CREATE TABLE metric_lod(
  name_id INTEGER NOT NULL,
  level INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  n INTEGER NOT NULL,
  vmin REAL,
  vmax REAL,
  vsum REAL,
  nan_n INTEGER NOT NULL,
  PRIMARY KEY(name_id, level, bucket)
) STRICT, WITHOUT ROWID;

CREATE TABLE step_time(
  step INTEGER PRIMARY KEY,
  seg INTEGER NOT NULL,
  utc_ns INTEGER NOT NULL,
  mono_ns INTEGER NOT NULL,
  tokens INTEGER NOT NULL
) STRICT;

CREATE TABLE layer(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  n_experts INTEGER NOT NULL,
  k INTEGER NOT NULL
) STRICT;

-- enc 0: n float32; enc 1: zlib of the n float32 with their bytes sorted into four planes.
CREATE TABLE expert_blob(
  layer INTEGER NOT NULL,
  step INTEGER NOT NULL,
  n INTEGER NOT NULL,
  enc INTEGER NOT NULL,
  importance BLOB NOT NULL,
  load BLOB NOT NULL,
  crc32c INTEGER NOT NULL,
  PRIMARY KEY(layer, step)
) STRICT;

-- Sums over the experts of a bin and over the n_steps logged steps of a bucket.
-- Bucket b of level l covers the steps [b * 4^l, (b + 1) * 4^l).
CREATE TABLE expert_tile(
  layer INTEGER NOT NULL,
  level INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  n_steps INTEGER NOT NULL,
  bins INTEGER NOT NULL,
  importance BLOB NOT NULL,
  load BLOB NOT NULL,
  crc32c INTEGER NOT NULL,
  PRIMARY KEY(layer, level, bucket)
) STRICT;

CREATE TABLE expert_summary(
  layer INTEGER NOT NULL,
  step INTEGER NOT NULL,
  cv2_importance REAL,
  cv2_load REAL,
  max_over_mean REAL,
  dead INTEGER NOT NULL,
  dropped INTEGER NOT NULL,
  top_expert INTEGER,
  top_share REAL,
  PRIMARY KEY(layer, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoint(
  id INTEGER PRIMARY KEY,
  step INTEGER NOT NULL,
  utc_ns INTEGER NOT NULL,
  dir TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  manifest_sha256 BLOB NOT NULL,
  state TEXT NOT NULL CHECK(state IN ('complete', 'verified', 'corrupt', 'deleted'))
) STRICT;

-- level: 1 information, 2 warning, 3 error.
CREATE TABLE event(
  id INTEGER PRIMARY KEY,
  utc_ns INTEGER NOT NULL,
  step INTEGER,
  level INTEGER NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  detail TEXT
) STRICT;
