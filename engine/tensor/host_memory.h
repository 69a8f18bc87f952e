#pragma once

#include <cstdint>

namespace switchyard::tensor {

/// What a buffer of that many bytes really takes of a CpuAllocator: large ones are whole large
/// pages.
[[nodiscard]] int64_t host_bytes_taken(int64_t bytes);

}  // namespace switchyard::tensor
