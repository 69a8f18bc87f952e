#pragma once

#include <functional>
#include <string>

namespace switchyard::render {

enum class ColourLevel { kNone, k256, k24Bit };

/// What may be written to one stream of the program.
struct Terminal {
  bool is_terminal = false;
  bool animates = false;  // the cursor can go back: a terminal that is not TERM=dumb
  bool has_unicode = false;
  ColourLevel colour = ColourLevel::kNone;
};

/// Reads an environment variable; "" if it is not set.
using Environment = std::function<std::string(const char* name)>;

/// The environment of this process.
[[nodiscard]] Environment process_environment();

/// What a stream can show. Honours NO_COLOR, TERM, COLORTERM and the locale variables.
[[nodiscard]] Terminal describe_terminal(bool is_terminal, const Environment& environment);
/// The same for a file descriptor of this process.
[[nodiscard]] Terminal terminal_of(int descriptor);

/// Columns of the terminal now (it may have been resized since); 80 where there is none.
[[nodiscard]] int terminal_width(int descriptor);

/// The text with control bytes (escape sequences above all) made visible, so that a word of a data
/// set or a name cannot drive the terminal. Line ends and tabs stay.
[[nodiscard]] std::string printable(const std::string& text);

}  // namespace switchyard::render
