#pragma once

#include <array>
#include <csignal>
#include <string>

namespace switchyard::plugin_host {

/// Process-wide state that a plugin must not change while it loads: the floating-point mode, the
/// locale, the handling of signals and the current directory. Threads: [load].
class ProcessState {
 public:
  /// Records the present state.
  ProcessState();
  /// Restores the recorded state if restore() was never reached.
  ~ProcessState() { static_cast<void>(restore()); }
  ProcessState(const ProcessState&) = delete;
  ProcessState& operator=(const ProcessState&) = delete;

  /// Restores the recorded state and names what differed: "the locale, the handling of signal 6",
  /// or
  /// "" if nothing did.
  [[nodiscard]] std::string restore();

 private:
  static constexpr int kSignals = 32;

  unsigned float_mode_;
  std::string locale_;
  std::string directory_;
  std::array<struct sigaction, kSignals> signals_;
};

}  // namespace switchyard::plugin_host
