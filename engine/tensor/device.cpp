#include "tensor/device.h"

#include <cstring>

namespace switchyard::tensor {

Tensor Tensor::zeros(DType dtype, const Shape& shape, Device& device) {
  Tensor out = empty(dtype, shape, device.memory());
  device.clear(out);
  return out;
}

void Device::clear(const Tensor& tensor) {
  core::require(tensor.is_contiguous(), "Device::clear: the tensor {} must be contiguous",
                tensor.shape());
  clear_bytes(tensor.raw(), tensor.bytes());
}

void CpuDevice::copy_in(void* to, const void* from, int64_t bytes) {
  if (bytes > 0) {  // an empty tensor may have no memory, and memcpy must not see null
    std::memcpy(to, from, static_cast<size_t>(bytes));
  }
}

std::shared_ptr<const void> CpuDevice::copy_out(const void* /*from*/, int64_t /*bytes*/) {
  return nullptr;
}

void CpuDevice::clear_bytes(void* memory, int64_t bytes) {
  if (bytes > 0) {
    std::memset(memory, 0, static_cast<size_t>(bytes));
  }
}

}  // namespace switchyard::tensor
