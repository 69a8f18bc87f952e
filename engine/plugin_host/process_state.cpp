#include "plugin_host/process_state.h"

#include <cfenv>
#include <clocale>
#include <filesystem>
#include <unistd.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <fmt/core.h>

#include "plugin_host/name_list.h"

namespace switchyard::plugin_host {

namespace {

#if defined(__x86_64__)
// Without the six sticky flags, which any arithmetic sets.
constexpr unsigned kModeBits = 0xFFC0U;

unsigned float_mode() {
  return _mm_getcsr() & kModeBits;
}

void set_float_mode(unsigned mode) {
  _mm_setcsr((_mm_getcsr() & ~kModeBits) | mode);
}
#else
unsigned float_mode() {
  return static_cast<unsigned>(std::fegetround());
}

void set_float_mode(unsigned mode) {
  std::fesetround(static_cast<int>(mode));
}
#endif

std::string locale_text() {
  const char* text = std::setlocale(LC_ALL, nullptr);
  return text == nullptr ? "" : text;
}

std::string current_directory() {
  std::error_code error;
  return std::filesystem::current_path(error).string();
}

bool same_handling(const struct sigaction& a, const struct sigaction& b) {
  const bool same_function = (a.sa_flags & SA_SIGINFO) != 0 ? a.sa_sigaction == b.sa_sigaction
                                                            : a.sa_handler == b.sa_handler;
  return a.sa_flags == b.sa_flags && same_function;
}

}  // namespace

ProcessState::ProcessState()
    : float_mode_(float_mode()),
      locale_(locale_text()),
      directory_(current_directory()),
      signals_{} {
  for (int signal = 1; signal < kSignals; ++signal) {
    ::sigaction(signal, nullptr, &signals_[static_cast<size_t>(signal)]);
  }
}

std::string ProcessState::restore() {
  std::string touched;
  if (float_mode() != float_mode_) {
    set_float_mode(float_mode_);
    append_name(touched, "the floating-point mode (built with -ffast-math?)");
  }
  if (locale_text() != locale_) {
    std::setlocale(LC_ALL, locale_.c_str());
    append_name(touched, "the locale");
  }
  if (current_directory() != directory_ && !directory_.empty()) {
    std::error_code error;
    std::filesystem::current_path(directory_, error);
    append_name(touched, "the current directory");
  }
  for (int signal = 1; signal < kSignals; ++signal) {
    const struct sigaction& noted = signals_[static_cast<size_t>(signal)];
    struct sigaction now{};
    if (::sigaction(signal, nullptr, &now) == 0 && !same_handling(now, noted)) {
      ::sigaction(signal, &noted, nullptr);
      append_name(touched, fmt::format("the handling of signal {}", signal));
    }
  }
  return touched;
}

}  // namespace switchyard::plugin_host
