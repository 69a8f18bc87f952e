#include "recorder.h"

#include <bit>
#include <checksum/sha256.h>
#include <cmath>
#include <random>
#include <system_error>
#include <utility>

#include "expert_codec.h"
#include "fail.h"
#include "pyramid.h"
#include "run_file.h"

namespace switchyard::storage {
namespace {

constexpr int64_t kNanFlag = 1;
constexpr int64_t kReplayFlag = 2;

std::string random_uuid() {
  std::random_device source;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string uuid = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
  for (char& c : uuid) {
    const unsigned bits = source() & 15U;
    if (c == 'x') {
      c = kHex[bits];
    } else if (c == 'y') {
      c = kHex[8 + (bits & 3U)];
    }
  }
  return uuid;
}

/// Turns -0.0 into 0.0: the database does not keep the sign of zero.
double storable(double value) {
  return value + 0.0;
}

bool is_same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) ||
         std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

bool holds_checkpoint(const std::vector<Item>& batch) {
  for (const Item& item : batch) {
    if (std::holds_alternative<CheckpointItem>(item)) {
      return true;
    }
  }
  return false;
}

}  // namespace

Recorder::Recorder(Database db, int64_t blob_budget_bytes)
    : db_(std::move(db)),
      blob_budget_bytes_(blob_budget_bytes),
      is_logged_(db_.text("PRAGMA journal_mode") == "wal") {
  Transaction transaction(db_, Transaction::Kind::kWrite);
  Statement insert = db_.prepare("INSERT OR IGNORE INTO meta VALUES(?,?)");
  insert.bind(std::string_view("run_uuid"), std::string_view(random_uuid())).run();
  const std::string now = fmt::format("{}", utc_now_ns());
  insert.bind(std::string_view("created_utc_ns"), std::string_view(now)).run();
  for (const std::string_view key : {"resume_replayed_steps", "resume_mismatch_steps"}) {
    insert.bind(key, std::string_view("0")).run();
  }
  transaction.commit();
  load_state();
}

void Recorder::load_state() {
  Statement names = db_.prepare("SELECT name, id FROM metric_name");
  while (names.step()) {
    state_.metric_ids[names.text(0)] = names.integer(1);
  }
  Statement layers = db_.prepare("SELECT id, name, n_experts, k FROM layer");
  while (layers.step()) {
    const Layer layer{layers.integer(0), layers.text(1), layers.integer(2), layers.integer(3)};
    state_.layers[layer.name] = layer;
  }
  state_.blob_bytes =
      db_.integer("SELECT ifnull(sum(length(importance) + length(load)), 0) FROM expert_blob");
}

void Recorder::write(std::vector<Item>& batch) {
  const State before = state_;
  batch_notices_.clear();
  batch_rejected_ = 0;
  changed_metrics_.clear();
  changed_layers_.clear();
  try {
    if (is_logged_) {
      db_.exec(holds_checkpoint(batch) ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
    }
    Transaction transaction(db_, Transaction::Kind::kWrite);
    write_rows(batch);
    transaction.commit();
  } catch (...) {
    state_ = before;
    throw;
  }
  rejected_items_ += batch_rejected_;
  notices_.insert(notices_.end(), batch_notices_.begin(), batch_notices_.end());
}

void Recorder::write_rows(std::vector<Item>& batch) {
  for (Item& item : batch) {
    try {
      std::visit([this](auto& it) { apply(it); }, item);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kInvalid) {
        throw;
      }
      if (++batch_rejected_ == 1) {
        say(std::nullopt, 2, "item_rejected", error.what());
      }
    }
  }
  if (state_.blob_bytes > blob_budget_bytes_) {
    thin_blobs();
  }
  for (const auto& [name_id, steps] : changed_metrics_) {
    refresh_metric(db_, name_id, steps);
  }
  for (const auto& [layer, steps] : changed_layers_) {
    refresh_tiles(db_, layer, steps);
  }
}

void Recorder::finish() {
  leave_plain_file(db_);
}

std::vector<Notice> Recorder::take_notices() {
  return std::exchange(notices_, {});
}

int64_t Recorder::log_bytes() const {
  std::error_code absent;
  const auto bytes = std::filesystem::file_size(db_.file().string() + "-wal", absent);
  return absent ? 0 : static_cast<int64_t>(bytes);
}

void Recorder::apply(const MetaItem& item) {
  db_.cached("INSERT OR REPLACE INTO meta VALUES(?,?)")
      .bind(std::string_view(item.key), std::string_view(item.value))
      .run();
}

int64_t Recorder::metric_id(const MetricItem& item) {
  const auto known = state_.metric_ids.find(item.name);
  if (known != state_.metric_ids.end()) {
    return known->second;
  }
  db_.cached("INSERT INTO metric_name(name, unit) VALUES(?,?)")
      .bind(std::string_view(item.name), std::string_view(item.unit))
      .run();
  return state_.metric_ids[item.name] = db_.last_row_id();
}

void Recorder::apply(const MetricItem& item) {
  const int64_t name_id = metric_id(item);
  const int64_t flag = std::isnan(item.value) ? kNanFlag : 0;
  db_.cached("INSERT INTO metric VALUES(?,?,?,?) ON CONFLICT DO NOTHING")
      .bind(name_id, item.step, storable(item.value), flag)
      .run();
  if (db_.changes() == 0) {
    overwrite(name_id, item);
  }
  changed_metrics_[name_id].insert(item.step);
}

void Recorder::overwrite(int64_t name_id, const MetricItem& item) {
  Statement& select = db_.cached("SELECT value, flag FROM metric WHERE name_id=? AND step=?");
  select.bind(name_id, item.step);
  if (!select.step()) {
    return;
  }
  const double stored = select.real(0);
  int64_t flag = select.integer(1) & kReplayFlag;
  select.reset();
  if (item.step <= state_.replay_until) {
    flag = kReplayFlag;
    if (item.kind == MetricKind::kDeterministic && !is_same(stored, storable(item.value))) {
      count_mismatch(item, stored);
    }
  }
  flag |= std::isnan(item.value) ? kNanFlag : 0;
  db_.cached("UPDATE metric SET value=?, flag=? WHERE name_id=? AND step=?")
      .bind(storable(item.value), flag, name_id, item.step)
      .run();
}

void Recorder::count_mismatch(const MetricItem& item, double stored) {
  if (state_.mismatched_steps.empty()) {
    say(item.step, 2, "resume_mismatch",
        fmt::format("step {} gave another {} than before the resume: {:f}, now {:f}", item.step,
                    item.name, stored, item.value));
  }
  if (state_.mismatched_steps.insert(item.step).second) {
    count_in_meta("resume_mismatch_steps");
  }
}

void Recorder::count_in_meta(std::string_view key) {
  db_.cached("UPDATE meta SET value=CAST(CAST(value AS INTEGER)+1 AS TEXT) WHERE key=?")
      .bind(key)
      .run();
}

void Recorder::apply(const StepItem& item) {
  const StepTime& time = item.time;
  if (time.step <= state_.replay_until) {
    count_in_meta("resume_replayed_steps");
  }
  db_.cached("INSERT OR REPLACE INTO step_time VALUES(?,?,?,?,?)")
      .bind(time.step, state_.seg, time.utc_ns, time.mono_ns, time.tokens)
      .run();
}

void Recorder::apply(const LayerItem& item) {
  db_.cached(
         "INSERT INTO layer(name, n_experts, k) VALUES(?,?,?) "
         "ON CONFLICT(name) DO UPDATE SET n_experts=excluded.n_experts, k=excluded.k")
      .bind(std::string_view(item.name), item.num_experts, item.top_k)
      .run();
  Statement& select = db_.cached("SELECT id FROM layer WHERE name=?");
  select.bind(std::string_view(item.name));
  if (select.step()) {
    state_.layers[item.name] = {select.integer(0), item.name, item.num_experts, item.top_k};
  }
  select.reset();
}

void Recorder::apply(ExpertItem& item) {
  const auto layer = state_.layers.find(item.layer);
  if (layer == state_.layers.end()) {
    fail(ErrorCode::kInvalid, "experts: layer '{}' was never declared", item.layer);
  }
  reduce(item);
  const int64_t id = layer->second.id;
  if (!item.importance.empty()) {
    put_blob(item, layer->second);
  }
  put_summary(*item.reduced, id);
  put_tile(db_, id, item.step, item.reduced->importance, item.reduced->load);
  changed_layers_[id].insert(item.step);
}

void Recorder::put_blob(const ExpertItem& item, const Layer& layer) {
  const int64_t n = static_cast<int64_t>(item.importance.size());
  const Encoding encoding = encoding_for(n);
  const Bytes importance = encode(item.importance, encoding);
  const Bytes load = encode(item.load, encoding);
  const int64_t enc = static_cast<int64_t>(encoding);
  const int64_t crc = row_checksum({layer.id, item.step, n, enc}, importance, load);
  db_.cached("INSERT OR REPLACE INTO expert_blob VALUES(?,?,?,?,?,?,?)")
      .bind(layer.id, item.step, n, enc, importance, load, crc)
      .run();
  state_.blob_bytes += static_cast<int64_t>(importance.size() + load.size());
}

void Recorder::put_summary(const ReducedExperts& reduced, int64_t layer) {
  const ExpertSummary& s = reduced.summary;
  const bool has_top = s.top_expert >= 0;
  db_.cached("INSERT OR REPLACE INTO expert_summary VALUES(?,?,?,?,?,?,?,?,?)")
      .bind(layer, s.step, s.cv2_importance, s.cv2_load, s.max_over_mean, s.dead, s.dropped,
            has_top ? std::optional(s.top_expert) : std::nullopt,
            has_top ? std::optional(s.top_share) : std::nullopt)
      .run();
}

void Recorder::thin_blobs() {
  std::vector<int64_t> steps;
  Statement select = db_.prepare("SELECT DISTINCT step FROM expert_blob ORDER BY step");
  while (select.step()) {
    steps.push_back(select.integer(0));
  }
  int64_t num_removed = 0;
  for (size_t i = 1; i < (steps.size() + 1) / 2; i += 2) {
    db_.cached("DELETE FROM expert_blob WHERE layer IN (SELECT id FROM layer) AND step=?")
        .bind(steps[i])
        .run();
    ++num_removed;
  }
  state_.blob_bytes =
      db_.integer("SELECT ifnull(sum(length(importance) + length(load)), 0) FROM expert_blob");
  if (num_removed > 0) {
    say(steps[(steps.size() - 1) / 2], 1, "expert_blobs_thinned",
        fmt::format("expert blobs reached their budget of {} bytes: every second of the older half "
                    "was removed ({} steps); tiles and summaries stay",
                    blob_budget_bytes_, num_removed));
  }
}

int64_t Recorder::config_revision(const SegmentItem& item) {
  const Sha256 digest = item.start.config_sha256.value_or(checksum::sha256(item.start.config_toml));
  const std::span<const uint8_t> digest_bytes(digest);
  Statement& newest =
      db_.cached("SELECT rev FROM (SELECT * FROM config ORDER BY rev DESC LIMIT 1) WHERE sha256=?");
  newest.bind(digest_bytes);
  if (newest.step()) {
    const int64_t rev = newest.integer(0);
    newest.reset();
    return rev;
  }
  db_.cached("INSERT INTO config(utc_ns, toml, sha256, origin) VALUES(?,?,?,?)")
      .bind(item.utc_ns, std::string_view(item.start.config_toml), digest_bytes,
            std::string_view(item.start.config_origin))
      .run();
  return db_.last_row_id();
}

void Recorder::apply(const SegmentItem& item) {
  const SegmentStart& start = item.start;
  db_.exec(
      "UPDATE segment SET exit_kind='lost', end_step="
      "(SELECT max(step) FROM step_time WHERE seg=segment.seg) WHERE exit_kind IS NULL");
  state_.replay_until = db_.integer(
      "SELECT max(ifnull((SELECT max(step) FROM step_time), -1),"
      " ifnull((SELECT max(step) FROM metric), -1))");
  state_.mismatched_steps.clear();
  const int64_t rev = config_revision(item);
  db_.cached(
         "INSERT INTO segment(config_rev, start_step, start_utc_ns, boot_id, host, engine, world,"
         " from_checkpoint, reason) VALUES(?,?,?,?,?,?,?,?,?)")
      .bind(rev, start.start_step, item.utc_ns, std::string_view(start.boot_id),
            std::string_view(start.host), std::string_view(start.engine), start.world,
            start.from_checkpoint, std::string_view(start.reason))
      .run();
  state_.seg = db_.last_row_id();
}

void Recorder::apply(const SegmentEndItem& item) {
  db_.cached("UPDATE segment SET end_step=?, end_utc_ns=?, exit_kind=?, exit_code=? WHERE seg=?")
      .bind(item.end_step, item.utc_ns, std::string_view(item.exit_kind), item.exit_code,
            state_.seg)
      .run();
}

void Recorder::apply(const CheckpointItem& item) {
  const Checkpoint& c = item.checkpoint;
  apply(CheckpointDeletedItem{c.dir});  // a replayed step saves to the same directory again
  db_.cached(
         "INSERT INTO checkpoint(step, utc_ns, dir, bytes, manifest_sha256, state)"
         " VALUES(?,?,?,?,?,'complete')")
      .bind(c.step, c.utc_ns, std::string_view(c.dir), c.bytes,
            std::span<const uint8_t>(c.manifest_sha256))
      .run();
}

void Recorder::apply(const CheckpointDeletedItem& item) {
  db_.cached("UPDATE checkpoint SET state='deleted' WHERE dir=?")
      .bind(std::string_view(item.dir))
      .run();
}

void Recorder::apply(const EventItem& item) {
  const Event& e = item.event;
  db_.cached("INSERT INTO event(utc_ns, step, level, code, message, detail) VALUES(?,?,?,?,?,?)")
      .bind(e.utc_ns, e.step, e.level, std::string_view(e.code), std::string_view(e.message),
            e.detail.empty() ? std::nullopt : std::optional<std::string_view>(e.detail))
      .run();
}

void Recorder::say(std::optional<int64_t> step, int level, std::string_view code,
                   std::string message) {
  batch_notices_.push_back({level, std::string(code), message});
  apply(EventItem{{0, utc_now_ns(), step, level, std::string(code), std::move(message), {}}});
}

}  // namespace switchyard::storage
