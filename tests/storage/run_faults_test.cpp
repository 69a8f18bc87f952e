#include <csignal>
#include <cstdlib>
#include <mutex>
#include <storage/verify.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>

#include "storage/migrate.h"
#include "storage/run_file.h"
#include "tests/storage/run_fixture.h"

namespace switchyard::storage {
namespace {

namespace fs = std::filesystem;

class RunFaults : public RunFixture {
 protected:
  /// Steps 1 .. last, with the experts of a layer "moe".
  void write_run(int64_t last) {
    RunWriter writer(dir_);
    writer.begin_segment(segment_from(1));
    writer.layer("moe", 32, 2);
    for (int64_t step = 1; step <= last; ++step) {
      log_experts(writer, "moe", 32, step);
      log_step(writer, step, 1.0);
    }
  }

  /// Steps 1 .. last, as a crash leaves them: everything still in the write-ahead log.
  fs::path crashed_copy(int64_t last) {
    RunWriter writer(dir_);
    writer.begin_segment(segment_from(1));
    for (int64_t step = 1; step <= last; ++step) {
      log_step(writer, step, 1.0);
      EXPECT_TRUE(writer.flush());
    }
    const fs::path copy = base_ / "copy";
    fs::create_directories(copy / "checkpoints" / ("step-" + std::to_string(last)));
    fs::copy_file(file(), copy / "run.db");
    fs::copy_file(dir_ / "run.db-wal", copy / "run.db-wal");
    return copy;
  }

  WriterOptions listening() {
    WriterOptions options;
    options.retry_interval = std::chrono::milliseconds(20);
    options.on_notice = [this](const Notice& notice) {
      const std::lock_guard lock(mutex_);
      notices_.push_back(notice);
    };
    return options;
  }

  int64_t count_notices(const std::string& code) {
    const std::lock_guard lock(mutex_);
    return std::count_if(notices_.begin(), notices_.end(),
                         [&](const Notice& notice) { return notice.code == code; });
  }

  bool has_aside() {
    for (const auto& entry : fs::directory_iterator(dir_)) {
      if (entry.path().filename().string().rfind("run.db.damaged-", 0) == 0) {
        return true;
      }
    }
    return false;
  }

  void expect_new_database_after_damage() {
    RunWriter writer(dir_, listening());
    EXPECT_EQ(count_notices("run_db_damaged"), 1);
    writer.begin_segment(segment_from(11));
    log_step(writer, 11, 1.0);
    EXPECT_TRUE(writer.flush());
    EXPECT_TRUE(has_aside());
    RunReader reader(dir_);
    EXPECT_TRUE(has_event(reader, "run_db_damaged"));
    EXPECT_EQ(reader.latest_step(), 11);
  }

  std::mutex mutex_;
  std::vector<Notice> notices_;
};

TEST_F(RunFaults, FindsNothingInASoundRun) {
  write_run(20);
  EXPECT_TRUE(verify_run(dir_).empty());
  EXPECT_TRUE(verify_run(file()).empty());
  EXPECT_THROW((void)verify_run(base_ / "absent"), Error);
}

TEST_F(RunFaults, NamesLayerAndStepOfAFlippedBlob) {
  write_run(20);
  const std::vector<float> load = random_values(32, 7 + 7777);
  const std::string bytes(reinterpret_cast<const char*>(load.data()), load.size() * sizeof(float));
  const int64_t at = find_bytes(file(), bytes.substr(8));
  ASSERT_GT(at, 0);
  flip_bit(file(), at + 50);
  EXPECT_EQ(query(file(), "PRAGMA integrity_check"), "ok|");  // so SQLite does not see it
  RunReader reader(dir_);
  EXPECT_NO_THROW((void)reader.experts("moe", 6));
  // 32 experts: their tile holds the same bytes, so either of the two was hit.
  const auto findings = verify_run(dir_);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_NE(findings[0].message.find("'moe'"), std::string::npos);
  EXPECT_NE(findings[0].message.find("step 7"), std::string::npos);
}

TEST_F(RunFaults, RefusesToReadAFlippedBlobOrTile) {
  write_run(20);
  query(file(),
        "UPDATE expert_blob SET load=zeroblob(128) WHERE step=7;"
        "UPDATE expert_tile SET load=zeroblob(128) WHERE level=0 AND bucket=8");
  RunReader reader(dir_);
  for (const bool is_blob : {true, false}) {
    try {
      if (is_blob) {
        (void)reader.experts("moe", 7);
      } else {
        (void)reader.heat_map("moe", 1, 20, 100);
      }
      FAIL() << "read damaged bytes";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kDamaged);
      EXPECT_NE(std::string(error.what()).find("'moe'"), std::string::npos);
      EXPECT_NE(std::string(error.what()).find(is_blob ? "step 7" : "step 8"), std::string::npos);
    }
  }
  EXPECT_NO_THROW((void)reader.experts("moe", 8));
  EXPECT_EQ(verify_run(dir_).size(), 2U);
}

TEST_F(RunFaults, NoticesABlobUnderAnotherStep) {
  write_run(3);
  query(file(), "UPDATE expert_blob SET step=9 WHERE step=2");
  EXPECT_EQ(verify_run(dir_).at(0).code, "blob_checksum");
}

TEST_F(RunFaults, NoticesAnIntactLogAsSound) {
  EXPECT_TRUE(verify_run(crashed_copy(10)).empty());
}

TEST_F(RunFaults, NoticesStepsThatADamagedLogHasLost) {
  const fs::path copy = crashed_copy(100);
  flip_bit(copy / "run.db-wal", static_cast<int64_t>(fs::file_size(copy / "run.db-wal") / 2));
  const auto findings = verify_run(copy);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].code, "checkpoint_ahead");
  EXPECT_NE(findings[0].message.find("100"), std::string::npos);
  {
    RunWriter writer(copy);
    writer.begin_segment(segment_from(101));
    log_step(writer, 101, 1.0);
  }
  EXPECT_EQ(verify_run(copy).at(0).code, "step_gap");
}

TEST_F(RunFaults, NoticesATruncatedLog) {
  const fs::path copy = crashed_copy(50);
  fs::resize_file(copy / "run.db-wal", fs::file_size(copy / "run.db-wal") / 3);
  EXPECT_EQ(verify_run(copy).at(0).code, "checkpoint_ahead");
}

TEST_F(RunFaults, BeginsAnewWhenTheHeaderIsDamaged) {
  write_run(10);
  for (int64_t at = 0; at < 16; ++at) {
    flip_bit(file(), at);
  }
  try {
    RunReader reader(dir_);
    FAIL() << "read a damaged header";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDamaged);
  }
  EXPECT_EQ(verify_run(dir_).at(0).code, "unreadable");
  expect_new_database_after_damage();
}

TEST_F(RunFaults, BeginsAnewWhenAPageIsDamaged) {
  write_run(10);
  for (int64_t at = 2 * 4096; at < 2 * 4096 + 64; ++at) {
    flip_bit(file(), at);
  }
  EXPECT_EQ(verify_run(dir_).at(0).code, "integrity");
  expect_new_database_after_damage();
}

TEST_F(RunFaults, BeginsAnewWhenTheFileIsCutShort) {
  write_run(10);
  fs::resize_file(file(), fs::file_size(file()) / 2);
  expect_new_database_after_damage();
}

TEST_F(RunFaults, BeginsAnewWhenTheFileIsSomethingElse) {
  fs::create_directories(dir_);
  query(file(), "CREATE TABLE other(x)");
  EXPECT_THROW(RunReader{dir_}, Error);
  expect_new_database_after_damage();
}

TEST_F(RunFaults, BeginsAnewWhenDamageShowsInTheMiddleOfARun) {
  RunWriter writer(dir_, listening());
  writer.begin_segment(segment_from(1));
  writer.layer("moe", 1024, 2);
  for (int64_t step = 1; step <= 2000; ++step) {
    log_experts(writer, "moe", 1024, step);
    log_step(writer, step, 1.0);
    ASSERT_TRUE(step % 100 != 0 || writer.flush());
  }
  for (const char* name : {"run.db", "run.db-wal"}) {
    std::fstream io(dir_ / name, std::ios::binary | std::ios::in | std::ios::out);
    io << std::string(fs::file_size(dir_ / name), '\xA5');
  }
  int64_t step = 1;
  for (; step <= 300 && count_notices("run_db_damaged") == 0; ++step) {
    log_experts(writer, "moe", 1024, step * 6);
    log_step(writer, step * 6, 1.0);
    (void)writer.flush();
  }
  ASSERT_EQ(count_notices("run_db_damaged"), 1);
  log_experts(writer, "moe", 1024, 3000);
  log_step(writer, 3000, 1.0);
  ASSERT_TRUE(writer.flush());
  EXPECT_TRUE(has_aside());
  RunReader reader(dir_);
  EXPECT_EQ(reader.segments().size(), 1U);
  EXPECT_EQ(reader.latest_step(), 3000);
  EXPECT_TRUE(reader.experts("moe", 3000).has_value());
  EXPECT_TRUE(has_event(reader, "run_db_damaged"));
}

/// Runs `act` as somebody who may not write `dir`, made read-only.
void as_somebody_else(const fs::path& dir, const std::function<void()>& act) {
  fs::permissions(dir, fs::perms(0555));
  const bool is_root = geteuid() == 0;
  ASSERT_TRUE(!is_root || seteuid(65534) == 0);
  act();
  ASSERT_TRUE(!is_root || seteuid(0) == 0);
  fs::permissions(dir, fs::perms(0755));
}

TEST_F(RunFaults, SaysThatTheDirectoryIsReadOnly) {
  fs::permissions(base_, fs::perms(0755));
  fs::create_directories(dir_);
  as_somebody_else(dir_, [&] {
    for (const fs::path& dir : {dir_, dir_ / "deeper"}) {
      try {
        RunWriter writer(dir);
        ADD_FAILURE() << "wrote a read-only directory";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kReadOnly);
        EXPECT_NE(std::string(error.what()).find(dir_.string()), std::string::npos);
      }
    }
  });
}

TEST_F(RunFaults, ReadsAFinishedRunInAReadOnlyDirectory) {
  fs::permissions(base_, fs::perms(0755));
  write_run(5);
  query(file(), "PRAGMA journal_mode=WAL");  // as a copy may have it; its log is empty and gone
  as_somebody_else(dir_, [&] { EXPECT_EQ(RunReader(dir_).latest_step(), 5); });
}

TEST_F(RunFaults, SaysThatThereIsNoRun) {
  try {
    RunReader reader(base_ / "absent");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  }
}

/// Lets files grow to `bytes` at most, as a full disk would.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    previous_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &previous_);
    const rlimit limit{bytes, previous_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &previous_);
    std::signal(SIGXFSZ, previous_handler_);
  }

 private:
  rlimit previous_{};
  void (*previous_handler_)(int) = nullptr;
};

TEST_F(RunFaults, WaitsForAFullDiskAndGoesOn) {
  RunWriter writer(dir_, listening());
  writer.begin_segment(segment_from(1));
  writer.layer("moe", 4096, 2);
  int64_t step = 0;
  {
    const FileSizeLimit full(1 << 20);
    bool is_accepted = true;
    while (is_accepted && step < 500) {
      ++step;
      log_experts(writer, "moe", 4096, step);
      log_step(writer, step, 1.0);
      is_accepted = writer.flush();
    }
    EXPECT_FALSE(is_accepted);
    EXPECT_TRUE(writer.status().is_paused);
    for (int i = 0; i < 5; ++i) {
      log_step(writer, ++step, 1.0);
      EXPECT_FALSE(writer.flush());
    }
    EXPECT_EQ(count_notices("metrics_paused"), 1);
  }
  ASSERT_TRUE(writer.flush());
  log_step(writer, ++step, 1.0);
  ASSERT_TRUE(writer.flush());
  EXPECT_FALSE(writer.status().is_paused);
  EXPECT_EQ(count_notices("metrics_resumed"), 1);
  EXPECT_EQ(writer.status().dropped_items, 0);
  writer.close();
  RunReader reader(dir_);
  EXPECT_EQ(static_cast<int64_t>(reader.series("loss").size()), step);
  EXPECT_TRUE(has_event(reader, "metrics_paused"));
  EXPECT_TRUE(has_event(reader, "metrics_resumed"));
  EXPECT_TRUE(verify_run(dir_).empty());
}

TEST_F(RunFaults, ClosesOnAFullDiskWithoutHangingOrDamage) {
  int64_t step = 0;
  {
    RunWriter writer(dir_, listening());
    writer.begin_segment(segment_from(1));
    writer.layer("moe", 4096, 2);
    ASSERT_TRUE(writer.flush());
    const FileSizeLimit full(1 << 20);
    while (step < 500 && !writer.status().is_paused) {
      log_experts(writer, "moe", 4096, ++step);
      log_step(writer, step, 1.0);
      (void)writer.flush();
    }
    writer.close();
    EXPECT_GT(writer.status().dropped_items, 0);
  }
  EXPECT_EQ(count_notices("metrics_lost"), 1);
  EXPECT_TRUE(verify_run(dir_).empty());
}

TEST_F(RunFaults, SurvivesASmallFileSystem) {
  const fs::path mounted = base_ / "tmpfs";
  fs::create_directories(mounted);
  if (mount("tmpfs", mounted.c_str(), "tmpfs", 0, "size=2m") != 0) {
    GTEST_SKIP() << "mounting a small tmpfs needs root; the file size limit tests the same code";
  }
  dir_ = mounted / "run";
  {
    RunWriter writer(dir_, listening());
    writer.begin_segment(segment_from(1));
    writer.layer("moe", 4096, 2);
    int64_t step = 0;
    while (step < 500 && !writer.status().is_paused) {
      log_experts(writer, "moe", 4096, ++step);
      log_step(writer, step, 1.0);
      (void)writer.flush();
    }
    EXPECT_TRUE(writer.status().is_paused);
    EXPECT_EQ(mount("tmpfs", mounted.c_str(), "tmpfs", MS_REMOUNT, "size=32m"), 0);
    EXPECT_TRUE(writer.flush());
    writer.close();
    EXPECT_EQ(static_cast<int64_t>(RunReader(dir_).series("loss").size()), step);
    EXPECT_TRUE(verify_run(dir_).empty());
  }
  umount(mounted.c_str());
}

/// Writes steps from `first` on, each acknowledged through `pipe`, until it is killed.
[[noreturn]] void write_until_killed(const fs::path& dir, int64_t first, int pipe) {
  RunWriter writer(dir);
  writer.begin_segment(segment_from(first));
  writer.layer("moe", 512, 2);
  for (int64_t step = first;; ++step) {
    log_experts(writer, "moe", 512, step);
    log_step(writer, step, 1.0);
    if (!writer.flush() || write(pipe, &step, sizeof step) != sizeof step) {
      _exit(1);
    }
  }
}

TEST_F(RunFaults, LosesNoAcknowledgedStepToAKill) {
  int64_t acknowledged = 0;
  for (int round = 0; round < 8; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      write_until_killed(dir_, acknowledged + 1, ends[1]);
    }
    ::close(ends[1]);
    const int64_t before = acknowledged;
    // Reading paces the kill: after some steps, at a moment that the scheduler chooses.
    for (int i = 0; i < 10 + round * 7; ++i) {
      ASSERT_EQ(read(ends[0], &acknowledged, sizeof acknowledged),
                static_cast<ssize_t>(sizeof acknowledged));
    }
    kill(child, SIGKILL);
    while (read(ends[0], &acknowledged, sizeof acknowledged) > 0) {
    }
    ::close(ends[0]);
    waitpid(child, nullptr, 0);
    RunReader reader(dir_);
    EXPECT_GT(acknowledged, before);
    EXPECT_GE(reader.latest_step().value_or(0), acknowledged);
    EXPECT_TRUE(reader.experts("moe", acknowledged).has_value());
  }
  EXPECT_TRUE(verify_run(dir_).empty());
  EXPECT_EQ(RunReader(dir_).segments().size(), 8U);
  EXPECT_EQ(RunReader(dir_).meta().at("resume_mismatch_steps"), "0");
}

TEST_F(RunFaults, OnlyReadsWhatANewerProgramWrote) {
  write_run(3);
  query(file(), "PRAGMA user_version=2");
  try {
    RunWriter writer(dir_);
    FAIL() << "wrote a newer file";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kTooNew);
  }
  RunReader reader(dir_);
  EXPECT_EQ(reader.schema_version(), 2);
  EXPECT_FALSE(reader.warning().empty());
  EXPECT_EQ(reader.latest_step(), 3);
}

TEST_F(RunFaults, BacksUpBeforeItMigrates) {
  write_run(3);
  std::vector<Migration> migrations = run_migrations();
  migrations.push_back({2, "ALTER TABLE layer ADD COLUMN colour TEXT"});
  {
    Database db(file(), OpenMode::kCreate);
    migrate(db, migrations);
    EXPECT_EQ(db.integer("PRAGMA user_version"), 2);
    migrate(db, migrations);  // up to date: nothing to do
  }
  EXPECT_EQ(query(file(), "SELECT count(*) FROM layer WHERE colour IS NULL"), "1|");
  EXPECT_EQ(query(dir_ / "run.db.v1.bak", "PRAGMA user_version; SELECT count(*) FROM step_time"),
            "1|3|");
}

TEST_F(RunFaults, KeepsTheOldSchemaWhenAMigrationFails) {
  write_run(3);
  std::vector<Migration> migrations = run_migrations();
  migrations.push_back({2, "CREATE TABLE fine(x); CREATE TABLE meta(x)"});
  Database db(file(), OpenMode::kCreate);
  EXPECT_THROW(migrate(db, migrations), Error);
  EXPECT_EQ(db.integer("PRAGMA user_version"), 1);
  EXPECT_EQ(db.integer("SELECT count(*) FROM sqlite_schema WHERE name='fine'"), 0);
}

TEST_F(RunFaults, KeepsLogsOffNetworkFileSystems) {
  for (const int64_t magic : {0x6969LL, 0x0BD00BD0LL, 0x65735546LL, 0xFE534D42LL, 0x01021997LL}) {
    EXPECT_FALSE(allows_write_ahead_log(magic));
  }
  EXPECT_TRUE(allows_write_ahead_log(0xEF53));      // ext4
  EXPECT_TRUE(allows_write_ahead_log(0x01021994));  // tmpfs
}

}  // namespace
}  // namespace switchyard::storage
