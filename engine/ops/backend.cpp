#include "ops/backend.h"

#include "core/error.h"
#include "ops/kernels.h"

namespace switchyard::ops {

namespace {

const KernelTable& cpu_kernels() {
  static const KernelTable table = {
      .linalg = linalg::cpu_kernels(),
      .nn = nn::cpu_kernels(),
      .moe = moe::cpu_kernels(),
      .loss = loss::cpu_kernels(),
      .generic = generic::cpu_kernels(),
  };
  return table;
}

}  // namespace

Backend backend_on(tensor::Device& device, tensor::DType compute) {
  if (!device.is_host()) {
    core::fail(core::ErrorCode::kUnsupported, "{}: this build has no kernels for it",
               device.name());
  }
  return {
      .device = &device, .stream = device.stream(), .kernels = &cpu_kernels(), .compute = compute};
}

void require_kernel(bool present, const char* op, const Backend& backend) {
  if (!present) {
    core::fail(core::ErrorCode::kUnsupported, "{}: this build has no kernel for it on {}", op,
               tensor::name_of(backend.stream.device));
  }
}

}  // namespace switchyard::ops
