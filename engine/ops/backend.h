#pragma once

#include "tensor/device.h"
#include "tensor/dtype.h"

namespace switchyard::ops {

struct KernelTable;

/// A device to compute on: its stream and its kernels. Every op takes it first.
struct Backend {
  tensor::Stream stream;
  const KernelTable* kernels = nullptr;
  /// What the factors of matrix products are rounded to, kF32 or kBf16. Sums, and all arithmetic
  /// besides products, are f32.
  tensor::DType compute = tensor::DType::kF32;
};

/// The CPU, with that pool of threads.
[[nodiscard]] Backend cpu_backend(core::ThreadPool& threads);

/// Throws Error(kUnsupported) naming the op if a backend has no kernel for it.
void require_kernel(bool present, const char* op, const Backend& backend);

}  // namespace switchyard::ops
