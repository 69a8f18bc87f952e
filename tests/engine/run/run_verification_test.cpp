#include "run/run_verification.h"

#include <algorithm>
#include <fstream>
#include <storage/run_writer.h>

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/temporary_directory.h"

namespace switchyard::run {
namespace {

constexpr const char* kConfig =
    "[data]\npath = \"/no/such/data\"\n[model]\nlayers = [\"lstm\"]\n[optimizer]\nplugin = "
    "\"sgd\"\n";

void write_file(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

void make_run(const std::filesystem::path& directory) {
  write_file(directory / "config.toml", kConfig);
  storage::RunWriter writer(directory);
  storage::SegmentStart start;
  start.config_toml = kConfig;
  writer.begin_segment(start);
  writer.end_segment(0, "done", 0);
  writer.close();
}

bool finds(const VerifyReport& report, const std::string& code) {
  return std::any_of(report.findings.begin(), report.findings.end(),
                     [&](const VerifyFinding& finding) { return finding.code == code; });
}

TEST(RunVerification, FindsNothingInAWholeRun) {
  const tests::TemporaryDirectory directory;
  make_run(directory.path());
  const VerifyReport report = verify_directory(directory.path());
  EXPECT_TRUE(report.findings.empty());
  EXPECT_EQ(report.checked, (std::vector<std::string>{"run.db", "config.toml"}));
  ASSERT_EQ(report.skipped.size(), 1U);
  EXPECT_NE(report.skipped[0].find("/no/such/data"), std::string::npos);
}

TEST(RunVerification, NoticesAChangedConfiguration) {
  const tests::TemporaryDirectory directory;
  make_run(directory.path());
  write_file(directory.path() / "config.toml", std::string(kConfig) + "[train]\nsteps = 5\n");
  EXPECT_TRUE(finds(verify_directory(directory.path()), "config"));
}

TEST(RunVerification, NoticesWhatIsMissingOrTorn) {
  const tests::TemporaryDirectory directory;
  make_run(directory.path());
  write_file(directory.path() / "log.jsonl", "{\"schema\":1}\n");
  std::filesystem::create_directories(directory.path() / "checkpoints" / "step-5");
  std::filesystem::remove(directory.path() / "run.db");
  const VerifyReport report = verify_directory(directory.path());
  EXPECT_TRUE(finds(report, "missing"));
  EXPECT_TRUE(finds(report, "log"));
  EXPECT_TRUE(finds(report, "checkpoint"));
}

TEST(RunVerification, NeedsARunOrADataSet) {
  const tests::TemporaryDirectory directory;
  EXPECT_THROW((void)verify_directory(directory.path()), core::Error);
}

}  // namespace
}  // namespace switchyard::run
