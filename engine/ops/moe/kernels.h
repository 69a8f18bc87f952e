#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace switchyard::ops::moe {

/// T tokens, K experts per token, E experts, D features. There are T * K pairs of a token and one
/// of its experts; pair t * K + k is choice k of token t. N of them, at most all, are dispatched.
struct RoutingDims {
  int64_t T = 0;
  int64_t K = 0;
  int64_t E = 0;
  int64_t D = 0;
};

struct Kernels {
  /// offsets [E + 1], row_pair [T * K], pair_row [T * K]; see plan.h.
  void (*plan)(const tensor::Stream&, const RoutingDims&, const int32_t* expert_index,
               int32_t* offsets, int32_t* row_pair, int32_t* pair_row) = nullptr;
  /// rows [N, D] from x [T, D].
  void (*dispatch)(const tensor::Stream&, const RoutingDims&, float* rows, const float* x,
                   const int32_t* row_pair, const int32_t* num_rows) = nullptr;
  /// grad_x [T, D] += sum over a token's pairs of grad_rows.
  void (*dispatch_grad)(const tensor::Stream&, const RoutingDims&, float* grad_x,
                        const float* grad_rows, const int32_t* pair_row) = nullptr;
  /// y [T, D] from rows [N, D].
  void (*combine)(const tensor::Stream&, const RoutingDims&, float* y, const float* rows,
                  const float* gate_weight, const int32_t* pair_row) = nullptr;
  /// grad_rows [N, D] and grad_gate_weight [T, K] from grad_y [T, D].
  void (*combine_grad)(const tensor::Stream&, const RoutingDims&, float* grad_rows,
                       float* grad_gate_weight, const float* grad_y, const float* rows,
                       const float* gate_weight, const int32_t* pair_row) = nullptr;
};

[[nodiscard]] Kernels cpu_kernels();

}  // namespace switchyard::ops::moe
