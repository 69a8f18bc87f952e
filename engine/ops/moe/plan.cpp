#include "ops/moe/plan.h"

#include "ops/kernels.h"

namespace switchyard::ops::moe {

RoutingPlan plan(const Backend& backend, const tensor::Tensor& expert_index, int64_t num_experts,
                 tensor::Arena& arena) {
  core::require(expert_index.dim() == 2 && expert_index.dtype() == tensor::DType::kI32 &&
                    expert_index.is_contiguous(),
                "plan: expert_index must be contiguous i32 [tokens, top_k], got {}",
                expert_index.shape());
  const auto kernel = backend.kernels->moe.plan;
  require_kernel(kernel != nullptr, "plan", backend);
  const RoutingDims n = {.T = expert_index.size(0), .K = expert_index.size(1), .E = num_experts};
  RoutingPlan out = {.offsets = arena.take(tensor::DType::kI32, {n.E + 1}),
                     .row_pair = arena.take(tensor::DType::kI32, {n.T * n.K}),
                     .pair_row = arena.take(tensor::DType::kI32, {n.T, n.K})};
  kernel(backend.stream, n, expert_index.data<int32_t>(), out.offsets.data<int32_t>(),
         out.row_pair.data<int32_t>(), out.pair_row.data<int32_t>());
  out.host_offsets = backend.device->read_back<int32_t>(out.offsets);
  return out;
}

}  // namespace switchyard::ops::moe
