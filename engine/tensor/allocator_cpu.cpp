#include <cstdlib>
#include <sys/mman.h>

#include "core/error.h"
#include "tensor/device.h"

namespace switchyard::tensor {

namespace {

constexpr int64_t kAlignment = 64;
constexpr int64_t kHugePage = int64_t{2} << 20;

}  // namespace

std::shared_ptr<void> CpuAllocator::allocate(int64_t bytes) {
  const bool is_large = bytes >= 2 * kHugePage;
  const int64_t alignment = is_large ? kHugePage : kAlignment;
  const int64_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(static_cast<size_t>(alignment),
                                    static_cast<size_t>(rounded == 0 ? alignment : rounded));
  if (memory == nullptr) {
    core::fail(core::ErrorCode::kOutOfMemory, "cannot allocate ", bytes, " bytes of host memory");
  }
  if (is_large) {
    // A hint only: large pages save the translation misses of GEMM packing.
    (void)madvise(memory, static_cast<size_t>(rounded), MADV_HUGEPAGE);
  }
  return {memory, [](void* p) { std::free(p); }};
}

}  // namespace switchyard::tensor
