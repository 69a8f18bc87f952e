#pragma once

#include <filesystem>
#include <storage/run_writer.h>
#include <string>
#include <vector>

#include "database.h"

namespace switchyard::storage {

/// The database file of a run directory; a path to a file is that file.
[[nodiscard]] std::filesystem::path database_file(const std::filesystem::path& run);

/// Whether a file system (statfs magic number) may hold a write-ahead log, which needs memory
/// shared between processes: not the network ones.
[[nodiscard]] bool allows_write_ahead_log(int64_t file_system_magic);

/// Says that this process writes the run; held until destroyed, or until the process dies.
class RunLock {
 public:
  /// Throws Error(kBusy) when another process holds it, kReadOnly or kIo when there can be none.
  explicit RunLock(const std::filesystem::path& run_dir);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
};

/// Renames a database and its logs to `<file>.damaged-<utc>`; returns the new file name.
std::string set_aside(const std::filesystem::path& file);

/// Opens or creates the one writing connection, migrated and ready. Damaged files are set aside,
/// with a notice in `notices`.
[[nodiscard]] Database open_for_writing(const std::filesystem::path& file, JournalMode journal,
                                        std::vector<Notice>& notices);

/// A read-only connection. Throws Error(kNotFound), kDamaged (not a run database), kBusy, kIo.
[[nodiscard]] Database open_for_reading(const std::filesystem::path& file);

/// Moves the log into the file and leaves one plain file, unless a reader holds it open.
void leave_plain_file(Database& db);

/// Now, in nanoseconds since 1970.
[[nodiscard]] int64_t utc_now_ns();

}  // namespace switchyard::storage
