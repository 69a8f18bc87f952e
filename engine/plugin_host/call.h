#pragma once

#include <array>
#include <deque>
#include <string>
#include <vector>

#include <switchyard/host.h>
#include <switchyard/service/mem.h>

#include "core/rng.h"
#include "layers/pass.h"
#include "ops/generic/elementwise_program.h"
#include "optim/optimizer.h"
#include "plugin_host/host.h"
#include "tensor/arena.h"
#include "tensor/parameter.h"

namespace switchyard::plugin_host {

/// The kind of a call: forward saves tensors, backward finds them, others do neither.
enum class CallPhase { kForward, kBackward, kOther };

/// The tensors that a forward call saved, by slot; unused ones are undefined.
using SavedSlots = std::array<tensor::Tensor, SY_MAX_SAVED>;

}  // namespace switchyard::plugin_host

/// The host's side of one call of an instance; opaque to plugins. Each instance has one, which
/// every call fills again, so that calls allocate nothing once they have warmed up.
struct sy_ctx {
  const switchyard::plugin_host::Host* host = nullptr;
  const std::string* instance = nullptr;                                    // its name
  const std::vector<switchyard::tensor::Parameter*>* parameters = nullptr;  // by handle

  switchyard::plugin_host::CallPhase phase = switchyard::plugin_host::CallPhase::kOther;
  switchyard::ops::Backend backend;
  switchyard::tensor::Arena* scratch = nullptr;
  switchyard::tensor::Arena* kept = nullptr;  // for save(); scratch in evaluation
  bool has_seed = false;                      // an optimizer's step has none
  uint64_t seed = 0;
  switchyard::core::RngPosition position;
  int64_t token_base = 0;
  int64_t token_stride = 1;

  switchyard::plugin_host::SavedSlots slots;
  std::deque<switchyard::tensor::Tensor>
      buffers;  // of scratch(); the first `num_buffers` are in use
  size_t num_buffers = 0;
  switchyard::ops::generic::ElementwisePrograms programs;
  std::vector<switchyard::ops::generic::ElementwiseInstruction>
      program_code;  // of the current call
  std::vector<switchyard::tensor::Tensor> program_io;
};

namespace switchyard::plugin_host {

/// Opens an instance's context for one call within a pass, and takes the call's scratch memory back
/// at its end.
class PassCall {
 public:
  PassCall(sy_ctx& context, layers::Pass& pass, int32_t layer, CallPhase phase);

  [[nodiscard]] const sy_call* get() const { return &call_; }
  /// Lets the products of this call be computed in f32, whatever the pass says.
  void compute_in_f32();
  /// After a forward call: hands what it saved to the pass.
  void keep_saved();

 private:
  sy_ctx& context_;
  layers::Pass& pass_;
  tensor::ScratchScope scope_;
  sy_call call_{};
};

/// The same for a step of an optimizer.
class StepCall {
 public:
  StepCall(sy_ctx& context, const optim::OptimizerStep& step);

  [[nodiscard]] const sy_call* get() const { return &call_; }

 private:
  tensor::ScratchScope scope_;
  sy_call call_{};
};

}  // namespace switchyard::plugin_host
