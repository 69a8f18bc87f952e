#pragma once

#include <algorithm>

namespace switchyard::layers {

/// Bytes that a part of a model takes from the pass's arenas in one training step.
struct StepMemory {
  double kept = 0.0;     // of Pass::activations, until the step ends
  double scratch = 0.0;  // of Pass::scratch, the most at any time

  /// Adds what another part takes before or after this one: scratch memory is used again.
  StepMemory& operator+=(const StepMemory& next) {
    kept += next.kept;
    scratch = std::max(scratch, next.scratch);
    return *this;
  }
};

}  // namespace switchyard::layers
