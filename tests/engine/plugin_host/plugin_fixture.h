#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/thread_pool.h"
#include "layers/workspace.h"
#include "plugin_host/plugin_registry.h"

namespace switchyard::plugin_host {

/// The folder of test plugins of that name: "good" or a fault.
[[nodiscard]] std::filesystem::path test_folder(const std::string& name);

/// Options that search these folders of test plugins and no others.
[[nodiscard]] PluginOptions search_in(const std::vector<std::string>& folders);

/// A new directory beside the test plugins, so that its parents are trusted as far as theirs are.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// A file of these bytes.
  std::filesystem::path write(const std::string& name, const std::string& bytes) const;
  /// A copy of gate_probe.syplugin.so.
  std::filesystem::path copy_probe(const std::string& name) const;

 private:
  std::filesystem::path path_;
};

/// The code and text of the Error that a call throws; a test failure if it throws none.
template <typename Call>
std::pair<core::ErrorCode, std::string> error_of(Call&& call) {
  try {
    call();
  } catch (const core::Error& caught) {
    return {caught.code(), caught.what()};
  }
  ADD_FAILURE() << "nothing was thrown";
  return {core::ErrorCode::kInternal, ""};
}

/// A pass on the CPU with memory of its own.
struct PassOnCpu {
  core::ThreadPool threads{2};
  tensor::CpuDevice device{threads};
  layers::Workspace workspace{ops::backend_on(device)};
  layers::Pass& pass = workspace.begin(layers::Mode::kTrain, 7, 3);

  PassOnCpu();
};

}  // namespace switchyard::plugin_host
