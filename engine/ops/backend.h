#pragma once

#include "tensor/device.h"
#include "tensor/dtype.h"

namespace switchyard::ops {

struct KernelTable;

/// A device to compute on, with its kernels. Every op takes it first.
struct Backend {
  tensor::Device* device = nullptr;
  tensor::Stream stream;  // of the device
  const KernelTable* kernels = nullptr;
  /// The type that factors of matrix products are rounded to, kF32 or kBf16. Sums and all other
  /// arithmetic are f32.
  tensor::DType compute = tensor::DType::kF32;
};

/// The backend of a device, which must outlive it.
[[nodiscard]] Backend backend_on(tensor::Device& device,
                                 tensor::DType compute = tensor::DType::kF32);

/// Throws Error(kUnsupported) naming the op if a backend has no kernel for it.
void require_kernel(bool present, const char* op, const Backend& backend);

}  // namespace switchyard::ops
