#include "plugin_fixture.h"

#include <fstream>
#include <stdlib.h>

namespace switchyard::plugin_host {

std::filesystem::path test_folder(const std::string& name) {
  return std::filesystem::path(SWITCHYARD_TEST_PLUGINS) / name;
}

PluginOptions search_in(const std::vector<std::string>& folders) {
  PluginOptions options;
  for (const std::string& folder : folders) {
    options.directories.push_back(test_folder(folder));
  }
  options.use_default_directories = false;
  return options;
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = test_folder("temporary_XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw std::runtime_error("cannot make " + pattern);
  }
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

std::filesystem::path TemporaryDirectory::write(const std::string& name,
                                                const std::string& bytes) const {
  std::ofstream(path_ / name, std::ios::binary) << bytes;
  std::filesystem::permissions(path_ / name, std::filesystem::perms(0644));
  return path_ / name;
}

std::filesystem::path TemporaryDirectory::copy_probe(const std::string& name) const {
  std::filesystem::copy_file(test_folder("good") / "gate_probe.syplugin.so", path_ / name);
  std::filesystem::permissions(path_ / name, std::filesystem::perms(0644));
  return path_ / name;
}

PassOnCpu::PassOnCpu() {
  pass.microbatch = 1;
  pass.token_base = 10;
}

}  // namespace switchyard::plugin_host
