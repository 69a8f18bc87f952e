#pragma once

#include <array>
#include <csignal>
#include <string>

namespace switchyard::plugin_host {

/// What code of a plugin must leave alone while it is loaded: the floating-point mode, the locale,
/// the handling of signals and the current directory. Threads: [load].
class ProcessState {
 public:
  /// Notes the state of now.
  ProcessState();
  /// Sets back what differs, should a failure have come before restore().
  ~ProcessState() { static_cast<void>(restore()); }
  ProcessState(const ProcessState&) = delete;
  ProcessState& operator=(const ProcessState&) = delete;

  /// Sets back what differs from the noted state; says what that was: "the locale, the handling of
  /// signal 6", or "" if nothing was touched.
  [[nodiscard]] std::string restore();

 private:
  static constexpr int kSignals = 32;

  unsigned float_mode_;
  std::string locale_;
  std::string directory_;
  std::array<struct sigaction, kSignals> signals_;
};

}  // namespace switchyard::plugin_host
