#pragma once

#include <cstdint>

#include "layers/pass.h"
#include "layers/step_memory.h"

namespace switchyard::layers {

/// The memory of passes on one device: arenas, kept records and traces. There is one pass at a time
/// and each uses the memory of the one before, so that after the first ones a pass of the same size
/// allocates nothing. Threads: [inst].
class Workspace {
 public:
  /// The device of the backend must outlive the workspace.
  explicit Workspace(const ops::Backend& backend);
  ~Workspace() = default;
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  /// Ends the last pass and starts another. Tensors, records and traces of the last one are gone.
  /// See Pass for the arguments. The reference is the same each time.
  Pass& begin(Mode mode, uint64_t seed, int64_t step);
  /// The pass that began last.
  [[nodiscard]] Pass& pass() { return pass_; }
  [[nodiscard]] const Pass& pass() const { return pass_; }

  /// The most that any pass has taken so far.
  [[nodiscard]] StepMemory peak_memory() const;

 private:
  tensor::Arena activations_;
  tensor::Arena scratch_;
  Pass pass_;
};

}  // namespace switchyard::layers
