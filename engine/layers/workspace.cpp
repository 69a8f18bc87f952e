#include "layers/workspace.h"

#include <utility>

namespace switchyard::layers {

Workspace::Workspace(const ops::Backend& backend)
    : activations_(backend.device->memory()),
      scratch_(backend.device->memory()),
      pass_{.backend = backend, .activations = &activations_, .scratch = &scratch_} {
}

Pass& Workspace::begin(Mode mode, uint64_t seed, int64_t step) {
  pass_.kept.clear();
  pass_.traces.clear();
  activations_.reset();
  scratch_.reset();
  // Kept and traces move on for their memory.
  pass_ = Pass{.backend = pass_.backend,
               .activations = &activations_,
               .scratch = &scratch_,
               .mode = mode,
               .seed = seed,
               .step = step,
               .kept = std::move(pass_.kept),
               .traces = std::move(pass_.traces)};
  return pass_;
}

StepMemory Workspace::peak_memory() const {
  return {.kept = static_cast<double>(activations_.peak_bytes()),
          .scratch = static_cast<double>(scratch_.peak_bytes())};
}

}  // namespace switchyard::layers
