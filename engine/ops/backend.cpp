#include "ops/backend.h"

#include "core/error.h"
#include "ops/kernels.h"

namespace switchyard::ops {

Backend cpu_backend(core::ThreadPool& threads) {
  static const KernelTable table = {
      .linalg = linalg::cpu_kernels(),
      .nn = nn::cpu_kernels(),
      .moe = moe::cpu_kernels(),
      .loss = loss::cpu_kernels(),
      .generic = generic::cpu_kernels(),
  };
  return {.stream = {.device = tensor::DeviceType::kCpu, .threads = &threads}, .kernels = &table};
}

void require_kernel(bool present, const char* op, const Backend& backend) {
  if (!present) {
    core::fail(core::ErrorCode::kUnsupported, "{}: this build has no kernel for it on {}", op,
               tensor::name_of(backend.stream.device));
  }
}

}  // namespace switchyard::ops
