#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace switchyard::sweep {

/// Where things lie in a sweep's directory.
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

/// What `switchyard eval` found.
struct Evaluation {
  int64_t step = 0;
  int64_t words = 0;
  double perplexity = 0.0;
};

/// The evaluation that `eval --json` printed. Throws Error(kDamaged) if it is none.
[[nodiscard]] Evaluation parse_evaluation(const std::string& line);

/// What is known of a run beyond its directory.
struct RunRecord {
  std::optional<Evaluation> valid;
  std::optional<Evaluation> test;
  std::string failure;  // why its last attempt ended; "" = it did not fail
};

/// The file sweep.json: evaluations and failures by the name of the run. A missing file is an empty
/// state: everything in it can be found again from the runs. Threads: [inst].
class SweepState {
 public:
  /// Throws Error(kDamaged) if there is a file that is not one of ours.
  explicit SweepState(std::filesystem::path file);

  /// An empty record for a run that is not known.
  [[nodiscard]] RunRecord record(const std::string& name) const;
  /// Keeps the record and writes the file: after a crash it has the old content or the new.
  void set_record(const std::string& name, const RunRecord& record);

 private:
  std::filesystem::path file_;
  std::map<std::string, RunRecord> records_;
};

}  // namespace switchyard::sweep
