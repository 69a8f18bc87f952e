#pragma once

#include <cstdint>

namespace switchyard::tensor {

/// Bytes that a CpuAllocator takes for a buffer of `bytes`: large buffers are rounded up to whole
/// large pages.
[[nodiscard]] int64_t host_bytes_taken(int64_t bytes);

}  // namespace switchyard::tensor
