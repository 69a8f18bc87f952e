#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace switchyard::ops::loss {

/// T tokens, V words; the gradient is multiplied by grad_scale.
struct CrossEntropyDims {
  int64_t T = 0;
  int64_t V = 0;
  float grad_scale = 1.0F;
};

struct Kernels {
  /// nll [T] from logits [T, V] + bias [V]; logits become the gradient where `with_grad` is not 0.
  void (*softmax_cross_entropy)(const tensor::Stream&, const CrossEntropyDims&, float* nll,
                                float* logits, const float* bias, const int32_t* targets,
                                int32_t with_grad) = nullptr;
};

[[nodiscard]] Kernels cpu_kernels();

}  // namespace switchyard::ops::loss
