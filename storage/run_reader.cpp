#include <algorithm>
#include <storage/run_reader.h>

#include "database.h"
#include "expert_codec.h"
#include "fail.h"
#include "heat_map.h"
#include "migrate.h"
#include "pyramid.h"
#include "run_file.h"
#include "sqlite_functions.h"

namespace switchyard::storage {
namespace {

std::optional<int64_t> maybe_integer(const Statement& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.integer(column));
}

Sha256 digest_of(const Statement& row, int column) {
  Sha256 digest{};
  const std::span<const uint8_t> bytes = row.bytes(column);
  std::copy_n(bytes.begin(), std::min(bytes.size(), digest.size()), digest.begin());
  return digest;
}

MetricPoint point_of(const Statement& row) {
  return {row.integer(0), row.real(1), (row.integer(2) & 2) != 0};
}

StepTime step_time_of(const Statement& row) {
  return {row.integer(0), row.integer(1), row.integer(2), row.integer(3), row.integer(4)};
}

Event event_of(const Statement& row) {
  return {row.integer(0),
          row.integer(1),
          maybe_integer(row, 2),
          static_cast<int>(row.integer(3)),
          row.text(4),
          row.text(5),
          row.text(6)};
}

}  // namespace

class RunReader::Impl {
 public:
  explicit Impl(const std::filesystem::path& path) : db(open_for_reading(database_file(path))) {
    check_sqlite(register_functions(db.handle()), db.handle(), "register functions");
    version = db.integer("PRAGMA user_version");
    const int64_t known = run_migrations().back().version;
    if (version > known) {
      warning = fmt::format(
          "{} has schema {}, this program knows up to {}: it can be read, but what is new in it is "
          "not "
          "shown",
          db.file().string(), version, known);
    }
  }

  /// All rows of `statement`, each converted by `row`.
  template <typename Row>
  static auto all(Statement& statement, Row row) {
    std::vector<decltype(row(statement))> rows;
    while (statement.step()) {
      rows.push_back(row(statement));
    }
    return rows;
  }

  int64_t metric_id(std::string_view name) {
    Statement& select = db.cached("SELECT id FROM metric_name WHERE name=?");
    select.bind(name);
    if (!select.step()) {
      fail(ErrorCode::kNotFound, "{} has no metric '{}'", db.file().string(), name);
    }
    const int64_t id = select.integer(0);
    select.reset();
    return id;
  }

  Layer layer(std::string_view name) {
    Statement& select = db.cached("SELECT id, name, n_experts, k FROM layer WHERE name=?");
    select.bind(name);
    if (!select.step()) {
      fail(ErrorCode::kNotFound, "{} has no layer '{}'", db.file().string(), name);
    }
    Layer layer{select.integer(0), select.text(1), select.integer(2), select.integer(3)};
    select.reset();
    return layer;
  }

  std::vector<MetricPoint> points(int64_t name_id, int64_t first_step, int64_t last_step) {
    Statement& select =
        db.cached("SELECT step, value, flag FROM metric WHERE name_id=? AND step BETWEEN ? AND ?");
    return all(select.bind(name_id, first_step, last_step), point_of);
  }

  /// The finest level with at most max_points buckets in the range; 0 means the values themselves.
  int64_t finest_level(int64_t name_id, int64_t first_step, int64_t last_step, int64_t max_points) {
    Statement& values = db.cached(
        "SELECT count(*) FROM (SELECT 1 FROM metric WHERE name_id=? AND step BETWEEN ? AND ? "
        "LIMIT ?)");
    Statement& buckets = db.cached(
        "SELECT count(*) FROM (SELECT 1 FROM metric_lod WHERE name_id=? AND level=? "
        "AND bucket BETWEEN ? AND ? LIMIT ?)");
    values.bind(name_id, first_step, last_step, max_points + 1);
    int64_t count = values.step() ? values.integer(0) : 0;
    values.reset();
    int64_t level = 0;
    while (count > max_points && level * kMetricShift < 60) {
      ++level;
      const int64_t shift = level * kMetricShift;
      buckets.bind(name_id, level, first_step >> shift, last_step >> shift, max_points + 1);
      count = buckets.step() ? buckets.integer(0) : 0;
      buckets.reset();
    }
    return level;
  }

  Database db;
  int64_t version = 0;
  std::string warning;
};

RunReader::RunReader(const std::filesystem::path& path) : impl_(std::make_unique<Impl>(path)) {
}
RunReader::~RunReader() = default;
RunReader::RunReader(RunReader&&) noexcept = default;
RunReader& RunReader::operator=(RunReader&&) noexcept = default;

int64_t RunReader::schema_version() const {
  return impl_->version;
}

const std::string& RunReader::warning() const {
  return impl_->warning;
}

std::map<std::string, std::string> RunReader::meta() {
  Statement& select = impl_->db.cached("SELECT key, value FROM meta");
  std::map<std::string, std::string> entries;
  while (select.step()) {
    entries[select.text(0)] = select.text(1);
  }
  return entries;
}

std::vector<ConfigRevision> RunReader::configs() {
  Statement& select =
      impl_->db.cached("SELECT rev, utc_ns, toml, sha256, origin FROM config ORDER BY rev");
  return Impl::all(select, [](const Statement& row) {
    return ConfigRevision{row.integer(0), row.integer(1), row.text(2), digest_of(row, 3),
                          row.text(4)};
  });
}

std::vector<Segment> RunReader::segments() {
  Statement& select = impl_->db.cached(
      "SELECT seg, config_rev, start_step, start_utc_ns, boot_id, host, engine, world, "
      "from_checkpoint, reason, end_step, end_utc_ns, exit_kind, exit_code "
      "FROM segment ORDER BY seg");
  return Impl::all(select, [](const Statement& row) {
    return Segment{row.integer(0),
                   row.integer(1),
                   row.integer(2),
                   row.integer(3),
                   row.text(4),
                   row.text(5),
                   row.text(6),
                   row.integer(7),
                   maybe_integer(row, 8),
                   row.text(9),
                   maybe_integer(row, 10),
                   maybe_integer(row, 11),
                   row.is_null(12) ? std::nullopt : std::optional(row.text(12)),
                   maybe_integer(row, 13)};
  });
}

std::vector<MetricName> RunReader::metric_names() {
  Statement& select = impl_->db.cached("SELECT id, name, unit FROM metric_name ORDER BY name");
  return Impl::all(select, [](const Statement& row) {
    return MetricName{row.integer(0), row.text(1), row.text(2)};
  });
}

std::vector<MetricPoint> RunReader::series(std::string_view metric, int64_t first_step,
                                           int64_t last_step) {
  return impl_->points(impl_->metric_id(metric), first_step, last_step);
}

std::vector<MetricBucket> RunReader::series_reduced(std::string_view metric, int64_t first_step,
                                                    int64_t last_step, int64_t max_points) {
  Transaction snapshot(impl_->db, Transaction::Kind::kRead);
  const int64_t id = impl_->metric_id(metric);
  const int64_t level = impl_->finest_level(id, first_step, last_step, max_points);
  if (level == 0) {
    std::vector<MetricBucket> buckets;
    for (const MetricPoint& point : impl_->points(id, first_step, last_step)) {
      const bool is_nan = point.value != point.value;
      buckets.push_back(
          {point.step, 1, is_nan ? 0 : 1, is_nan ? 1 : 0, point.value, point.value, point.value});
    }
    return buckets;
  }
  const int64_t shift = level * kMetricShift;
  Statement& select = impl_->db.cached(
      "SELECT bucket, n, nan_n, vmin, vmax, vsum FROM metric_lod "
      "WHERE name_id=? AND level=? AND bucket BETWEEN ? AND ?");
  select.bind(id, level, first_step >> shift, last_step >> shift);
  return Impl::all(select, [shift](const Statement& row) {
    const int64_t count = row.integer(1);
    return MetricBucket{row.integer(0) << shift,
                        int64_t{1} << shift,
                        count,
                        row.integer(2),
                        row.real(3),
                        row.real(4),
                        row.real(5) / static_cast<double>(count)};
  });
}

std::optional<int64_t> RunReader::latest_step() {
  Transaction snapshot(impl_->db, Transaction::Kind::kRead);
  const std::vector<Segment> all = segments();
  for (auto segment = all.rbegin(); segment != all.rend(); ++segment) {
    Statement& select = impl_->db.cached(
        "SELECT step FROM step_time WHERE step>=? AND seg=? ORDER BY step DESC LIMIT 1");
    select.bind(segment->start_step, segment->seg);
    if (select.step()) {
      const int64_t step = select.integer(0);
      select.reset();
      return step;
    }
  }
  return std::nullopt;
}

std::vector<StepTime> RunReader::step_times(int64_t first_step, int64_t last_step) {
  Statement& select = impl_->db.cached(
      "SELECT step, seg, utc_ns, mono_ns, tokens FROM step_time WHERE step BETWEEN ? AND ? "
      "ORDER BY step");
  return Impl::all(select.bind(first_step, last_step), step_time_of);
}

std::vector<Layer> RunReader::layers() {
  Statement& select = impl_->db.cached("SELECT id, name, n_experts, k FROM layer ORDER BY id");
  return Impl::all(select, [](const Statement& row) {
    return Layer{row.integer(0), row.text(1), row.integer(2), row.integer(3)};
  });
}

std::vector<int64_t> RunReader::expert_steps(std::string_view layer) {
  Statement& select = impl_->db.cached("SELECT step FROM expert_blob WHERE layer=? ORDER BY step");
  select.bind(impl_->layer(layer).id);
  return Impl::all(select, [](const Statement& row) { return row.integer(0); });
}

std::optional<ExpertBlob> RunReader::experts(std::string_view layer, int64_t step) {
  const int64_t id = impl_->layer(layer).id;
  Statement& select = impl_->db.cached(
      "SELECT n, enc, importance, load, crc32c FROM expert_blob WHERE layer=? AND step=?");
  select.bind(id, step);
  if (!select.step()) {
    return std::nullopt;
  }
  const int64_t n = select.integer(0);
  const int64_t enc = select.integer(1);
  const uint32_t crc = row_checksum({id, step, n, enc}, select.bytes(2), select.bytes(3));
  const bool is_intact = int64_t{crc} == select.integer(4);
  auto importance = is_intact ? decode(select.bytes(2), n, enc) : std::nullopt;
  auto load = is_intact ? decode(select.bytes(3), n, enc) : std::nullopt;
  select.reset();
  if (!importance || !load) {
    fail(ErrorCode::kDamaged,
         "{}: the experts of layer '{}' at step {} do not match their checksum",
         impl_->db.file().string(), layer, step);
  }
  return ExpertBlob{step, std::move(*importance), std::move(*load)};
}

std::vector<ExpertSummary> RunReader::expert_summaries(std::string_view layer, int64_t first_step,
                                                       int64_t last_step) {
  Statement& select = impl_->db.cached(
      "SELECT step, cv2_importance, cv2_load, max_over_mean, dead, dropped, top_expert, top_share "
      "FROM expert_summary WHERE layer=? AND step BETWEEN ? AND ?");
  select.bind(impl_->layer(layer).id, first_step, last_step);
  return Impl::all(select, [](const Statement& row) {
    const bool has_top = !row.is_null(6);
    return ExpertSummary{row.integer(0),
                         row.real(1),
                         row.real(2),
                         row.real(3),
                         row.integer(4),
                         row.integer(5),
                         has_top ? row.integer(6) : -1,
                         has_top ? row.real(7) : 0.0};
  });
}

HeatMap RunReader::heat_map(std::string_view layer, int64_t first_step, int64_t last_step,
                            int64_t max_columns) {
  if (max_columns < 1) {
    fail(ErrorCode::kInvalid, "heat_map: max_columns must be at least 1, got {}", max_columns);
  }
  Transaction snapshot(impl_->db, Transaction::Kind::kRead);
  return read_heat_map(impl_->db, impl_->layer(layer), first_step, last_step, max_columns);
}

std::vector<Checkpoint> RunReader::checkpoints() {
  Statement& select = impl_->db.cached(
      "SELECT id, step, utc_ns, dir, bytes, manifest_sha256, state FROM checkpoint ORDER BY id");
  return Impl::all(select, [](const Statement& row) {
    return Checkpoint{row.integer(0), row.integer(1),    row.integer(2), row.text(3),
                      row.integer(4), digest_of(row, 5), row.text(6)};
  });
}

std::vector<Event> RunReader::events(int64_t after_id, int64_t limit) {
  Statement& select = impl_->db.cached(
      "SELECT id, utc_ns, step, level, code, message, detail FROM event WHERE id>? ORDER BY id "
      "LIMIT ?");
  return Impl::all(select.bind(after_id, limit), event_of);
}

LiveTail RunReader::tail(int64_t after_step, int64_t after_event, int64_t max_steps) {
  Transaction snapshot(impl_->db, Transaction::Kind::kRead);
  LiveTail tail{after_step, after_event, {}, {}, {}};
  Statement& steps = impl_->db.cached(
      "SELECT step, seg, utc_ns, mono_ns, tokens FROM step_time WHERE step>? ORDER BY step "
      "LIMIT ?");
  tail.steps = Impl::all(steps.bind(after_step, max_steps), step_time_of);
  if (!tail.steps.empty()) {
    tail.last_step = tail.steps.back().step;
    for (const MetricName& metric : metric_names()) {
      auto points = impl_->points(metric.id, after_step + 1, tail.last_step);
      if (!points.empty()) {
        tail.metrics.emplace(metric.name, std::move(points));
      }
    }
  }
  tail.events = events(after_event);
  if (!tail.events.empty()) {
    tail.last_event = tail.events.back().id;
  }
  return tail;
}

}  // namespace switchyard::storage
