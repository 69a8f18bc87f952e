#include "process/child_process.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"

namespace switchyard::process {
namespace {

constexpr const char* kThisProgram = "/proc/self/exe";
constexpr int kCannotStart = 127;  // as in a shell
constexpr mode_t kFileMode = 0644;

struct Launch {
  const char* output = nullptr;
  const char* log = nullptr;
  char* const* arguments = nullptr;
  pid_t parent = 0;
};

bool redirect(const char* file, int flags, int descriptor) {
  const int opened = open(file, flags | O_WRONLY | O_CREAT | O_CLOEXEC, kFileMode);
  return opened >= 0 && dup2(opened, descriptor) >= 0;
}

/// Runs between fork and exec in a process with threads: only async-signal-safe calls.
[[noreturn]] void become(const Launch& launch) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const bool is_tied = prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == launch.parent;
  if (is_tied && redirect(launch.log, O_APPEND, STDERR_FILENO) &&
      redirect(launch.output, O_TRUNC, STDOUT_FILENO)) {
    execv(kThisProgram, launch.arguments);
  }
  _exit(kCannotStart);
}

}  // namespace

ChildProcess::ChildProcess(const Options& options) {
  std::vector<std::string> words = {"switchyard"};
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  const Launch launch{options.output.c_str(), options.log.c_str(), arguments.data(), getpid()};
  pid_ = fork();
  if (pid_ < 0) {
    core::fail(core::ErrorCode::kIo, "cannot start another process: {}", std::strerror(errno));
  }
  if (pid_ == 0) {
    become(launch);
  }
}

ChildProcess::~ChildProcess() {
  if (!end_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
}

std::optional<ChildProcess::End> ChildProcess::poll() {
  int status = 0;
  if (!end_ && waitpid(pid_, &status, WNOHANG) == pid_) {
    end_ = WIFSIGNALED(status) ? End{0, WTERMSIG(status)} : End{WEXITSTATUS(status), 0};
  }
  return end_;
}

void ChildProcess::ask_to_stop() {
  if (!end_) {
    kill(pid_, SIGTERM);
  }
}

}  // namespace switchyard::process
