#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tensor/memory.h"

namespace switchyard::ops {
struct KernelTable;  // of the next floor: handed through, never looked into
}

namespace switchyard::tensor {

struct CudaDevice {
  int32_t index = 0;
  std::string name;  // "NVIDIA H200"
  int32_t compute_major = 0;
  int32_t compute_minor = 0;
  int64_t memory_bytes = 0;
};

/// What libswitchyard_cuda.so exports, as the result of its one symbol kCudaModuleSymbol. It
/// belongs to one build with the engine, so it may use C++ types; build_id is first and is compared
/// first.
struct CudaModuleTable {
  const char* build_id = nullptr;
  /// The devices there are, or none and `reason` says why. Does not throw for a missing device.
  std::vector<CudaDevice> (*probe)(std::string& reason) = nullptr;
  std::unique_ptr<Allocator> (*make_allocator)(int32_t device) = nullptr;
  void* (*open_stream)(int32_t device) = nullptr;
  void (*close_stream)(void* handle) = nullptr;
  /// Copies between host and device or within a device, in the order of the stream.
  void (*copy)(const Stream& stream, void* to, const void* from, int64_t bytes) = nullptr;
  /// Waits for the stream and throws Error(kDevice) for what went wrong on it.
  void (*synchronize)(const Stream& stream) = nullptr;
  const ops::KernelTable* kernels = nullptr;
};

inline constexpr const char* kCudaModuleFile = "libswitchyard_cuda.so";
inline constexpr const char* kCudaModuleSymbol = "switchyard_cuda_module_v1";

/// Names version, compiler and the layout of what engine and module share; equal in both, or the
/// module is refused.
[[nodiscard]] const char* build_id();

/// CUDA, where it is installed: one engine runs with and without it. Threads: [inst].
class CudaModule {
 public:
  /// Looks for the module in `directories`, in default_directories() if that is empty. A module
  /// that is missing or does not fit, and a machine without a device, are no errors: available() is
  /// false and reason() says why. The module stays loaded until the last copy of this object, and
  /// all memory and streams made by it must be gone by then.
  explicit CudaModule(std::span<const std::filesystem::path> directories = {});

  [[nodiscard]] bool available() const { return !devices_.empty(); }
  /// The file that was loaded; empty if there was none.
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }
  [[nodiscard]] const std::vector<CudaDevice>& devices() const { return devices_; }
  /// Why there is no device; empty if there is one.
  [[nodiscard]] const std::string& reason() const { return reason_; }
  /// The functions of the module. Throws Error(kUnsupported) with reason() unless available().
  [[nodiscard]] const CudaModuleTable& table() const;

  /// Beside the program: its own directory, ../lib and ../lib/switchyard.
  [[nodiscard]] static std::vector<std::filesystem::path> default_directories();

 private:
  void open(const std::filesystem::path& file);

  std::shared_ptr<void> library_;  // a boost::dll::shared_library
  const CudaModuleTable* table_ = nullptr;
  std::filesystem::path file_;
  std::vector<CudaDevice> devices_;
  std::string reason_;
};

}  // namespace switchyard::tensor
