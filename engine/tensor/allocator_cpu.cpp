#include <algorithm>
#include <cstdlib>
#include <sys/mman.h>

#include "core/error.h"
#include "tensor/host_memory.h"
#include "tensor/memory.h"

namespace switchyard::tensor {

namespace {

constexpr int64_t kAlignment = 64;
constexpr int64_t kHugePage = int64_t{2} << 20;

bool is_large(int64_t bytes) {
  return bytes >= 2 * kHugePage;
}

int64_t alignment_of(int64_t bytes) {
  return is_large(bytes) ? kHugePage : kAlignment;
}

}  // namespace

int64_t host_bytes_taken(int64_t bytes) {
  const int64_t alignment = alignment_of(bytes);
  return std::max(alignment, (bytes + alignment - 1) / alignment * alignment);
}

std::shared_ptr<void> CpuAllocator::allocate(int64_t bytes) {
  const int64_t rounded = host_bytes_taken(bytes);
  void* memory =
      std::aligned_alloc(static_cast<size_t>(alignment_of(bytes)), static_cast<size_t>(rounded));
  if (memory == nullptr) {
    core::fail(core::ErrorCode::kOutOfMemory, "cannot allocate {} bytes of host memory", bytes);
  }
  if (is_large(bytes)) {
    // Only a hint: large pages spare GEMM packing address translation misses.
    (void)madvise(memory, static_cast<size_t>(rounded), MADV_HUGEPAGE);
  }
  return {memory, [](void* p) { std::free(p); }};
}

}  // namespace switchyard::tensor
