#include "tensor/cuda_module.h"

#include <cstdlib>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace switchyard::tensor {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A directory that disappears with the test.
class CudaModuleTest : public testing::Test {
 protected:
  CudaModuleTest() {
    std::string name = (fs::temp_directory_path() / "cuda_module_test.XXXXXX").string();
    directory_ = mkdtemp(name.data());
  }
  ~CudaModuleTest() override { fs::remove_all(directory_); }

  fs::path directory_;
};

TEST_F(CudaModuleTest, SaysThatTheModuleIsNotInstalled) {
  const CudaModule module({&directory_, 1});
  EXPECT_FALSE(module.available());
  EXPECT_THAT(module.reason(), HasSubstr("not installed"));
  EXPECT_TRUE(module.file().empty());
}

TEST_F(CudaModuleTest, SaysWhyAFileDoesNotLoad) {
  std::ofstream(directory_ / kCudaModuleFile) << "not a library";
  const CudaModule module({&directory_, 1});
  EXPECT_FALSE(module.available());
  EXPECT_THAT(module.reason(), HasSubstr("does not load"));
}

TEST_F(CudaModuleTest, RefusesAModuleOfAnotherBuild) {
  fs::copy_file(SWITCHYARD_FOREIGN_MODULE, directory_ / kCudaModuleFile);
  const CudaModule module({&directory_, 1});
  EXPECT_FALSE(module.available());
  EXPECT_THAT(module.reason(), HasSubstr("is of another build (0.0.0 stranger"));
}

TEST_F(CudaModuleTest, UsingItWithoutADeviceNamesTheReason) {
  const CudaModule module({&directory_, 1});
  try {
    (void)module.table();
    FAIL() << "table() did not throw";
  } catch (const core::Error& error) {
    EXPECT_EQ(error.code(), core::ErrorCode::kUnsupported);
    EXPECT_THAT(error.what(), HasSubstr(module.reason()));
  }
}

TEST(CudaModuleProbe, GivesADeviceOrAReason) {
  const CudaModule module;
  EXPECT_EQ(module.available(), module.reason().empty()) << module.reason();
  for (const CudaDevice& device : module.devices()) {
    EXPECT_FALSE(device.name.empty());
    EXPECT_GT(device.memory_bytes, 0);
  }
}

}  // namespace
}  // namespace switchyard::tensor
