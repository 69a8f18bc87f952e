#pragma once

#include <functional>
#include <string>

namespace switchyard::render {

/// The colours that a terminal can show.
enum class ColourLevel { kNone, k256, k24Bit };

/// The abilities of an output stream.
struct Terminal {
  bool is_terminal = false;
  bool animates = false;  // a line can be redrawn: a terminal that is not TERM=dumb
  bool has_unicode = false;
  ColourLevel colour = ColourLevel::kNone;
};

/// Reads an environment variable; "" if it is not set.
using Environment = std::function<std::string(const char* name)>;

/// The environment of this process.
[[nodiscard]] Environment process_environment();

/// Describes a stream. Honours NO_COLOR, TERM, COLORTERM and the locale variables.
[[nodiscard]] Terminal describe_terminal(bool is_terminal, const Environment& environment);
/// Describes a file descriptor of this process.
[[nodiscard]] Terminal terminal_of(int descriptor);

/// The current width of the terminal in columns; 80 if there is no terminal.
[[nodiscard]] int terminal_width(int descriptor);

/// Makes control bytes visible, escape sequences above all, so that no word of a data set and no
/// name can control the terminal. Keeps line ends and tabs.
[[nodiscard]] std::string printable(const std::string& text);

}  // namespace switchyard::render
