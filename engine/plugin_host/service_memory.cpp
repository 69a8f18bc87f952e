#include "core/error.h"
#include "layers/gradient.h"
#include "plugin_host/border.h"
#include "plugin_host/call.h"
#include "plugin_host/services.h"
#include "plugin_host/tensor_view.h"

// sy.mem/1 and sy.params/1: tensors that belong to the host. Views point at tensors that the
// context or the parameter holds, so shape and strides live as long as the call.

namespace switchyard::plugin_host {

namespace {

using core::ErrorCode;
using core::fail;
using core::require;
using tensor::Tensor;

void require_call(const sy_ctx* ctx, const void* out) {
  require(ctx != nullptr && out != nullptr,
          "the context or the place for the result is a null pointer: pass call->ctx");
}

sy_status scratch(sy_ctx* ctx, sy_dtype dtype, int32_t ndim, const int64_t* shape, sy_tensor* out,
                  sy_error* error) {
  return guard(error, [&] {
    require_call(ctx, out);
    if (ctx->num_buffers == ctx->buffers.size()) {
      ctx->buffers.emplace_back();
    }
    Tensor& buffer = ctx->buffers[ctx->num_buffers];
    buffer = ctx->scratch->take(dtype_of(dtype), shape_of(ndim, shape));
    ++ctx->num_buffers;
    *out = view_of(buffer);
  });
}

Tensor& slot_of(sy_ctx* ctx, uint32_t slot) {
  require(slot < SY_MAX_SAVED, "a slot must be 0 ... {}, got {}", SY_MAX_SAVED - 1, slot);
  return ctx->slots[slot];
}

sy_status save(sy_ctx* ctx, uint32_t slot, sy_dtype dtype, int32_t ndim, const int64_t* shape,
               sy_tensor* out, sy_error* error) {
  return guard(error, [&] {
    require_call(ctx, out);
    Tensor& kept = slot_of(ctx, slot);
    if (ctx->phase != CallPhase::kForward) {
      fail(ErrorCode::kState, "save: only a forward call can keep something for backward");
    }
    kept = ctx->kept->take(dtype_of(dtype), shape_of(ndim, shape));
    *out = view_of(kept);
  });
}

sy_status saved(sy_ctx* ctx, uint32_t slot, sy_tensor* out, sy_error* error) {
  return guard(error, [&] {
    require_call(ctx, out);
    const Tensor& kept = slot_of(ctx, slot);
    if (ctx->phase != CallPhase::kBackward) {
      fail(ErrorCode::kState, "saved: only a backward call finds what forward kept");
    }
    if (!kept.defined()) {
      fail(ErrorCode::kNotFound, "saved: forward kept nothing in slot {}", slot);
    }
    *out = view_of(kept);
  });
}

tensor::Parameter& parameter_of(sy_ctx* ctx, uint32_t handle) {
  if (handle >= ctx->parameters->size()) {
    fail(ErrorCode::kNotFound, "params: there is no handle {}, build() registered {} tensors",
         handle, ctx->parameters->size());
  }
  return *(*ctx->parameters)[handle];
}

void require_memory(const tensor::Parameter& parameter, const Tensor& wanted, bool is_grad) {
  if (!wanted.defined()) {
    fail(ErrorCode::kState, "params: '{}' {}", parameter.name,
         is_grad && parameter.is_buffer ? "is a buffer and has no gradient" : "has no memory yet");
  }
}

sy_status get_parameter(sy_ctx* ctx, uint32_t handle, int32_t which, sy_tensor* out,
                        sy_error* error) {
  return guard(error, [&] {
    require_call(ctx, out);
    tensor::Parameter& parameter = parameter_of(ctx, handle);
    require(which == SY_VALUE || which == SY_GRAD,
            "params: `which` must be SY_VALUE (0) or SY_GRAD (1), got {}", which);
    require_memory(parameter, which == SY_VALUE ? parameter.value : parameter.grad,
                   which == SY_GRAD);
    *out =
        view_of(which == SY_VALUE ? parameter.value : layers::summed_grad(ctx->backend, parameter));
  });
}

sy_status grad_sum(sy_ctx* ctx, uint32_t handle, sy_tensor* out, double* beta, sy_error* error) {
  return guard(error, [&] {
    require_call(ctx, out);
    require_call(ctx, beta);
    tensor::Parameter& parameter = parameter_of(ctx, handle);
    require_memory(parameter, parameter.grad, true);
    *beta = parameter.take_grad_beta();
    *out = view_of(parameter.grad);
  });
}

}  // namespace

const sy_mem& mem_service() {
  static constexpr sy_mem kTable = {.struct_size = sizeof(sy_mem),
                                    .reserved = 0,
                                    .scratch = &scratch,
                                    .save = &save,
                                    .saved = &saved};
  return kTable;
}

const sy_params& params_service() {
  static constexpr sy_params kTable = {.struct_size = sizeof(sy_params),
                                       .reserved = 0,
                                       .get = &get_parameter,
                                       .grad_sum = &grad_sum};
  return kTable;
}

}  // namespace switchyard::plugin_host
