#pragma once

#include "tensor/device.h"

namespace switchyard::ops {

struct KernelTable;

/// A device to compute on: its stream and its kernels. Every op takes it first.
struct Backend {
  tensor::Stream stream;
  const KernelTable* kernels = nullptr;
};

/// The CPU, with that pool of threads.
[[nodiscard]] Backend cpu_backend(core::ThreadPool& threads);

/// Throws Error(kUnsupported) naming the op if a backend has no kernel for it.
void require_kernel(bool present, const char* op, const Backend& backend);

}  // namespace switchyard::ops
