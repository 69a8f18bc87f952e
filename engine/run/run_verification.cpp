#include "run/run_verification.h"

#include <algorithm>
#include <storage/run_reader.h>
#include <storage/verify.h>

#include "checkpoint/checkpoint_reader.h"
#include "config/run_config.h"
#include "core/error.h"
#include "core/file_io.h"
#include "data/dataset.h"
#include "process/run_directory.h"
#include "run/event_log.h"

namespace switchyard::run {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMaxConfigBytes = int64_t{1} << 20;
constexpr int64_t kMaxManifestBytes = int64_t{16} << 20;

/// Checks the parts of a directory one by one and collects findings.
class Verification {
 public:
  explicit Verification(fs::path root) : root_(std::move(root)) {}

  VerifyReport run_directory() {
    check_database();
    check_config();
    for (const process::CheckpointPlace& place : process::list_checkpoints(root_)) {
      check_checkpoint(place);
    }
    check_log();
    check_run_data();
    return std::move(report_);
  }

  VerifyReport data_set() {
    check_data(root_);
    return std::move(report_);
  }

 private:
  void find(const std::string& file, const std::string& code, const std::string& message) {
    report_.findings.push_back({file, code, message});
  }

  [[nodiscard]] bool has(const fs::path& file) const {
    std::error_code error;
    return fs::exists(file, error);
  }

  void check_database() {
    if (!has(process::RunPaths{root_}.database())) {
      find("run.db", "missing", "there is no run.db");
      return;
    }
    report_.checked.emplace_back("run.db");
    for (const storage::Finding& finding : storage::verify_run(root_)) {
      find("run.db", finding.code, finding.message);
    }
    const auto recorded = recorded_database_sum(process::RunPaths{root_}.log());
    if (recorded && !process::is_locked(root_) &&
        *recorded != sum_of(process::RunPaths{root_}.database())) {
      find("run.db", "database_sum", "it is not the file that the run closed (log.jsonl)");
    }
  }

  /// config.toml must equal the newest revision in run.db, byte for byte.
  void check_config() {
    const fs::path file = process::RunPaths{root_}.config();
    if (!has(file)) {
      find("config.toml", "missing", "there is no config.toml");
      return;
    }
    report_.checked.emplace_back("config.toml");
    core::PosixFileSystem files;
    config_text_ = core::read_file(files, file, kMaxConfigBytes);
    try {
      storage::RunReader reader(root_);
      const auto revisions = reader.configs();
      if (!revisions.empty() && revisions.back().toml != config_text_) {
        find("config.toml", "config", "it differs from the configuration recorded in run.db");
      }
    } catch (const storage::Error&) {
      report_.skipped.emplace_back("config.toml against run.db: the database cannot be read");
    }
  }

  void check_checkpoint(const process::CheckpointPlace& place) {
    const std::string name = fmt::format("checkpoints/{}", place.path.filename().string());
    report_.checked.push_back(name);
    core::PosixFileSystem files;
    const auto findings = checkpoint::verify_checkpoint(files, place.path);
    for (const checkpoint::Finding& finding : findings) {
      find(fmt::format("{}/{}", name, finding.file), "checkpoint", finding.problem);
    }
    if (findings.empty()) {
      whole_checkpoints_.push_back(place.path);
    }
  }

  void check_log() {
    const fs::path file = process::RunPaths{root_}.log();
    if (!has(file)) {
      return;
    }
    report_.checked.emplace_back("log.jsonl");
    for (const int64_t line : damaged_log_lines(file)) {
      find("log.jsonl", "log", fmt::format("line {} is not what was written", line));
    }
  }

  void check_run_data() {
    std::string path;
    try {
      path = config::parse_run_config(config_text_, "config.toml", {}).trainer.data.path;
    } catch (const core::Error& error) {
      find("config.toml", "config", error.what());
      return;
    }
    if (!data::is_dataset_directory(path)) {
      report_.skipped.push_back(fmt::format("the data set {}: it is not there", path));
      return;
    }
    check_data(path);
  }

  void check_data(const fs::path& path) {
    report_.checked.push_back(path.string());
    try {
      const data::Dataset dataset(path);
      dataset.verify();
      compare_data_hashes(dataset);
    } catch (const core::Error& error) {
      find(path.string(), "data", error.what());
    }
  }

  /// The data set must still be the one that the checkpoints were trained on.
  void compare_data_hashes(const data::Dataset& dataset) {
    core::PosixFileSystem files;
    for (const fs::path& place : whole_checkpoints_) {
      const std::string text =
          core::read_file(files, place / checkpoint::kManifestFile, kMaxManifestBytes);
      const checkpoint::Manifest manifest = checkpoint::parse_manifest(text, place.string());
      if (manifest.data_hash != dataset.data_hash()) {
        find(place.lexically_relative(root_).string(), "data_changed",
             fmt::format("it was trained on data with hash {}, {} now has {}", manifest.data_hash,
                         dataset.directory().string(), dataset.data_hash()));
      }
    }
  }

  fs::path root_;
  VerifyReport report_;
  std::string config_text_;
  std::vector<fs::path> whole_checkpoints_;
};

}  // namespace

VerifyReport verify_directory(const fs::path& directory) {
  if (process::holds_run(directory)) {
    return Verification(directory).run_directory();
  }
  if (data::is_dataset_directory(directory)) {
    return Verification(directory).data_set();
  }
  core::fail(core::ErrorCode::kNotFound, "there is neither a run nor a data set in {}",
             directory.string());
}

}  // namespace switchyard::run
