#include "render/terminal.h"

#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/core.h>

namespace switchyard::render {
namespace {

constexpr int kDefaultWidth = 80;

bool is_utf8_locale(const Environment& environment) {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string value = environment(name);
    if (!value.empty()) {
      return value.find("UTF-8") != std::string::npos || value.find("utf8") != std::string::npos ||
             value.find("UTF8") != std::string::npos || value.find("utf-8") != std::string::npos;
    }
  }
  return false;
}

ColourLevel colour_level(const Environment& environment, const std::string& term) {
  if (!environment("NO_COLOR").empty()) {
    return ColourLevel::kNone;
  }
  const std::string colour_term = environment("COLORTERM");
  if (colour_term == "truecolor" || colour_term == "24bit" ||
      term.find("direct") != std::string::npos) {
    return ColourLevel::k24Bit;
  }
  return term.find("256color") != std::string::npos ? ColourLevel::k256 : ColourLevel::kNone;
}

}  // namespace

Environment process_environment() {
  return [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? std::string(value) : std::string();
  };
}

Terminal describe_terminal(bool is_terminal, const Environment& environment) {
  Terminal terminal;
  terminal.is_terminal = is_terminal;
  if (!is_terminal) {
    return terminal;
  }
  const std::string term = environment("TERM");
  terminal.animates = !term.empty() && term != "dumb";
  terminal.has_unicode = terminal.animates && is_utf8_locale(environment);
  terminal.colour = terminal.animates ? colour_level(environment, term) : ColourLevel::kNone;
  return terminal;
}

Terminal terminal_of(int descriptor) {
  return describe_terminal(isatty(descriptor) == 1, process_environment());
}

int terminal_width(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    return size.ws_col;
  }
  return kDefaultWidth;
}

std::string printable(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  return result;
}

}  // namespace switchyard::render
