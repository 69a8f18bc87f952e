#pragma once

#include <switchyard/service/ew.h>

namespace switchyard::test {

/// sy.ew/1 one element and one instruction at a time, as the header says, nothing shared with the
/// engine.
[[nodiscard]] const sy_ew& reference_ew();

}  // namespace switchyard::test
