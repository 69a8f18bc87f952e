#include "plugin_host/host.h"

#include <algorithm>
#include <cstring>

#include "core/version.h"
#include "plugin_host/services.h"

namespace switchyard::plugin_host {

namespace {

void log_for_plugin(const sy_host* host, int32_t level, const char* who, const char* utf8) {
  const auto* self = static_cast<const Host*>(host);
  if (!self->sink || utf8 == nullptr) {
    return;
  }
  const int32_t known = std::clamp<int32_t>(level, SY_LOG_DEBUG, SY_LOG_ERROR);
  self->sink(static_cast<core::LogLevel>(known), who == nullptr ? "plugin" : who, utf8);
}

const void* service_for_plugin(const sy_host*, const char* id) {
  return id == nullptr ? nullptr : find_service(id);
}

}  // namespace

void MetricList::report(const std::string& name, float value) {
  const std::lock_guard lock(mutex_);
  for (auto& [known, newest] : values_) {
    if (known == name) {
      newest = value;
      return;
    }
  }
  values_.emplace_back(name, value);
}

std::vector<std::pair<std::string, float>> MetricList::drain() {
  const std::lock_guard lock(mutex_);
  return std::exchange(values_, {});
}

Host::Host(core::LogSink log_sink, tensor::DeviceType runs_on)
    : sy_host{}, sink(std::move(log_sink)), device(runs_on) {
  struct_size = sizeof(sy_host);
  abi_major = SY_ABI_MAJOR;
  abi_minor = SY_ABI_MINOR;
  engine = "switchyard";
  engine_version = core::kVersion;
  device_mask = 1U << SY_CPU;
  if (runs_on == tensor::DeviceType::kCuda) {
    device_mask |= 1U << SY_CUDA;
  }
  log = &log_for_plugin;
  get_service = &service_for_plugin;
}

const void* find_service(const char* id) {
  struct Entry {
    const char* id;
    const void* table;
  };
  static const Entry entries[] = {
      {SY_SVC_OPS, &ops_service()},         {SY_SVC_MEM, &mem_service()},
      {SY_SVC_PARAMS, &params_service()},   {SY_SVC_RNG, &rng_service()},
      {SY_SVC_EW, &ew_service()},           {SY_SVC_METRICS, &metrics_service()},
      {SY_SVC_THREADS, &threads_service()}, {SY_SVC_COMM, &comm_service()},
  };
  for (const Entry& entry : entries) {
    if (std::strcmp(entry.id, id) == 0) {
      return entry.table;
    }
  }
  return nullptr;
}

}  // namespace switchyard::plugin_host
