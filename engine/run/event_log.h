#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/log.h"
#include "trainer/run_listener.h"

namespace switchyard::run {

/// Length and CRC32C of a file.
struct FileSum {
  int64_t bytes = 0;
  uint32_t crc32c = 0;

  friend bool operator==(const FileSum&, const FileSum&) = default;
};

/// Reads a file. Throws Error(kIo) if it cannot be read.
[[nodiscard]] FileSum sum_of(const std::filesystem::path& file);

/// The run's log.jsonl: one JSON object a line for everything worth reading later, flushed at once
/// (a crash loses nothing that was said). The last field of a line, "crc", is the CRC32C of the
/// line before `,"crc"`. A full disk costs lines, never the run. Threads: [any].
class EventLog : public trainer::RunListener {
 public:
  /// Appends to the file. Throws Error(kIo) if it cannot be opened.
  EventLog(const std::filesystem::path& file, const core::Clock& clock);

  void say(core::LogLevel level, std::string_view who, std::string_view text);

  /// From now on run.db changes.
  void database_opened();
  /// run.db is one plain file again; from now on every byte of it can be checked.
  void database_closed(const FileSum& sum);

  void on_evaluation(const trainer::EvaluationReport& report) override;
  void on_checkpoint(const trainer::CheckpointReport& report) override;
  void on_event(int64_t step, int level, std::string_view code, std::string_view message) override;

 private:
  void write(std::string line);

  const core::Clock& clock_;
  std::mutex mutex_;
  std::ofstream stream_;
};

/// Numbers (from 1) of the lines of a log that are not what was written. A last line without its
/// end is what a crash leaves and is no damage. Throws Error(kIo) if the file cannot be read.
[[nodiscard]] std::vector<int64_t> damaged_log_lines(const std::filesystem::path& file);

/// The sum of run.db that a log vouches for: nothing while the run goes on, and after a crash.
[[nodiscard]] std::optional<FileSum> recorded_database_sum(const std::filesystem::path& log);

/// "info", "warning", ...
[[nodiscard]] std::string_view level_name(core::LogLevel level);

}  // namespace switchyard::run
