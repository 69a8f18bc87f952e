#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace switchyard::process {

/// This program started once more with other arguments. It is asked to stop (SIGTERM) when this
/// process dies, however it dies, and it starts with no signal blocked. Threads: [inst]; the thread
/// that starts it must live as long as this process.
class ChildProcess {
 public:
  struct Options {
    std::vector<std::string> arguments;  // without the program's name
    std::filesystem::path output;        // made anew for its stdout
    std::filesystem::path log;           // its stderr is appended
  };

  /// How a process ended: by itself with a code, or by a signal.
  struct End {
    int code = 0;
    int signal = 0;  // 0: by itself
  };

  /// Throws Error(kIo) if no process can be made.
  explicit ChildProcess(const Options& options);
  /// Kills it if it still runs.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Its end, once it has come; does not wait.
  [[nodiscard]] std::optional<End> poll();
  /// Asks it to stop: SIGTERM. A training run then saves a checkpoint first.
  void ask_to_stop();

 private:
  pid_t pid_ = -1;
  std::optional<End> end_;
};

}  // namespace switchyard::process
