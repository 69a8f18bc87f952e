#include "core/error.h"
#include "ops/generic/affine.h"
#include "ops/generic/random.h"
#include "plugin_host/border.h"
#include "plugin_host/call.h"
#include "plugin_host/services.h"
#include "plugin_host/tensor_view.h"

// sy.rng/1, sy.metrics/1, sy.threads/1 and sy.comm/1: what ties a call to its run.

namespace switchyard::plugin_host {

namespace {

using core::fail;
using core::require;

core::RngKey key_of(const sy_ctx* ctx, uint32_t purpose) {
  require(ctx != nullptr, "rng: the context is a null pointer: pass call->ctx");
  if (!ctx->has_seed) {
    fail(core::ErrorCode::kUnsupported, "rng: this kind of call has no random numbers");
  }
  return core::rng_key(ctx->seed, *ctx->instance,
                       static_cast<uint32_t>(core::RngPurpose::kPlugin) + purpose);
}

sy_status fill_random(sy_ctx* ctx, uint32_t purpose, int32_t dist, double a, double b,
                      const sy_tensor* y, sy_error* error) {
  return guard(error, [&] {
    require(dist >= SY_RNG_UNIFORM && dist <= SY_RNG_BERNOULLI,
            "rng: the distribution must be 0 ... {}, got {}", int{SY_RNG_BERNOULLI}, dist);
    const core::RngKey key = key_of(ctx, purpose);
    ops::generic::fill_random(ctx->backend,
                              {.distribution = static_cast<ops::generic::Distribution>(dist),
                               .a = a,
                               .b = b,
                               .key = key,
                               .position = ctx->position,
                               .token_base = ctx->token_base,
                               .token_stride = ctx->token_stride},
                              tensor_of(y, "rng: y"));
  });
}

void philox(sy_ctx* ctx, uint32_t purpose, uint32_t key[2], uint32_t counter[4]) {
  // The function has no status: without a seed it gives zeros.
  core::RngKey words;
  std::array<uint32_t, 4> first{};
  if (ctx != nullptr && ctx->has_seed) {
    words = key_of(ctx, purpose);
    first = core::rng_counter(ctx->position, 0);
  }
  key[0] = words.k0;
  key[1] = words.k1;
  std::copy(first.begin(), first.end(), counter);
}

void report_metric(sy_ctx* ctx, const char* name, const sy_tensor* value) {
  // Nothing can be answered here, so a value that cannot be read is told to the log.
  const sy_status status = guard(nullptr, [&] {
    require(ctx != nullptr && name != nullptr, "metrics: null pointer");
    const tensor::Tensor number = tensor_of(value, name);
    require(number.defined() && number.count() == 1 && number.device() == tensor::DeviceType::kCpu,
            "metrics: one f32 on the host");
    ctx->host->metrics.report(*ctx->instance + "/" + name, *number.data<float>());
  });
  if (status != SY_OK && ctx != nullptr && ctx->host->sink) {
    ctx->host->sink(core::LogLevel::kWarning, *ctx->instance,
                    "a metric was left out: it must be one f32 in host memory");
  }
}

sy_status parallel_for(sy_ctx* ctx, int64_t n, int64_t grain,
                       void (*body)(void* arg, int64_t begin, int64_t end), void* arg,
                       sy_error* error) {
  return guard(error, [&] {
    require(ctx != nullptr && body != nullptr, "parallel_for: null pointer");
    require(n >= 0 && grain > 0, "parallel_for: needs n >= 0 and grain > 0, got {} and {}", n,
            grain);
    if (ctx->backend.stream.threads == nullptr) {
      if (n > 0) {
        body(arg, 0, n);
      }
      return;
    }
    ctx->backend.stream.threads->parallel_for(
        n, grain, [body, arg](int64_t begin, int64_t end) { body(arg, begin, end); });
  });
}

void require_group(int32_t group) {
  require(group >= SY_GROUP_DATA && group <= SY_GROUP_SHARD,
          "comm: the group must be 0 ... {}, got {}", int{SY_GROUP_SHARD}, group);
}

void size_rank(sy_ctx*, int32_t, int32_t* size, int32_t* rank) {
  *size = 1;
  *rank = 0;
}

sy_status all_reduce(sy_ctx*, int32_t group, int32_t op, const sy_tensor* x, sy_error* error) {
  return guard(error, [&] {
    require_group(group);
    require(op == SY_R_SUM || op == SY_R_MEAN || op == SY_R_MAX,
            "all_reduce: the op must be SY_R_SUM, SY_R_MEAN or SY_R_MAX, got {}", op);
    static_cast<void>(tensor_of(x, "all_reduce: x"));
  });
}

sy_status all_gather(sy_ctx* ctx, int32_t group, const sy_tensor* x, const sy_tensor* y,
                     sy_error* error) {
  return guard(error, [&] {
    require_group(group);
    const tensor::Tensor from = tensor_of(x, "all_gather: x");
    const tensor::Tensor to = tensor_of(y, "all_gather: y");
    require(to.dim() == from.dim() + 1 && to.size(0) == 1,
            "all_gather: y must be [1, shape of x] {} for one rank, got {}", from.shape(),
            to.shape());
    ops::generic::copy(ctx->backend, from, to.select(0, 0));
  });
}

}  // namespace

const sy_rng& rng_service() {
  static constexpr sy_rng kTable = {
      .struct_size = sizeof(sy_rng), .reserved = 0, .fill = &fill_random, .philox = &philox};
  return kTable;
}

const sy_metrics& metrics_service() {
  static constexpr sy_metrics kTable = {
      .struct_size = sizeof(sy_metrics), .reserved = 0, .report = &report_metric};
  return kTable;
}

const sy_threads& threads_service() {
  static constexpr sy_threads kTable = {
      .struct_size = sizeof(sy_threads), .reserved = 0, .parallel_for = &parallel_for};
  return kTable;
}

const sy_comm& comm_service() {
  static constexpr sy_comm kTable = {.struct_size = sizeof(sy_comm),
                                     .reserved = 0,
                                     .size_rank = &size_rank,
                                     .all_reduce = &all_reduce,
                                     .all_gather = &all_gather};
  return kTable;
}

}  // namespace switchyard::plugin_host
