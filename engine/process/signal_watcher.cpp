#include "process/signal_watcher.h"

#include <ctime>
#include <pthread.h>
#include <unistd.h>
#include <utility>

#include "process/exit_code.h"

namespace switchyard::process {
namespace {

constexpr long kPollNanoseconds = 50'000'000;

}  // namespace

SignalWatcher::SignalWatcher(core::CancelToken& cancel, std::function<void(int)> on_first)
    : cancel_(cancel), on_first_(std::move(on_first)) {
  sigemptyset(&watched_);
  sigaddset(&watched_, SIGINT);
  sigaddset(&watched_, SIGTERM);
  sigaddset(&watched_, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &watched_, &before_);
  thread_ = std::thread([this] { watch(); });
}

SignalWatcher::~SignalWatcher() {
  stopping_ = true;
  thread_.join();
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void SignalWatcher::watch() {
  const timespec timeout{0, kPollNanoseconds};
  while (!stopping_) {
    const int signal = sigtimedwait(&watched_, nullptr, &timeout);
    if (signal < 0) {
      continue;  // no signal, or an interrupted call
    }
    if (signal_ != 0 && signal == SIGINT) {
      _exit(static_cast<int>(
          ExitCode::kInterrupted));  // the user insists: skip all clean-up, which might hang
    }
    if (signal_ == 0) {
      signal_ = signal;
      cancel_.request();
      if (on_first_) {
        on_first_(signal);
      }
    }
  }
}

}  // namespace switchyard::process
