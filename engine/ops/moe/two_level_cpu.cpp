#include <algorithm>

#include "ops/moe/kernels.h"

namespace switchyard::ops::moe {

namespace {

// Exactly 1 if a group takes every token, so that the loads keep every bit.
float per_row(float value, int32_t rows) {
  return rows == 0 ? 0.0F : value / static_cast<float>(rows);
}

float value_or_zero(const float* values, int64_t index) {
  return values == nullptr ? 0.0F : values[index];
}

void compose(const tensor::Stream& stream, const TwoLevelDims& n, const TwoLevelView& levels,
             int32_t* expert_index, float* gate_weight, float* importance, float* load) {
  const auto compose_group = [&](int64_t i) {
    const int32_t first = levels.offsets[i];
    const int32_t last = levels.offsets[i + 1];
    const float* local_load = levels.local_load + i * n.B;
    const float scale = per_row(levels.group_load[i], last - first);
    for (int64_t j = 0; j < n.B; ++j) {
      load[i * n.B + j] = scale * local_load[j];
      importance[i * n.B + j] = 0.0F;
    }
    for (int64_t row = first; row < last; ++row) {
      const int64_t pair = levels.row_pair[row];
      for (int64_t k = 0; k < n.K2; ++k) {
        const int32_t local = levels.local_index[row * n.K2 + k];
        if (local < 0) {
          continue;
        }
        const float weight = levels.group_weight[pair] * levels.local_weight[row * n.K2 + k];
        expert_index[pair * n.K2 + k] = static_cast<int32_t>(i * n.B) + local;
        gate_weight[pair * n.K2 + k] = weight;
        importance[i * n.B + local] += weight;
      }
    }
  };
  stream.threads->parallel_for(n.A, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      compose_group(i);
    }
  });
}

void compose_grad(const tensor::Stream& stream, const TwoLevelDims& n, const TwoLevelView& levels,
                  const FlatGradView& grad, float* grad_group_weight, float* grad_group_load,
                  float* grad_local_weight, float* grad_local_load) {
  const auto through_group = [&](int64_t i) {
    const int32_t first = levels.offsets[i];
    const int32_t last = levels.offsets[i + 1];
    const float scale = per_row(levels.group_load[i], last - first);
    float of_group_load = 0.0F;
    for (int64_t expert = i * n.B; expert < (i + 1) * n.B; ++expert) {
      const float asked = value_or_zero(grad.load, expert);
      of_group_load += asked * levels.local_load[expert];
      grad_local_load[expert] = asked * scale;
    }
    grad_group_load[i] = per_row(of_group_load, last - first);
    for (int64_t row = first; row < last; ++row) {
      const int64_t pair = levels.row_pair[row];
      float of_group_weight = 0.0F;
      for (int64_t k = 0; k < n.K2; ++k) {
        const int64_t slot = row * n.K2 + k;
        const int32_t local = levels.local_index[slot];
        const float s = local < 0 ? 0.0F
                                  : value_or_zero(grad.gate_weight, pair * n.K2 + k) +
                                        value_or_zero(grad.importance, i * n.B + local);
        grad_local_weight[slot] = levels.group_weight[pair] * s;
        of_group_weight += levels.local_weight[slot] * s;
      }
      grad_group_weight[pair] = of_group_weight;
    }
  };
  stream.threads->parallel_for(n.A, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      through_group(i);
    }
  });
}

}  // namespace

void add_two_level_cpu(Kernels& kernels) {
  kernels.compose = compose;
  kernels.compose_grad = compose_grad;
}

}  // namespace switchyard::ops::moe
