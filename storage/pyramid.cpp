#include "pyramid.h"

#include "expert_codec.h"

namespace switchyard::storage {
namespace {

void put(Database& db, int64_t layer, int64_t level, int64_t bucket, int64_t num_logged,
         std::span<const float> importance, std::span<const float> load) {
  const Bytes importance_bytes = encode(importance, Encoding::kRaw);
  const Bytes load_bytes = encode(load, Encoding::kRaw);
  const int64_t bins = static_cast<int64_t>(importance.size());
  const uint32_t crc =
      row_checksum({layer, level, bucket, num_logged, bins}, importance_bytes, load_bytes);
  db.cached("INSERT OR REPLACE INTO expert_tile VALUES(?,?,?,?,?,?,?,?)")
      .bind(layer, level, bucket, num_logged, bins, importance_bytes, load_bytes, int64_t{crc})
      .run();
}

void add(std::vector<float>& sums, const std::vector<float>& values) {
  for (size_t i = 0; i < sums.size(); ++i) {
    sums[i] += values[i];
  }
}

void merge_tiles(Database& db, int64_t layer, int64_t level, int64_t bucket) {
  Statement& parts = db.cached(
      "SELECT n_steps, bins, importance, load FROM expert_tile "
      "WHERE layer=? AND level=? AND bucket BETWEEN ? AND ?");
  const int64_t first = bucket << kTileShift;
  parts.bind(layer, level - 1, first, first + (1 << kTileShift) - 1);
  std::vector<float> importance;
  std::vector<float> load;
  int64_t num_logged = 0;
  while (parts.step()) {
    const auto part_importance = decode(parts.bytes(2), parts.integer(1), 0);
    const auto part_load = decode(parts.bytes(3), parts.integer(1), 0);
    if (!part_importance || !part_load) {
      continue;  // damaged: verify_run() reports it
    }
    if (part_importance->size() != importance.size()) {
      // The first part, or the layer changed its size on a resume: the newer size wins.
      importance.assign(part_importance->size(), 0.0F);
      load.assign(part_importance->size(), 0.0F);
      num_logged = 0;
    }
    num_logged += parts.integer(0);
    add(importance, *part_importance);
    add(load, *part_load);
  }
  put(db, layer, level, bucket, num_logged, importance, load);
}

std::set<int64_t> parents(const std::set<int64_t>& buckets, int shift) {
  std::set<int64_t> result;
  for (const int64_t bucket : buckets) {
    result.insert(bucket >> shift);
  }
  return result;
}

int64_t last_of(Statement& statement) {
  return statement.step() ? statement.integer(0) : 0;
}

void reduce_values(Database& db, int64_t name_id, int64_t bucket) {
  const int64_t first = bucket << kMetricShift;
  db.cached(
        "INSERT OR REPLACE INTO metric_lod "
        "SELECT ?1, 1, ?2, count(value), min(value), max(value), sum(value), "
        "count(*) - count(value) FROM metric WHERE name_id=?1 AND step BETWEEN ?3 AND ?4")
      .bind(name_id, bucket, first, first + (1 << kMetricShift) - 1)
      .run();
}

void merge_buckets(Database& db, int64_t name_id, int64_t level, int64_t bucket) {
  const int64_t first = bucket << kMetricShift;
  db.cached(
        "INSERT OR REPLACE INTO metric_lod "
        "SELECT ?1, ?2, ?3, sum(n), min(vmin), max(vmax), sum(vsum), sum(nan_n) "
        "FROM metric_lod WHERE name_id=?1 AND level=?2-1 AND bucket BETWEEN ?4 AND ?5")
      .bind(name_id, level, bucket, first, first + (1 << kMetricShift) - 1)
      .run();
}

}  // namespace

void put_tile(Database& db, int64_t layer, int64_t step, std::span<const float> importance,
              std::span<const float> load) {
  put(db, layer, 0, step, 1, importance, load);
}

void refresh_tiles(Database& db, int64_t layer, const std::set<int64_t>& steps) {
  Statement& newest = db.cached("SELECT max(bucket) FROM expert_tile WHERE layer=? AND level=0");
  int64_t last = last_of(newest.bind(layer));
  newest.reset();
  std::set<int64_t> buckets = steps;
  for (int64_t level = 1; last > 0; ++level, last >>= kTileShift) {
    buckets = parents(buckets, kTileShift);
    for (const int64_t bucket : buckets) {
      merge_tiles(db, layer, level, bucket);
    }
  }
}

void refresh_metric(Database& db, int64_t name_id, const std::set<int64_t>& steps) {
  Statement& newest = db.cached("SELECT max(step) FROM metric WHERE name_id=?");
  int64_t last = last_of(newest.bind(name_id));
  newest.reset();
  std::set<int64_t> buckets = steps;
  for (int64_t level = 1; last > 0; ++level, last >>= kMetricShift) {
    buckets = parents(buckets, kMetricShift);
    for (const int64_t bucket : buckets) {
      if (level == 1) {
        reduce_values(db, name_id, bucket);
      } else {
        merge_buckets(db, name_id, level, bucket);
      }
    }
  }
}

}  // namespace switchyard::storage
