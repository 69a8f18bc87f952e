#pragma once

#include <cstdint>

#include "tensor/memory.h"

namespace switchyard::ops::loss {

/// T tokens, V words; the gradient is multiplied by grad_scale.
struct CrossEntropyDims {
  int64_t T = 0;
  int64_t V = 0;
  float grad_scale = 1.0F;
};

/// The buffers of a sampled softmax; see sampled_softmax_cross_entropy.h for shapes and meaning.
struct SampledSoftmaxBuffers {
  const float* offsets = nullptr;
  const int32_t* hits = nullptr;
  float* logits = nullptr;
  float* target = nullptr;
  float* nll = nullptr;
};

/// T targets, K sampled classes.
struct SampleDims {
  int64_t T = 0;
  int64_t K = 0;
};

/// The kernels of this family. They run in the order of the stream.
struct Kernels {
  /// nll [T] from logits [T, V] + bias [V]. If `with_grad` is not 0, the gradient replaces the
  /// logits.
  void (*softmax_cross_entropy)(const tensor::Stream&, const CrossEntropyDims&, const float* bias,
                                const int32_t* targets, int32_t with_grad, float* logits,
                                float* nll) = nullptr;
  /// Here V is the number of sampled classes.
  void (*sampled_softmax_cross_entropy)(const tensor::Stream&, const CrossEntropyDims&,
                                        const SampledSoftmaxBuffers&) = nullptr;
  /// hits [T]: the positions of targets [T] in the ascending sample [K].
  void (*find_hits)(const tensor::Stream&, const SampleDims&, const int32_t* sample,
                    const int32_t* targets, int32_t* hits) = nullptr;
  /// offsets = bias[classes] - log_counts, `count` of them; 0 for the class -1.
  void (*subtract_log_counts)(const tensor::Stream&, int64_t count, const float* bias,
                              const int32_t* classes, const double* log_counts,
                              float* offsets) = nullptr;
  /// The sum of `count` losses, in ascending order of index.
  void (*total)(const tensor::Stream&, int64_t count, const float* nll, double* total) = nullptr;
};

/// The kernels of the CPU; none is missing.
[[nodiscard]] Kernels cpu_kernels();
/// Defined in the CUDA module only. Entries without a CUDA kernel are null.
[[nodiscard]] Kernels cuda_kernels();

}  // namespace switchyard::ops::loss
