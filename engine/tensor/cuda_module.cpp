#include "tensor/cuda_module.h"

#include <cstring>
#include <system_error>

#include <boost/dll/runtime_symbol_info.hpp>
#include <boost/dll/shared_library.hpp>

#include "core/error.h"
#include "tensor/build_id.h"

namespace switchyard::tensor {

namespace fs = std::filesystem;

const char* build_id() {
  return kBuildId;
}

CudaModule::CudaModule(std::span<const fs::path> directories) {
  const std::vector<fs::path> beside_program =
      directories.empty() ? default_directories() : std::vector<fs::path>();
  for (const fs::path& directory : directories.empty() ? beside_program : directories) {
    std::error_code ignored;
    const fs::path file = directory / kCudaModuleFile;
    if (fs::exists(file, ignored)) {
      open(fs::absolute(file));
      return;
    }
  }
  reason_ = fmt::format("CUDA module not installed: no {} beside the program", kCudaModuleFile);
}

void CudaModule::open(const fs::path& file) {
  using Entry = const CudaModuleTable*();
  std::error_code error;
  const auto library = std::make_shared<boost::dll::shared_library>(
      file, error, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
  if (error) {
    reason_ = fmt::format("CUDA module {} does not load: {}", file.string(), error.message());
    return;
  }
  if (!library->has(kCudaModuleSymbol)) {
    reason_ = fmt::format("CUDA module {} has no symbol {}", file.string(), kCudaModuleSymbol);
    return;
  }
  const CudaModuleTable* table = library->get<Entry>(kCudaModuleSymbol)();
  if (std::strcmp(table->build_id, build_id()) != 0) {
    reason_ = fmt::format(
        "CUDA module {} is of another build ({}, this engine is {}): install both from one build",
        file.string(), table->build_id, build_id());
    return;
  }
  library_ = library;
  file_ = file;
  table_ = table;
  devices_ = table->probe(reason_);
}

const CudaModuleTable& CudaModule::table() const {
  if (!available()) {
    core::fail(core::ErrorCode::kUnsupported, "device = \"cuda\": {}", reason_);
  }
  return *table_;
}

std::vector<fs::path> CudaModule::default_directories() {
  const fs::path here = boost::dll::program_location().parent_path();
  const fs::path lib = here.parent_path() / "lib";
  return {here, lib, lib / "switchyard"};
}

}  // namespace switchyard::tensor
