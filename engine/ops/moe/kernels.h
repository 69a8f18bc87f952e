#pragma once

#include <cstdint>

#include "tensor/memory.h"

namespace switchyard::ops::moe {

/// T tokens, K experts per token, E experts, D features. There are T * K pairs of a token and one
/// of its experts; pair t * K + k is choice k of token t. N of them, at most all, are dispatched.
struct RoutingDims {
  int64_t T = 0;
  int64_t K = 0;
  int64_t E = 0;
  int64_t D = 0;
};

/// Two levels: T tokens, K1 of A groups each, K2 of the B experts of a group.
struct TwoLevelDims {
  int64_t T = 0;
  int64_t K1 = 0;
  int64_t K2 = 0;
  int64_t A = 0;
  int64_t B = 0;
};

/// A TwoLevelRouting (two_level.h) as kernels see it.
struct TwoLevelView {
  const int32_t* offsets = nullptr;
  const int32_t* row_pair = nullptr;
  const float* group_weight = nullptr;
  const float* group_load = nullptr;
  const int32_t* local_index = nullptr;
  const float* local_weight = nullptr;
  const float* local_load = nullptr;
};

/// Gradients of the flat routing that a TwoLevelRouting composes to; any may be null.
struct FlatGradView {
  const float* gate_weight = nullptr;  // [T, K1 * K2]
  const float* importance = nullptr;   // [A * B]
  const float* load = nullptr;         // [A * B]
};

/// The kernels of this family. They run in the order of the stream.
struct Kernels {
  /// offsets [E + 1], row_pair [T * K], pair_row [T * K]; see plan.h.
  void (*plan)(const tensor::Stream&, const RoutingDims&, const int32_t* expert_index,
               int32_t* offsets, int32_t* row_pair, int32_t* pair_row) = nullptr;
  /// rows [N, D] from x [T, D].
  void (*dispatch)(const tensor::Stream&, const RoutingDims&, const float* x,
                   const int32_t* row_pair, const int32_t* num_rows, float* rows) = nullptr;
  /// grad_x [T, D] += sum over a token's pairs of grad_rows.
  void (*dispatch_grad)(const tensor::Stream&, const RoutingDims&, const float* grad_rows,
                        const int32_t* pair_row, float* grad_x) = nullptr;
  /// y [T, D] from rows [N, D].
  void (*combine)(const tensor::Stream&, const RoutingDims&, const float* rows,
                  const float* gate_weight, const int32_t* pair_row, float* y) = nullptr;
  /// grad_rows [N, D] and grad_gate_weight [T, K] from grad_y [T, D].
  void (*combine_grad)(const tensor::Stream&, const RoutingDims&, const float* grad_y,
                       const float* rows, const float* gate_weight, const int32_t* pair_row,
                       float* grad_rows, float* grad_gate_weight) = nullptr;
  /// rows [N] from the labels of tokens [T], `bytes` bytes each.
  void (*dispatch_labels)(const tensor::Stream&, const RoutingDims&, const void* tokens,
                          int64_t bytes, const int32_t* row_pair, const int32_t* num_rows,
                          void* rows) = nullptr;
  /// counted[i] = offsets[i] - offsets[0], `count` of them.
  void (*group_offsets)(const tensor::Stream&, int64_t count, const int32_t* offsets,
                        int32_t* counted) = nullptr;
  /// sum[i] += counts[i], `count` of them.
  void (*add_counts)(const tensor::Stream&, int64_t count, const int32_t* counts,
                     int32_t* sum) = nullptr;
  /// expert_index and gate_weight [T, K1 * K2], filled with -1 and 0; importance, load [A * B].
  void (*compose)(const tensor::Stream&, const TwoLevelDims&, const TwoLevelView&,
                  int32_t* expert_index, float* gate_weight, float* importance,
                  float* load) = nullptr;
  /// grad_group_weight [T, K1] is filled with 0.
  void (*compose_grad)(const tensor::Stream&, const TwoLevelDims&, const TwoLevelView&,
                       const FlatGradView& grad, float* grad_group_weight, float* grad_group_load,
                       float* grad_local_weight, float* grad_local_load) = nullptr;
};

/// The kernels of the CPU; none is missing.
[[nodiscard]] Kernels cpu_kernels();
/// Defined in the CUDA module only. Entries without a CUDA kernel are null.
[[nodiscard]] Kernels cuda_kernels();

}  // namespace switchyard::ops::moe
