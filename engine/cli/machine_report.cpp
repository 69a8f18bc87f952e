#include "cli/machine_report.h"

#include <algorithm>
#include <cstdlib>
#include <figures/number_text.h>
#include <fstream>
#include <sched.h>

#include <dnnl.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include "core/error.h"
#include "core/file_io.h"
#include "plugin_host/plugin_registry.h"
#include "run/program.h"
#include "tensor/cuda_module.h"

namespace switchyard::cli {
namespace {

using Verdict = MachineCheck::Verdict;

constexpr int64_t kLowDiskBytes = int64_t{1} << 30;

/// The value of "key: value" in a file such as /proc/cpuinfo; "" if there is none.
std::string field_of(const char* file, const std::string& key) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    const size_t colon = line.find(':');
    if (line.starts_with(key) && colon != std::string::npos) {
      const size_t begin = line.find_first_not_of(" \t", colon + 1);
      return begin == std::string::npos ? "" : line.substr(begin);
    }
  }
  return "";
}

MachineCheck check_processor() {
  const std::string flags = field_of("/proc/cpuinfo", "flags");
  const auto found = flags_present(flags, {"avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16"});
  const std::string text = fmt::format("{}{}{}", field_of("/proc/cpuinfo", "model name"),
                                       found.empty() ? "" : ": ", fmt::join(found, " "));
  const bool has_avx2 = std::find(found.begin(), found.end(), "avx2") != found.end();
  return {"processor", has_avx2 ? Verdict::kGood : Verdict::kNote, text,
          has_avx2 ? "" : "without AVX2 training is slow"};
}

MachineCheck check_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const bool known = sched_getaffinity(0, sizeof set, &set) == 0;
  return {"cores", Verdict::kGood,
          known ? fmt::format("{} for this process", CPU_COUNT(&set)) : "not known", ""};
}

MachineCheck check_memory() {
  const auto kibibytes = [](const char* key) {
    return std::strtoll(field_of("/proc/meminfo", key).c_str(), nullptr, 10) * 1024;
  };
  std::string text =
      fmt::format("{} available of {}", figures::bytes_text(kibibytes("MemAvailable")),
                  figures::bytes_text(kibibytes("MemTotal")));
  std::string limit;
  std::ifstream("/sys/fs/cgroup/memory.max") >> limit;
  if (!limit.empty() && limit != "max") {
    text += fmt::format(", limited to {}",
                        figures::bytes_text(std::strtoll(limit.c_str(), nullptr, 10)));
  }
  return {"memory", Verdict::kGood, text, ""};
}

MachineCheck check_onednn() {
  const dnnl_version_t* version = dnnl_version();
  return {"oneDNN", Verdict::kGood,
          fmt::format("{}.{}.{}", version->major, version->minor, version->patch), ""};
}

MachineCheck check_sqlite() {
  return {"SQLite", Verdict::kGood, sqlite3_libversion(), ""};
}

MachineCheck check_cuda() {
  const tensor::CudaModule module;
  if (!module.available()) {
    return {"CUDA", Verdict::kNote, "no device: " + module.reason(), "training runs on the CPU"};
  }
  std::vector<std::string> devices;
  for (const tensor::CudaDevice& device : module.devices()) {
    devices.push_back(fmt::format("{}: {}, compute {}.{}, {}", device.index, device.name,
                                  device.compute_major, device.compute_minor,
                                  figures::bytes_text(device.memory_bytes)));
  }
  return {"CUDA", Verdict::kGood, fmt::format("{}", fmt::join(devices, "; ")), ""};
}

void add_plugin_checks(std::vector<MachineCheck>& checks) {
  plugin_host::PluginRegistry plugins(run::plugin_options({}, {}));
  for (const auto& directory : plugins.directories()) {
    std::error_code error;
    const bool exists = std::filesystem::is_directory(directory, error);
    checks.push_back({"plugin directory", Verdict::kGood,
                      directory.string() + (exists ? "" : " (does not exist)"), ""});
  }
  int64_t usable = 0;
  for (const plugin_host::PluginFile& file : plugins.list()) {
    usable += file.refusal.empty() ? 1 : 0;
    if (!file.refusal.empty()) {
      checks.push_back({"plugin refused", Verdict::kProblem,
                        fmt::format("{}: {}", file.identity.path.string(), file.refusal), ""});
    }
  }
  checks.push_back({"plugins", usable > 0 ? Verdict::kGood : Verdict::kProblem,
                    fmt::format("{} can be used", usable),
                    usable > 0 ? "" : "a model needs a gate, an expert and an optimizer"});
}

MachineCheck check_disk() {
  core::PosixFileSystem files;
  const int64_t bytes = core::free_bytes(files, ".");
  const bool is_low = bytes < kLowDiskBytes;
  return {"disk here", is_low ? Verdict::kNote : Verdict::kGood,
          figures::bytes_text(bytes) + " free",
          is_low ? "checkpoints need room: see `switchyard describe`" : ""};
}

}  // namespace

std::vector<std::string> flags_present(const std::string& flags,
                                       const std::vector<std::string>& wanted) {
  const std::string padded = fmt::format(" {} ", flags);
  std::vector<std::string> found;
  for (const std::string& flag : wanted) {
    if (padded.find(fmt::format(" {} ", flag)) != std::string::npos) {
      found.push_back(flag);
    }
  }
  return found;
}

std::vector<MachineCheck> examine_machine() {
  std::vector<MachineCheck> checks = {{"switchyard", Verdict::kGood, run::program_version(), ""},
                                      check_processor(),
                                      check_cores(),
                                      check_memory(),
                                      check_onednn(),
                                      check_sqlite(),
                                      check_cuda()};
  add_plugin_checks(checks);
  checks.push_back(check_disk());
  return checks;
}

}  // namespace switchyard::cli
