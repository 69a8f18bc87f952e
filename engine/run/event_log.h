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

/// The length and CRC-32C of a file.
struct FileSum {
  int64_t bytes = 0;
  uint32_t crc32c = 0;

  friend bool operator==(const FileSum&, const FileSum&) = default;
};

/// Reads a file and sums it up. Throws Error(kIo) if it cannot be read.
[[nodiscard]] FileSum sum_of(const std::filesystem::path& file);

/// The run's log.jsonl: one JSON object per line for everything worth reading later, flushed at
/// once, so that a crash loses nothing. The last field of a line, "crc", is the CRC-32C of
/// everything before `,"crc"`. A full disk costs lines, never the run. Threads: [any].
class EventLog : public trainer::RunListener {
 public:
  /// Appends to the file. Throws Error(kIo) if it cannot be opened.
  EventLog(const std::filesystem::path& file, const core::Clock& clock);

  /// Logs a message of `who`.
  void say(core::LogLevel level, std::string_view who, std::string_view text);

  /// Logs that run.db changes from now on.
  void database_opened();
  /// Logs that run.db is one plain file again, so that every byte of it can be checked.
  void database_closed(const FileSum& sum);

  void on_evaluation(const trainer::EvaluationReport& report) override;
  void on_checkpoint(const trainer::CheckpointReport& report) override;
  void on_event(int64_t step, core::LogLevel level, std::string_view code,
                std::string_view message) override;

 private:
  void write(std::string line);

  const core::Clock& clock_;
  std::mutex mutex_;
  std::ofstream stream_;
};

/// The numbers, from 1, of the damaged lines of a log. A last line without its end is left by a
/// crash and is not damage. Throws Error(kIo) if the file cannot be read.
[[nodiscard]] std::vector<int64_t> damaged_log_lines(const std::filesystem::path& file);

/// The sum of run.db that a log vouches for; empty while the run goes on and after a crash.
[[nodiscard]] std::optional<FileSum> recorded_database_sum(const std::filesystem::path& log);

/// The name of a level: "info", "warning", ...
[[nodiscard]] std::string_view level_name(core::LogLevel level);

}  // namespace switchyard::run
