#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "layers/moe/routed.h"
#include "trainer/run_listener.h"

namespace switchyard::trainer {

/// Turns traces of MoE layers into reports.
class ExpertReporter {
 public:
  /// One report for each trace.
  void report(int64_t step, std::span<const layers::MoeTrace> traces, tensor::Device& device,
              RunListener& listener);

 private:
  std::vector<int32_t> tokens_per_expert_;  // kept for its memory
};

/// Mean over tokens of the entropy of their gate weights, in nats.
///
///   gate_weight  [T, K] f32, expert_index [T, K] i32 (-1 = empty slot)
[[nodiscard]] double gate_entropy(tensor::Device& device, const tensor::Tensor& gate_weight,
                                  const tensor::Tensor& expert_index);

}  // namespace switchyard::trainer
