#pragma once

#include <atomic>
#include <csignal>
#include <functional>
#include <thread>

#include "core/cancel.h"

namespace switchyard::process {

/// While it lives, SIGINT, SIGTERM and SIGUSR1 request cancellation instead of ending the program.
/// A second SIGINT ends the process at once with code 130.
///
/// The signals are blocked in every thread and handled on the watcher's own thread, so that none of
/// our code runs inside a signal handler. Create it before any other thread: threads inherit the
/// block.
class SignalWatcher {
 public:
  /// `on_first` is called once, on the watcher's thread; may be empty.
  SignalWatcher(core::CancelToken& cancel, std::function<void(int signal)> on_first);
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

  /// The signal that came first, or 0.
  [[nodiscard]] int signal() const { return signal_.load(); }

 private:
  void watch();

  core::CancelToken& cancel_;
  std::function<void(int)> on_first_;
  std::atomic<int> signal_{0};
  std::atomic<bool> stopping_{false};
  sigset_t watched_{};
  sigset_t before_{};
  std::thread thread_;
};

}  // namespace switchyard::process
