#pragma once

#include <filesystem>
#include <storage/run_writer.h>
#include <string>
#include <vector>

#include "database.h"

namespace switchyard::storage {

/// The database file of a run directory. A path to a file is returned as it is.
[[nodiscard]] std::filesystem::path database_file(const std::filesystem::path& run);

/// True if a file system, given by its statfs magic number, can hold a write-ahead log. The log
/// needs memory shared between processes, which network file systems do not offer.
[[nodiscard]] bool allows_write_ahead_log(int64_t file_system_magic);

/// Marks this process as the writer of a run until the lock is destroyed or the process ends.
class RunLock {
 public:
  /// Throws Error(kBusy) if another process holds the lock, kReadOnly or kIo if its file cannot be
  /// created.
  explicit RunLock(const std::filesystem::path& run_dir);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
};

/// Renames a database and its logs to `<file>.damaged-<utc>` and returns the new file name.
std::string set_aside(const std::filesystem::path& file);

/// Opens or creates a run database for its only writer and migrates it. A damaged file is set
/// aside, with a notice in `notices`.
[[nodiscard]] Database open_for_writing(const std::filesystem::path& file, JournalMode journal,
                                        std::vector<Notice>& notices);

/// Opens a read-only connection. Throws Error: kNotFound, kDamaged (not a run database), kBusy or
/// kIo.
[[nodiscard]] Database open_for_reading(const std::filesystem::path& file);

/// Moves the log into the database so that one plain file is left, unless a reader holds it open.
void leave_plain_file(Database& db);

/// The current time in nanoseconds since 1970.
[[nodiscard]] int64_t utc_now_ns();

}  // namespace switchyard::storage
