#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tensor/memory.h"

namespace switchyard::ops {
struct KernelTable;  // defined in ops; only passed through here
}

namespace switchyard::tensor {

/// One CUDA device of the machine.
struct CudaDevice {
  int32_t index = 0;
  std::string name;  // "NVIDIA H200"
  int32_t compute_major = 0;
  int32_t compute_minor = 0;
  int64_t memory_bytes = 0;
};

/// The table that libswitchyard_cuda.so returns from its one exported symbol, kCudaModuleSymbol.
/// Engine and module come from one build, so the table may use C++ types. build_id comes first and
/// is compared before anything else is read.
struct CudaModuleTable {
  const char* build_id = nullptr;
  /// Lists the devices. If there is none, `reason` says why; that does not throw.
  std::vector<CudaDevice> (*probe)(std::string& reason) = nullptr;
  /// The memory of one device.
  std::unique_ptr<Allocator> (*make_allocator)(int32_t device) = nullptr;
  /// Opens a stream on a device; close_stream() closes it.
  void* (*open_stream)(int32_t device) = nullptr;
  void (*close_stream)(void* handle) = nullptr;
  /// Copies between host and device or within a device, in stream order.
  void (*copy)(const Stream& stream, void* to, const void* from, int64_t bytes) = nullptr;
  /// Waits for the stream. Throws Error(kDevice) if work on it failed.
  void (*synchronize)(const Stream& stream) = nullptr;
  const ops::KernelTable* kernels = nullptr;
};

inline constexpr const char* kCudaModuleFile = "libswitchyard_cuda.so";
inline constexpr const char* kCudaModuleSymbol = "switchyard_cuda_module_v1";

/// Identifies the version, the compiler and the headers that engine and module share. A module with
/// another identifier is refused.
[[nodiscard]] const char* build_id();

/// CUDA support, loaded at run time where it is installed. Threads: [inst].
class CudaModule {
 public:
  /// Looks for the module in `directories`, or in default_directories() if that is empty. A missing
  /// or unsuitable module and a machine without a device are not errors: available() is then false
  /// and reason() says why. The module stays loaded as long as any copy of this object; memory and
  /// streams made by it must be released before.
  explicit CudaModule(std::span<const std::filesystem::path> directories = {});

  [[nodiscard]] bool available() const { return !devices_.empty(); }
  /// The file that was loaded; empty if there was none.
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }
  [[nodiscard]] const std::vector<CudaDevice>& devices() const { return devices_; }
  /// Why there is no device; empty if there is one.
  [[nodiscard]] const std::string& reason() const { return reason_; }
  /// The functions of the module. Throws Error(kUnsupported) with reason() unless available().
  [[nodiscard]] const CudaModuleTable& table() const;

  /// The program's own directory, ../lib and ../lib/switchyard.
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
