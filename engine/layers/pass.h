#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "layers/kept_records.h"
#include "layers/moe/routing.h"
#include "ops/backend.h"
#include "tensor/arena.h"
#include "tensor/parameter.h"

namespace switchyard::layers {

/// Whether a pass trains or only evaluates.
enum class Mode { kTrain, kEvaluate };

/// One pass through a model. A layer holds parameters only. What its backward() needs, its
/// forward() keeps here in Mode::kTrain as one record, of a type that only the layer knows.
/// Backward passes run in reverse order and restore it:
///
///   pass.keep(Kept{.x = x, .gates = gates});
///   const auto [x, gates] = pass.restore<Kept>();
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
  bool is_recomputation = false;  // repeats a forward pass: counts nothing twice
  KeptRecords kept;
  /// The decisions of layers with a gate, in the order of their forward passes.
  std::vector<MoeTrace> traces;
  /// In training, for parameters that are updated in backward; null where there are none.
  tensor::SliceUpdater* slice_updater = nullptr;

  [[nodiscard]] bool is_training() const { return mode == Mode::kTrain; }

  /// An uninitialised activation that lives until the step ends.
  [[nodiscard]] tensor::Tensor take(tensor::DType dtype, const tensor::Shape& shape) {
    return activations->take(dtype, shape);
  }
  /// Keeps a record for backward(); does nothing in Mode::kEvaluate.
  template <typename Kept>
  void keep(Kept record) {
    if (is_training()) {
      kept.push(std::move(record));
    }
  }
  /// Takes the last record. Throws Error if it is not a Kept, that is, if backward() runs without
  /// its forward().
  template <typename Kept>
  [[nodiscard]] Kept restore() {
    return kept.pop<Kept>();
  }
};

}  // namespace switchyard::layers
