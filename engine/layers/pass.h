#pragma once

#include <cstdint>
#include <vector>

#include "ops/backend.h"
#include "tensor/arena.h"
#include "tensor/parameter.h"

namespace switchyard::layers {

enum class Mode { kTrain, kEvaluate };

/// One pass through a model. A layer holds parameters only: what its backward() needs, its
/// forward() saves here in Mode::kTrain, and backward() restores in reverse order.
struct Pass {
  ops::Backend backend;
  tensor::Arena* activations = nullptr;  // lives until the step ends
  tensor::Arena* scratch = nullptr;      // within one call: use tensor::ScratchScope
  Mode mode = Mode::kTrain;
  uint64_t seed = 0;              // of the run; with a layer's name, keys its random numbers
  int64_t step = 0;               // optimizer step, from 1
  int32_t microbatch = 0;         // within the step
  int64_t token_base = 0;         // index of row 0 of this rank's batch among the rows of all ranks
  int64_t token_stride = 1;       // from the index of a row to that of the next
  bool is_recomputation = false;  // the same forward again: nothing is counted twice
  std::vector<tensor::Tensor> saved;
  /// In training, for parameters that are updated in backward; null where there are none.
  tensor::SliceUpdater* slice_updater = nullptr;

  [[nodiscard]] bool is_training() const { return mode == Mode::kTrain; }

  /// An uninitialised activation that lives until the step ends.
  [[nodiscard]] tensor::Tensor take(tensor::DType dtype, const tensor::Shape& shape) {
    return activations->take(dtype, shape);
  }
  void save(const tensor::Tensor& kept) {
    if (is_training()) {
      saved.push_back(kept);
    }
  }
  [[nodiscard]] tensor::Tensor restore() {
    core::require(!saved.empty(), "Pass::restore: backward() without its forward()");
    tensor::Tensor kept = saved.back();
    saved.pop_back();
    return kept;
  }
};

}  // namespace switchyard::layers
