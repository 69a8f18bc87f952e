#include "run_file.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <system_error>
#include <unistd.h>

#include <fmt/chrono.h>

#include "fail.h"
#include "migrate.h"

namespace switchyard::storage {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void throw_errno(const std::string& doing, int error) {
  const bool is_refused = error == EACCES || error == EPERM || error == EROFS;
  fail(is_refused ? ErrorCode::kReadOnly : ErrorCode::kIo, "{}: {}", doing,
       std::generic_category().message(error));
}

bool wants_write_ahead_log(const fs::path& file, JournalMode journal) {
  if (journal != JournalMode::kAuto) {
    return journal == JournalMode::kWal;
  }
  struct statfs about{};
  return statfs(file.parent_path().c_str(), &about) != 0 ||
         allows_write_ahead_log(static_cast<int64_t>(about.f_type));
}

void check_is_run(Database& db) {
  const int64_t id = db.integer("PRAGMA application_id");
  const bool is_empty = id == 0 && db.integer("SELECT count(*) FROM sqlite_schema") == 0;
  if (id != kApplicationId && !is_empty) {
    fail(ErrorCode::kDamaged,
         "{} is not a Switchyard run database (application_id {}, expected {})", db.file().string(),
         id, kApplicationId);
  }
}

void check_pages(Database& db) {
  const std::string verdict = db.text("PRAGMA quick_check(1)");
  if (verdict != "ok") {
    fail(ErrorCode::kDamaged, "{} is damaged: {}", db.file().string(), verdict);
  }
}

void set_journal(Database& db, bool is_logged) {
  if (!is_logged) {
    db.exec("PRAGMA journal_mode=DELETE");
    db.exec("PRAGMA synchronous=FULL");
    return;
  }
  const std::string mode = db.text("PRAGMA journal_mode=WAL");
  db.exec(mode == "wal" ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL");
  db.exec("PRAGMA journal_size_limit=67108864");
}

Database open_checked(const fs::path& file, JournalMode journal) {
  const bool is_logged = wants_write_ahead_log(file, journal);
  Database db(file, OpenMode::kCreate);
  if (sqlite3_db_readonly(db.handle(), "main") == 1) {
    fail(ErrorCode::kReadOnly, "{} may not be written", file.string());
  }
  db.exec(is_logged ? "PRAGMA page_size=4096"
                    : "PRAGMA page_size=4096; PRAGMA locking_mode=EXCLUSIVE");
  check_is_run(db);
  check_pages(db);
  const std::vector<Migration> migrations = run_migrations();
  if (db.integer("PRAGMA user_version") <= migrations.back().version) {
    set_journal(db, is_logged);
  }
  migrate(db, migrations);
  return db;
}

bool try_lock(int descriptor, const fs::path& file) {
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      fail(ErrorCode::kBusy, "{}: another process is writing this run; stop it first",
           file.parent_path().string());
    }
    return true;  // a file system without locks: rely on the database's own lock
  }
  struct stat held{};
  struct stat named{};
  return fstat(descriptor, &held) == 0 && stat(file.c_str(), &named) == 0 &&
         held.st_ino == named.st_ino;  // otherwise its last holder has just removed it
}

}  // namespace

fs::path database_file(const fs::path& run) {
  return fs::is_directory(run) ? run / "run.db" : run;
}

bool allows_write_ahead_log(int64_t file_system_magic) {
  constexpr std::array<uint32_t, 13> kNetwork = {
      0x6969,      // NFS
      0x517B,      // SMB
      0xFF534D42,  // CIFS
      0xFE534D42,  // SMB2
      0x01021997,  // 9P
      0x65735546,  // FUSE
      0x0BD00BD0,  // Lustre
      0x47504653,  // GPFS
      0x00C36400,  // Ceph
      0x5346414F,  // AFS
      0x73757245,  // Coda
      0x19830326,  // BeeGFS
      0x7461636F,  // OCFS2
  };
  for (const uint32_t magic : kNetwork) {
    if (static_cast<uint32_t>(file_system_magic) == magic) {
      return false;
    }
  }
  return true;
}

RunLock::RunLock(const fs::path& run_dir) : file_(run_dir / "run.db.lock") {
  for (;;) {
    descriptor_ = open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (descriptor_ < 0) {
      throw_errno("create " + file_.string(), errno);
    }
    try {
      if (try_lock(descriptor_, file_)) {
        return;
      }
    } catch (...) {
      ::close(descriptor_);
      throw;
    }
    ::close(descriptor_);
  }
}

RunLock::~RunLock() {
  unlink(file_.c_str());
  ::close(descriptor_);
}

std::string set_aside(const fs::path& file) {
  const std::string base =
      fmt::format("{}.damaged-{:%Y%m%dT%H%M%SZ}", file.string(), fmt::gmtime(std::time(nullptr)));
  std::string target = base;
  for (int attempt = 1; fs::exists(target); ++attempt) {
    target = fmt::format("{}-{}", base, attempt);
  }
  std::error_code error;
  fs::rename(file, target, error);
  if (error) {
    throw_errno("set aside " + file.string(), error.value());
  }
  for (const char* suffix : {"-wal", "-journal"}) {
    fs::rename(file.string() + suffix, target + suffix, error);  // usually absent
  }
  fs::remove(file.string() + "-shm", error);
  return fs::path(target).filename().string();
}

Database open_for_writing(const fs::path& file, JournalMode journal, std::vector<Notice>& notices) {
  try {
    return open_checked(file, journal);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kDamaged) {
      throw;
    }
    const std::string name = set_aside(file);
    notices.push_back(
        {3, "run_db_damaged",
         fmt::format("{}; kept as {}, recording goes on in a new run.db", error.what(), name)});
  }
  return open_checked(file, journal);
}

Database open_for_reading(const fs::path& file) {
  if (!fs::exists(file)) {
    fail(ErrorCode::kNotFound, "no run database at {}", file.string());
  }
  const auto open = [&](OpenMode mode) {
    Database db(file, mode);
    check_is_run(db);
    return db;
  };
  try {
    return open(OpenMode::kReadOnly);
  } catch (const Error& error) {
    const bool is_refused = error.code() == ErrorCode::kIo || error.code() == ErrorCode::kReadOnly;
    std::error_code absent;
    const auto log_bytes = fs::file_size(file.string() + "-wal", absent);
    if (!is_refused || (!absent && log_bytes > 0)) {
      throw;
    }
  }
  return open(OpenMode::kImmutable);  // WAL mode in a read-only directory: nobody can be writing
}

void leave_plain_file(Database& db) {
  sqlite3_busy_timeout(db.handle(), 500);
  try {
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    db.exec("PRAGMA journal_mode=DELETE");
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): nothing is lost
    // A reader holds it open or the disk is full: the log stays beside the file, and both are
    // whole.
  }
}

int64_t utc_now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace switchyard::storage
