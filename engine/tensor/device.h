#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>

#include "tensor/tensor.h"

namespace switchyard::tensor {

/// Elements of a tensor for the host to read. On the CPU they are the tensor's own elements and
/// live as long as those do; on other devices they are a copy that lives as long as any copy of the
/// view.
template <typename T>
class HostView : public std::span<const T> {
 public:
  using std::span<const T>::span;
  HostView(std::span<const T> values, std::shared_ptr<const void> owner)
      : std::span<const T>(values), owner_(std::move(owner)) {}

 private:
  std::shared_ptr<const void> owner_;  // null if the view does not own the values
};

/// A place to compute: its memory, the stream that orders its work, and the transfers between its
/// memory and the host's. On the CPU, waiting and reading back cost nothing. Threads: [inst].
class Device {
 public:
  virtual ~Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  /// "cpu", "cuda:0 (NVIDIA H200)".
  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual Allocator& memory() = 0;
  [[nodiscard]] const Stream& stream() const { return stream_; }
  /// Whether the host reads and writes this device's memory as its own.
  [[nodiscard]] bool is_host() const { return stream_.device == DeviceType::kCpu; }

  /// Writes `values` to the contiguous tensor `to`, which has as many elements, in stream order.
  /// `values` may change once the call has returned.
  template <typename T>
  void upload(std::span<const T> values, const Tensor& to);
  /// Waits for all work queued on the stream, then returns the elements of a contiguous tensor.
  /// Throws Error(kDevice) if work on the stream failed.
  template <typename T>
  [[nodiscard]] HostView<T> read_back(const Tensor& from);
  /// Sets all bytes of a contiguous tensor to zero, in stream order.
  void clear(const Tensor& tensor);
  /// Waits for the stream. Throws Error(kDevice) if work on it failed.
  virtual void wait() = 0;

 protected:
  explicit Device(const Stream& stream) : stream_(stream) {}

 private:
  virtual void copy_in(void* to, const void* from, int64_t bytes) = 0;
  /// Null where the host can read `from` itself.
  [[nodiscard]] virtual std::shared_ptr<const void> copy_out(const void* from, int64_t bytes) = 0;
  virtual void clear_bytes(void* memory, int64_t bytes) = 0;

  Stream stream_;
};

/// The CPU, with the threads of a pool, which must outlive it.
class CpuDevice final : public Device {
 public:
  explicit CpuDevice(core::ThreadPool& threads)
      : Device({.device = DeviceType::kCpu, .threads = &threads}) {}

  [[nodiscard]] std::string name() const override { return "cpu"; }
  [[nodiscard]] Allocator& memory() override { return memory_; }
  void wait() override {}

 private:
  void copy_in(void* to, const void* from, int64_t bytes) override;
  [[nodiscard]] std::shared_ptr<const void> copy_out(const void* from, int64_t bytes) override;
  void clear_bytes(void* memory, int64_t bytes) override;

  CpuAllocator memory_;
};

template <typename T>
void Device::upload(std::span<const T> values, const Tensor& to) {
  core::require(to.is_contiguous() && to.count() == static_cast<int64_t>(values.size()),
                "Device::upload: {} values do not fill a tensor of {}", values.size(), to.shape());
  copy_in(to.data<T>(), values.data(), to.bytes());
}

template <typename T>
HostView<T> Device::read_back(const Tensor& from) {
  core::require(from.is_contiguous(), "Device::read_back: the tensor {} must be contiguous",
                from.shape());
  const T* values = from.data<T>();
  std::shared_ptr<const void> copy = copy_out(values, from.bytes());
  if (copy != nullptr) {
    values = static_cast<const T*>(copy.get());
  }
  return {std::span<const T>(values, static_cast<size_t>(from.count())), std::move(copy)};
}

}  // namespace switchyard::tensor
