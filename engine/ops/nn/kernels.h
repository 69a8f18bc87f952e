#pragma once

#include <cstdint>

#include "core/rng.h"
#include "ops/linalg/kernels.h"
#include "tensor/memory.h"

namespace switchyard::ops::nn {

/// B streams of S steps, I inputs, U units, P outputs (U without a projection).
struct LstmDims {
  int64_t B = 0;
  int64_t S = 0;
  int64_t I = 0;
  int64_t U = 0;
  int64_t P = 0;
  float forget_bias = 1.0F;
  tensor::DType compute = tensor::DType::kF32;  // the type that factors of products are rounded to
};

/// The buffers of an LSTM layer; see lstm.h for shapes and meaning.
struct LstmBuffers {
  const float* x = nullptr;  // used in forward only
  const float* kernel = nullptr;
  const float* bias = nullptr;
  const float* projection = nullptr;  // null: none
  const uint8_t* resets = nullptr;    // may be null
  float* scratch = nullptr;           // of lstm_scratch_floats()
  float* xm = nullptr;
  float* gates = nullptr;
  float* cell = nullptr;
  float* hidden = nullptr;  // with a projection only
  float* y = nullptr;
  float* state_m = nullptr;
  float* state_c = nullptr;
};

/// Additional buffers for the backward pass of an LSTM layer.
struct LstmGradBuffers {
  const float* grad_y = nullptr;
  float* grad_x = nullptr;        // added to
  float* grad_bias = nullptr;     // added to
  float* grad_state_m = nullptr;  // [B, P], zero at first
  float* grad_state_c = nullptr;  // [B, U], zero at first
  // With a projection only:
  float* grad_m = nullptr;       // [S, B, P], written: the whole gradient of every output
  float* grad_hidden = nullptr;  // [B, U], scratch
  const float* zeros = nullptr;  // [U]
};

/// One step of B streams of U cells.
struct LstmCellDims {
  int64_t B = 0;
  int64_t U = 0;
  float forget_bias = 1.0F;
};

/// The buffers of that step; see lstm_cell.h for shapes and meaning.
struct LstmCellBuffers {
  linalg::MatrixOut gates;
  const float* bias = nullptr;
  const float* keep = nullptr;
  int64_t keep_stride = 0;
  linalg::MatrixOut c_before;  // only read
  linalg::MatrixOut c;
  linalg::MatrixOut h;
};

/// Additional buffers for the backward pass of that step.
struct LstmCellGradBuffers {
  linalg::MatrixOut grad_h;  // only read
  linalg::MatrixOut grad_c;
  const float* zeros = nullptr;  // [U]
};

/// The function that a block's output goes through before dropout.
enum class OutputActivation { kIdentity, kSigmoid };

/// count values, the first of which is global element `first_element`.
struct DropoutDims {
  int64_t count = 0;
  int64_t first_element = 0;
  float drop_probability = 0.0F;
  OutputActivation activation = OutputActivation::kIdentity;
  core::RngKey key;
  core::RngPosition position;
};

/// T tokens, D features, V words.
struct EmbeddingDims {
  int64_t T = 0;
  int64_t D = 0;
  int64_t V = 0;
};

/// The kernels of this family. They run in the order of the stream.
struct Kernels {
  void (*embedding)(const tensor::Stream&, const EmbeddingDims&, const float* table,
                    const int32_t* tokens, float* out) = nullptr;
  void (*embedding_grad)(const tensor::Stream&, const EmbeddingDims&, const float* grad_out,
                         const int32_t* tokens, float* grad_table) = nullptr;
  /// Floats of LstmBuffers::scratch, the same for both directions.
  int64_t (*lstm_scratch_floats)(const tensor::Stream&, const LstmDims&) = nullptr;
  /// The whole layer; see lstm().
  void (*lstm)(const tensor::Stream&, const LstmDims&, const LstmBuffers&) = nullptr;
  /// Replaces gates with the gradient of the pre-activations, and adds the gradients of x and bias.
  void (*lstm_grad)(const tensor::Stream&, const LstmDims&, const LstmBuffers&,
                    const LstmGradBuffers&) = nullptr;
  void (*lstm_cell)(const tensor::Stream&, const LstmCellDims&, const LstmCellBuffers&) = nullptr;
  void (*lstm_cell_grad)(const tensor::Stream&, const LstmCellDims&, const LstmCellBuffers&,
                         const LstmCellGradBuffers&) = nullptr;
  /// out = residual + dropout(activation(v)); residual may be null; v is overwritten by
  /// activation(v).
  void (*residual_dropout)(const tensor::Stream&, const DropoutDims&, const float* residual,
                           float* v, float* out, uint8_t* kept) = nullptr;
  /// grad_v from grad_out and activated = activation(v).
  void (*residual_dropout_grad)(const tensor::Stream&, const DropoutDims&, const float* grad_out,
                                const float* activated, const uint8_t* kept,
                                float* grad_v) = nullptr;
  /// sums [columns] += the sum over rows of x [rows, columns].
  void (*add_column_sums)(const tensor::Stream&, linalg::MatrixView x, int64_t rows,
                          int64_t columns, float* sums) = nullptr;
  /// out [rows] from elements of `bytes` bytes that are `stride` elements apart.
  void (*copy_column)(const tensor::Stream&, int64_t rows, int64_t bytes, const void* column,
                      int64_t stride, void* out) = nullptr;
};

/// The kernels of the CPU; none is missing.
[[nodiscard]] Kernels cpu_kernels();
/// Defined in the CUDA module only. Entries without a CUDA kernel are null.
[[nodiscard]] Kernels cuda_kernels();

}  // namespace switchyard::ops::nn
