#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace switchyard::process {

/// A second process of this program, with other arguments. The kernel sends it SIGTERM when this
/// process dies, however it dies; it starts with no signal blocked. Threads: [inst]; the thread
/// that starts the child must live as long as this process.
class ChildProcess {
 public:
  /// The child's command line, and the files for its output.
  struct Options {
    std::vector<std::string> arguments;  // without the program's name
    std::filesystem::path output;        // receives stdout; truncated first
    std::filesystem::path log;           // receives stderr; appended to
  };

  /// How a process ended: with an exit code or by a signal.
  struct End {
    int code = 0;
    int signal = 0;  // 0: it exited
  };

  /// Throws Error(kIo) if the process cannot be created.
  explicit ChildProcess(const Options& options);
  /// Kills the child if it still runs.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// How the child ended; empty while it runs. Does not block.
  [[nodiscard]] std::optional<End> poll();
  /// Sends SIGTERM. A training run then saves a checkpoint and stops.
  void ask_to_stop();

 private:
  pid_t pid_ = -1;
  std::optional<End> end_;
};

}  // namespace switchyard::process
