#pragma once

#include <switchyard/service/ops.h>

namespace switchyard::test {

/// sy.ops/1 as plain loops that follow the header's sentences: sums in double, nothing vectorized,
/// nothing shared with the engine. Tests measure plugins and the engine's own ops against it.
[[nodiscard]] const sy_ops& reference_ops();

}  // namespace switchyard::test
