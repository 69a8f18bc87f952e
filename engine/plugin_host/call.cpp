#include "plugin_host/call.h"

#include "plugin_host/tensor_view.h"

namespace switchyard::plugin_host {

namespace {

// The part that every kind of call shares.
sy_call begin_call(sy_ctx& context, const ops::Backend& backend, CallPhase phase) {
  context.phase = phase;
  context.backend = backend;
  context.num_buffers = 0;
  sy_call call{};
  call.struct_size = sizeof(sy_call);
  call.flags = SY_F_DETERMINISTIC;
  call.host = context.host;
  call.ctx = &context;
  call.stream = backend.stream.handle;
  call.device_type = static_cast<int32_t>(backend.stream.device);
  call.device_id = backend.stream.device_index;
  call.save_policy = SY_SAVE_NONE;
  call.compute = sy_dtype_of(backend.compute);
  return call;
}

}  // namespace

PassCall::PassCall(sy_ctx& context, layers::Pass& pass, int32_t layer, CallPhase phase)
    : context_(context), pass_(pass), scope_(*pass.scratch) {
  call_ = begin_call(context, pass.backend, phase);
  if (pass.is_training()) {
    call_.flags |= SY_F_TRAINING;
    call_.save_policy = SY_SAVE_ALL;
  }
  if (pass.is_recomputation) {
    call_.flags |= SY_F_RECOMPUTE;
  }
  call_.step = pass.step;
  call_.token_base = pass.token_base;
  call_.token_stride = pass.token_stride;
  call_.microbatch = pass.microbatch;
  call_.layer = layer;
  context.scratch = pass.scratch;
  context.kept = pass.is_training() ? pass.activations : pass.scratch;
  context.has_seed = true;
  context.seed = pass.seed;
  context.position = {.step = pass.step, .microbatch = pass.microbatch};
  context.token_base = pass.token_base;
  context.token_stride = pass.token_stride;
  context.slots = phase == CallPhase::kBackward ? pass.restore<SavedSlots>() : SavedSlots{};
}

void PassCall::compute_in_f32() {
  context_.backend.compute = tensor::DType::kF32;
  call_.compute = sy_dtype_of(tensor::DType::kF32);
}

void PassCall::keep_saved() {
  pass_.keep(context_.slots);
}

StepCall::StepCall(sy_ctx& context, const optim::OptimizerStep& step) : scope_(*step.scratch) {
  call_ = begin_call(context, step.backend, CallPhase::kOther);
  call_.flags |= SY_F_TRAINING;
  call_.step = step.step;
  context.scratch = step.scratch;
  context.kept = nullptr;
  context.has_seed = false;
}

}  // namespace switchyard::plugin_host
