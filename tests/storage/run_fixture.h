#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <storage/run_reader.h>
#include <storage/run_writer.h>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <sqlite3.h>

namespace switchyard::storage {

/// A run directory of its own for each test, removed afterwards.
class RunFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "sy-storage-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    base_ = pattern;
    dir_ = base_ / "run";
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(base_, ignored);
  }

  [[nodiscard]] std::filesystem::path file() const { return dir_ / "run.db"; }

  std::filesystem::path base_;
  std::filesystem::path dir_;
};

inline SegmentStart segment_from(int64_t step) {
  SegmentStart start;
  start.config_toml = "[train]\nsteps = 100\n";
  start.start_step = step;
  start.host = "box";
  start.boot_id = "b00t";
  start.engine = "0.1.0";
  start.reason = step == 1 ? "start" : "resume";
  return start;
}

/// One step: its time and a loss.
inline void log_step(RunWriter& writer, int64_t step, double loss) {
  writer.metric("loss", "nats", step, loss);
  writer.metric("step_seconds", "s", step, 0.25, MetricKind::kTiming);
  writer.step_time(step, 1'000'000'000 + step, step, 4096);
}

inline std::vector<float> random_values(int64_t n, uint32_t seed) {
  std::mt19937 source(seed);
  std::lognormal_distribution<float> draw(0.0F, 1.0F);
  std::vector<float> values(static_cast<size_t>(n));
  for (float& value : values) {
    value = draw(source);
  }
  return values;
}

inline void log_experts(RunWriter& writer, const std::string& layer, int64_t n, int64_t step) {
  const std::vector<float> importance = random_values(n, static_cast<uint32_t>(step));
  const std::vector<float> load = random_values(n, static_cast<uint32_t>(step) + 7777);
  writer.experts({layer, step, importance, load, {}, 0});
}

/// Runs SQL of the test's own on a database file, behind the library's back.
inline std::string query(const std::filesystem::path& file, const std::string& sql) {
  sqlite3* db = nullptr;
  EXPECT_EQ(sqlite3_open(file.c_str(), &db), SQLITE_OK);
  std::string result;
  const auto row = [](void* to, int columns, char** values, char**) {
    for (int i = 0; i < columns; ++i) {
      *static_cast<std::string*>(to) += std::string(values[i] ? values[i] : "NULL") + "|";
    }
    return 0;
  };
  char* error = nullptr;
  sqlite3_exec(db, sql.c_str(), row, &result, &error);
  EXPECT_EQ(error, nullptr) << (error ? error : "");
  sqlite3_free(error);
  sqlite3_close(db);
  return result;
}

/// Where `needle` lies in the bytes of `file`; -1 if nowhere.
inline int64_t find_bytes(const std::filesystem::path& file, const std::string& needle) {
  std::ifstream in(file, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const size_t at = bytes.find(needle);
  return at == std::string::npos ? -1 : static_cast<int64_t>(at);
}

inline void flip_bit(const std::filesystem::path& file, int64_t at) {
  std::fstream io(file, std::ios::binary | std::ios::in | std::ios::out);
  io.seekg(at);
  const char byte = static_cast<char>(io.get() ^ 0x10);
  io.seekp(at);
  io.put(byte);
}

inline bool has_event(RunReader& reader, const std::string& code) {
  for (const Event& event : reader.events()) {
    if (event.code == code) {
      return true;
    }
  }
  return false;
}

}  // namespace switchyard::storage
