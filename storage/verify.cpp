#include <algorithm>
#include <charconv>
#include <functional>
#include <storage/verify.h>
#include <system_error>

#include "database.h"
#include "expert_codec.h"
#include "fail.h"
#include "pyramid.h"
#include "run_file.h"

namespace switchyard::storage {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFindings = 100;

using Findings = std::vector<Finding>;

void check_pages(Database& db, Findings& findings) {
  Statement check = db.prepare("PRAGMA integrity_check(20)");
  while (check.step()) {
    if (check.text(0) != "ok") {
      findings.push_back({"integrity", check.text(0)});
    }
  }
}

void check_blobs(Database& db, Findings& findings) {
  Statement rows = db.prepare(
      "SELECT b.layer, b.step, b.n, b.enc, b.importance, b.load, b.crc32c, l.name "
      "FROM expert_blob b LEFT JOIN layer l ON l.id=b.layer ORDER BY b.layer, b.step");
  while (rows.step() && findings.size() < kMaxFindings) {
    const int64_t n = rows.integer(2);
    const int64_t enc = rows.integer(3);
    const uint32_t crc =
        row_checksum({rows.integer(0), rows.integer(1), n, enc}, rows.bytes(4), rows.bytes(5));
    const bool is_intact = int64_t{crc} == rows.integer(6);
    if (!is_intact || !decode(rows.bytes(4), n, enc) || !decode(rows.bytes(5), n, enc)) {
      findings.push_back(
          {"blob_checksum",
           fmt::format("the experts of layer '{}' at step {} do not match their checksum",
                       rows.text(7), rows.integer(1))});
    }
  }
}

void check_tiles(Database& db, Findings& findings) {
  Statement rows = db.prepare(
      "SELECT t.layer, t.level, t.bucket, t.n_steps, t.bins, t.importance, t.load, t.crc32c, "
      "l.name FROM expert_tile t LEFT JOIN layer l ON l.id=t.layer");
  while (rows.step() && findings.size() < kMaxFindings) {
    const uint32_t crc = row_checksum(
        {rows.integer(0), rows.integer(1), rows.integer(2), rows.integer(3), rows.integer(4)},
        rows.bytes(5), rows.bytes(6));
    if (int64_t{crc} != rows.integer(7)) {
      const int64_t first = rows.integer(2) << (rows.integer(1) * kTileShift);
      findings.push_back(
          {"tile_checksum",
           fmt::format("a heat map tile of layer '{}' that begins at step {} does not match its "
                       "checksum",
                       rows.text(8), first)});
    }
  }
}

void check_steps(Database& db, Findings& findings) {
  Statement rows = db.prepare("SELECT step FROM step_time ORDER BY step");
  if (!rows.step()) {
    return;
  }
  int64_t previous = rows.integer(0);
  while (rows.step() && findings.size() < kMaxFindings) {
    const int64_t step = rows.integer(0);
    if (step != previous + 1) {
      findings.push_back(
          {"step_gap", fmt::format("steps {} to {} are missing", previous + 1, step - 1)});
    }
    previous = step;
  }
}

/// The N of the newest directory checkpoints/step-N; -1 if there is none.
int64_t newest_directory(const fs::path& run_dir) {
  constexpr std::string_view kPrefix = "step-";
  int64_t newest = -1;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(run_dir / "checkpoints", absent)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind(kPrefix, 0) != 0) {
      continue;
    }
    int64_t step = -1;
    const char* end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data() + kPrefix.size(), end, step);
    if (parsed.ec == std::errc() && parsed.ptr == end) {
      newest = std::max(newest, step);
    }
  }
  return newest;
}

void check_checkpoints(Database& db, Findings& findings) {
  const int64_t last_step = db.integer(
      "SELECT max(ifnull((SELECT max(step) FROM step_time), -1), "
      "ifnull((SELECT max(start_step) - 1 FROM segment), -1))");
  const int64_t recorded = db.integer(
      "SELECT ifnull(max(step), -1) FROM checkpoint WHERE state IN ('complete', 'verified')");
  const int64_t newest = std::max(recorded, newest_directory(db.file().parent_path()));
  if (newest > last_step) {
    findings.push_back(
        {"checkpoint_ahead",
         fmt::format("the database ends at step {}, the newest checkpoint says {}: steps were lost",
                     last_step, newest)});
  }
}

}  // namespace

std::vector<Finding> verify_run(const fs::path& path) {
  Findings findings;
  const auto attempt = [&](const std::function<void()>& check) {
    try {
      check();
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kNotFound) {
        throw;
      }
      findings.push_back({"unreadable", error.what()});
    }
  };
  std::optional<Database> db;
  attempt([&] { db.emplace(open_for_reading(database_file(path))); });
  if (db) {
    for (const auto check :
         {check_pages, check_blobs, check_tiles, check_steps, check_checkpoints}) {
      attempt([&] { check(*db, findings); });
    }
  }
  return findings;
}

}  // namespace switchyard::storage
