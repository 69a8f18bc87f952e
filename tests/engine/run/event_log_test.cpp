#include "run/event_log.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/temporary_directory.h"

namespace switchyard::run {
namespace {

class FixedClock : public core::Clock {
 public:
  [[nodiscard]] int64_t utc_ns() const override { return 1'000'000'000'000'000'000; }
};

std::string content(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

class EventLogTest : public testing::Test {
 protected:
  EventLogTest() {
    EventLog log(file_, clock_);
    log.say(core::LogLevel::kWarning, "gate", "say \"hi\"\n\x1b[31m");
    log.on_event(5, core::LogLevel::kError, "checkpoint_failed", "disk full");
  }

  tests::TemporaryDirectory directory_;
  FixedClock clock_;
  std::filesystem::path file_ = directory_.path() / "log.jsonl";
};

TEST_F(EventLogTest, WritesOneCheckedObjectALine) {
  const std::string text = content(file_);
  EXPECT_TRUE(text.starts_with(
      R"({"schema":1,"utc":"2001-09-09T01:46:40.000Z","level":"warning","code":"log","who":"gate",)"
      R"("message":"say \"hi\"\n\u001b[31m","crc":")"))
      << text;
  EXPECT_NE(text.find(R"("level":"error","code":"checkpoint_failed","step":5)"), std::string::npos);
  EXPECT_TRUE(damaged_log_lines(file_).empty());
}

TEST_F(EventLogTest, AppendsAfterARestart) {
  EventLog(file_, clock_).on_event(6, core::LogLevel::kInfo, "again", "x");
  EXPECT_TRUE(damaged_log_lines(file_).empty());
  EXPECT_NE(content(file_).find("\"again\""), std::string::npos);
}

TEST_F(EventLogTest, NoticesEveryFlippedByte) {
  const std::string whole = content(file_);
  for (size_t i = 0; i + 1 < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    std::ofstream(file_) << damaged;
    EXPECT_FALSE(damaged_log_lines(file_).empty()) << "byte " << i;
  }
}

TEST_F(EventLogTest, ForgivesTheTornLineOfACrash) {
  std::ofstream(file_, std::ios::app) << R"({"schema":1,"ut)";
  EXPECT_TRUE(damaged_log_lines(file_).empty());
}

TEST_F(EventLogTest, VouchesForTheDatabaseOnlyWhileItIsClosed) {
  const std::filesystem::path database = directory_.path() / "run.db";
  std::ofstream(database) << "123456789";
  EXPECT_EQ(sum_of(database), (FileSum{9, 0xe3069283U}));  // the check value of CRC32C
  EXPECT_FALSE(recorded_database_sum(file_).has_value());
  EventLog log(file_, clock_);
  log.database_opened();
  log.database_closed(sum_of(database));
  EXPECT_EQ(recorded_database_sum(file_), sum_of(database));
  log.database_opened();
  EXPECT_FALSE(recorded_database_sum(file_).has_value());
}

TEST(EventLogs, NeedAFileThatCanBeWritten) {
  const FixedClock clock;
  EXPECT_THROW(EventLog("/no/such/place/log.jsonl", clock), core::Error);
  EXPECT_THROW((void)damaged_log_lines("/no/such/place/log.jsonl"), core::Error);
}

}  // namespace
}  // namespace switchyard::run
