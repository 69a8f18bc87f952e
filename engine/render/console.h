#pragma once

#include <ostream>

#include "render/terminal.h"

namespace switchyard::render {

/// Where a program writes: data to `out`, messages to `err`.
struct Console {
  std::ostream& out;
  std::ostream& err;
  Terminal out_terminal;
  Terminal err_terminal;
};

}  // namespace switchyard::render
