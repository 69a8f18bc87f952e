#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace switchyard::sweep {

/// The layout of a sweep's directory.
struct SweepPaths {
  std::filesystem::path root;
  [[nodiscard]] std::filesystem::path run(const std::string& name) const {
    return root / "runs" / name;
  }
  [[nodiscard]] std::filesystem::path config(const std::string& name) const {
    return root / "points" / (name + ".toml");
  }
  [[nodiscard]] std::filesystem::path log(const std::string& name) const {
    return root / "logs" / (name + ".log");
  }
  [[nodiscard]] std::filesystem::path output(const std::string& name) const {
    return root / "logs" / (name + ".out");
  }
  [[nodiscard]] std::filesystem::path state() const { return root / "sweep.json"; }
  [[nodiscard]] std::filesystem::path report() const { return root / "report.md"; }
};

/// The result of `switchyard eval`.
struct Evaluation {
  int64_t step = 0;
  int64_t words = 0;
  double perplexity = 0.0;
};

/// Parses a line of `eval --json`. Throws Error(kDamaged) if it is not one.
[[nodiscard]] Evaluation parse_evaluation(const std::string& line);

/// A run's record in the sweep, beyond its own directory.
struct RunRecord {
  std::optional<Evaluation> valid;
  std::optional<Evaluation> test;
  std::string failure;  // why the last attempt failed; "" if it did not
};

/// The file sweep.json: evaluations and failures by run name. A missing file is an empty state,
/// because everything in it can be recovered from the runs. Threads: [inst].
class SweepState {
 public:
  /// Throws Error(kDamaged) if the file exists but is not the state of a sweep.
  explicit SweepState(std::filesystem::path file);

  /// The record of a run; empty if the run is unknown.
  [[nodiscard]] RunRecord record(const std::string& name) const;
  /// Stores a record and writes the file. After a crash the file is the old one or the new one.
  void set_record(const std::string& name, const RunRecord& record);

 private:
  std::filesystem::path file_;
  std::map<std::string, RunRecord> records_;
};

}  // namespace switchyard::sweep
