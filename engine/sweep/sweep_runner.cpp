#include "sweep/sweep_runner.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <thread>
#include <unistd.h>
#include <utility>

#include <fmt/ostream.h>

#include "core/directory_lock.h"
#include "core/error.h"
#include "core/file_io.h"
#include "process/child_process.h"
#include "process/run_directory.h"
#include "process/signal_watcher.h"
#include "sweep/sweep_results.h"
#include "sweep/sweep_state.h"

namespace switchyard::sweep {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPollTime(50);
constexpr int kPollsPerRedraw = 10;
constexpr int kPollsForOrphan = 1200;  // a minute: a checkpoint of a large model takes a while
constexpr int64_t kMaxOutputBytes = 1 << 20;

/// The last non-empty line of a file that contains a text; "" if there is none.
std::string last_line(const std::filesystem::path& file, std::string_view containing = "") {
  std::ifstream stream(file);
  std::string last;
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty() && line.find(containing) != std::string::npos) {
      last = line;
    }
  }
  return last;
}

/// A run in progress.
struct Job {
  size_t run = 0;
  RunPhase phase = RunPhase::kTrain;
  std::unique_ptr<process::ChildProcess> child;
};

class SweepRunner {
 public:
  SweepRunner(const SweepPlan& plan, const SweepOptions& options, render::Console& console,
              const std::function<void(size_t)>& on_done)
      : plan_(plan),
        jobs_at_once_(static_cast<size_t>(options.jobs)),
        paths_{options.directory},
        console_(console),
        on_done_(on_done),
        signals_(cancel_, {}) {
    for (const char* folder : {"runs", "points", "logs"}) {
      core::make_directories(files_, paths_.root / folder);
    }
    lock_.emplace(paths_.root);
    state_.emplace(paths_.state());
  }

  process::ExitCode run() {
    for (const PlannedRun& run : plan_.runs) {
      refuse_other_settings(run);
    }
    size_t next = 0;
    while (true) {
      while (!cancel_.requested() && jobs_.size() < jobs_at_once_ && next < plan_.runs.size()) {
        begin(next++);
      }
      if (jobs_.empty()) {
        break;
      }
      wait_for_jobs();
    }
    clear_status();
    return outcome(next);
  }

 private:
  void say(size_t run, const std::string& text) {
    clear_status();
    fmt::print(console_.err, "[{}/{}] {}: {}\n", run + 1, plan_.runs.size(), plan_.runs[run].name,
               render::printable(text));
    console_.err.flush();
  }

  void clear_status() {
    if (std::exchange(has_status_, false)) {
      console_.err << "\r\x1b[K";
    }
  }

  /// Shows, on a terminal, the last line of the first running process.
  void draw_status() {
    if (!console_.err_terminal.animates || jobs_.empty()) {
      return;
    }
    const Job& job = jobs_.front();
    const std::string& name = plan_.runs[job.run].name;
    const std::string text = fmt::format("[{}/{}] {}: {}", job.run + 1, plan_.runs.size(), name,
                                         render::printable(last_line(paths_.log(name))));
    const int width = std::max(render::terminal_width(STDERR_FILENO) - 1, 20);
    fmt::print(console_.err, "\r\x1b[K{}", text.substr(0, static_cast<size_t>(width)));
    console_.err.flush();
    has_status_ = true;
  }

  /// Otherwise results of other settings under the same name would be reported as these.
  void refuse_other_settings(const PlannedRun& run) {
    const std::filesystem::path file = process::RunPaths{paths_.run(run.name)}.config();
    if (!std::filesystem::exists(file)) {
      return;
    }
    const core::Config before = config::load_run_config(file, {}).settings;
    const core::Config& now = run.settings;
    std::string list;
    const std::vector<core::Config::Line> lines = before.lines();
    for (const core::Config::Line& line : now.lines()) {
      const auto old = std::find_if(lines.begin(), lines.end(),
                                    [&](const auto& one) { return one.key == line.key; });
      const std::string was = old == lines.end() ? "nothing" : old->value;
      if (was != line.value) {
        list += fmt::format("\n  {}: {} -> {}", line.key, was, line.value);
      }
    }
    core::require(before.to_toml() == now.to_toml(),
                  "{} was run with other settings{}\nremove that directory to run the point again, "
                  "or use another --out",
                  paths_.run(run.name).string(), list);
  }

  void begin(size_t run) {
    jobs_.push_back({run, RunPhase::kTrain, nullptr});
    Job& job = jobs_.back();
    const std::string& name = plan_.runs[run].name;
    try {
      if (phase_of(run) == RunPhase::kDone) {
        say(run, "is done already");
      } else {
        core::remove_tree(files_, paths_.log(name));
        if (start_phase(job)) {
          return;
        }
      }
    } catch (const core::Error& error) {
      fail(job, error.what());
    }
    jobs_.pop_back();
  }

  [[nodiscard]] RunPhase phase_of(size_t run) const {
    const PlannedRun& planned = plan_.runs[run];
    return next_phase(planned, paths_.run(planned.name), state_->record(planned.name));
  }

  /// Starts the next phase of a job's run; false if nothing is left to do.
  bool start_phase(Job& job) {
    const PlannedRun& run = plan_.runs[job.run];
    const std::filesystem::path directory = paths_.run(run.name);
    wait_for_orphan(job.run, directory);
    job.phase = phase_of(job.run);
    std::vector<std::string> arguments;
    switch (job.phase) {
      case RunPhase::kDone:
        return false;
      case RunPhase::kTrain:
        arguments = training_arguments(job.run);
        break;
      case RunPhase::kEvaluateValid:
        arguments = {"eval", directory.string(), "--split", "valid", "--json"};
        break;
      case RunPhase::kEvaluateTest:
        arguments = {"eval", directory.string(), "--split", "test", "--json"};
        break;
    }
    job.child = std::make_unique<process::ChildProcess>(
        process::ChildProcess::Options{arguments, paths_.output(run.name), paths_.log(run.name)});
    return true;
  }

  /// Waits for the training process of a killed sweep, which may still be saving its checkpoint.
  void wait_for_orphan(size_t run, const std::filesystem::path& directory) {
    for (int polls = 0; process::is_locked(directory); ++polls) {
      if (polls == 0) {
        say(run, "another process trains this run; waiting for it to stop");
      }
      if (polls == kPollsForOrphan || cancel_.requested()) {
        core::fail(core::ErrorCode::kState,
                   "another process still trains {}; stop it, then start the sweep again",
                   directory.string());
      }
      std::this_thread::sleep_for(kPollTime);
    }
  }

  std::vector<std::string> training_arguments(size_t index) {
    const PlannedRun& run = plan_.runs[index];
    const std::filesystem::path directory = paths_.run(run.name);
    if (!process::list_checkpoints(directory).empty()) {
      say(index, "continues from its checkpoint");
      return {"resume", directory.string()};
    }
    if (process::holds_run(directory)) {
      core::remove_tree(files_, directory);  // killed before its first checkpoint
    }
    core::durable_write_file(files_, paths_.config(run.name), run.settings.to_toml());
    say(index, "trains");
    return {"train", paths_.config(run.name).string(), "--run", directory.string()};
  }

  void wait_for_jobs() {
    std::this_thread::sleep_for(kPollTime);
    if (cancel_.requested() && !std::exchange(is_stopping_, true)) {
      for (const Job& job : jobs_) {
        say(job.run, "asked to stop after this step, with a checkpoint");
        job.child->ask_to_stop();
      }
    }
    for (size_t i = 0; i < jobs_.size();) {
      const std::optional<process::ChildProcess::End> end = jobs_[i].child->poll();
      const bool goes_on = !end || advance(jobs_[i], *end);
      if (goes_on) {
        ++i;
      } else {
        jobs_.erase(jobs_.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
    if (++polls_ % kPollsPerRedraw == 0) {
      draw_status();
    }
  }

  /// Handles the end of a job's process: keeps its result and starts the next one. False if the job
  /// is finished.
  bool advance(Job& job, const process::ChildProcess::End& end) {
    if (is_stopping_) {
      return false;
    }
    try {
      if (const std::string why = failure_text(job, end); !why.empty()) {
        fail(job, why);
        return false;
      }
      keep_result(job);
      const RunPhase before = job.phase;
      if (start_phase(job)) {
        core::require(job.phase != before, "its process succeeded but left no result");
        return true;
      }
      finish(job);
    } catch (const core::Error& error) {
      fail(job, error.what());
    }
    return false;
  }

  [[nodiscard]] std::string failure_text(const Job& job,
                                         const process::ChildProcess::End& end) const {
    const std::filesystem::path log = paths_.log(plan_.runs[job.run].name);
    if (end.signal != 0) {
      return fmt::format("its process was ended by signal {} ({})", end.signal,
                         strsignal(end.signal));
    }
    if (end.code == static_cast<int>(process::ExitCode::kCheckpointed)) {
      return "was stopped from outside; the same command continues it";
    }
    if (end.code == 0) {
      return "";
    }
    std::string said = last_line(log, "error:");
    if (said.empty()) {
      said = last_line(log);
    }
    return fmt::format("exit code {}{}{}", end.code, said.empty() ? "" : ": ", said);
  }

  void keep_result(const Job& job) {
    const std::string& name = plan_.runs[job.run].name;
    RunRecord record = state_->record(name);
    if (job.phase == RunPhase::kTrain) {
      record = {};  // evaluations of an earlier training do not count
    } else {
      const std::string line = core::read_file(files_, paths_.output(name), kMaxOutputBytes);
      (job.phase == RunPhase::kEvaluateValid ? record.valid : record.test) = parse_evaluation(line);
    }
    record.failure.clear();
    state_->set_record(name, record);
  }

  void fail(const Job& job, const std::string& why) {
    const std::string& name = plan_.runs[job.run].name;
    RunRecord record = state_->record(name);
    record.failure = why;
    state_->set_record(name, record);
    ++num_failed_;
    say(job.run, fmt::format("failed: {}; see {}", why, paths_.log(name).string()));
  }

  void finish(const Job& job) {
    const PlannedRun& run = plan_.runs[job.run];
    const RunRecord record = state_->record(run.name);
    std::string text = "is done";
    if (record.valid) {
      text += fmt::format("; valid perplexity {:.2f}", record.valid->perplexity);
    }
    if (record.test) {
      text += fmt::format(", test {:.2f}", record.test->perplexity);
    }
    say(job.run, text);
    std::error_code ignored;
    std::filesystem::remove(paths_.output(run.name), ignored);
    on_done_(job.run);
  }

  process::ExitCode outcome(size_t num_begun) {
    if (is_stopping_ || cancel_.requested()) {
      console_.err << "stopped; the same command continues it\n";
      return process::ExitCode::kCheckpointed;
    }
    if (num_failed_ > 0) {
      fmt::print(console_.err, "{} of {} runs failed; the same command tries them again\n",
                 num_failed_, num_begun);
      return process::ExitCode::kRunFailed;
    }
    return process::ExitCode::kOk;
  }

  const SweepPlan& plan_;
  size_t jobs_at_once_;
  SweepPaths paths_;
  render::Console& console_;
  const std::function<void(size_t)>& on_done_;
  core::PosixFileSystem files_;
  core::CancelToken cancel_;
  process::SignalWatcher signals_;
  std::optional<core::DirectoryLock> lock_;
  std::optional<SweepState> state_;
  std::vector<Job> jobs_;
  int64_t num_failed_ = 0;
  int polls_ = 0;
  bool is_stopping_ = false;
  bool has_status_ = false;
};

}  // namespace

process::ExitCode run_sweep(const SweepPlan& plan, const SweepOptions& options,
                            render::Console& console,
                            const std::function<void(size_t run)>& on_done) {
  return SweepRunner(plan, options, console, on_done).run();
}

}  // namespace switchyard::sweep
