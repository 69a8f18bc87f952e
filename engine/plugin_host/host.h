#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <switchyard/host.h>

#include "core/log.h"
#include "tensor/memory.h"

namespace switchyard::plugin_host {

/// The newest value of every metric that plugins reported, by "<instance>/<name>". Threads: [any].
class MetricList {
 public:
  void report(const std::string& name, float value);
  /// The values reported since the last call, in the order of first report.
  [[nodiscard]] std::vector<std::pair<std::string, float>> drain();

 private:
  std::mutex mutex_;
  std::vector<std::pair<std::string, float>> values_;
};

class ComponentInstance;

/// The host root that plugins see. It lives as long as anything made with it.
struct Host : sy_host {
  Host(core::LogSink sink, tensor::DeviceType runs_on);
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  core::LogSink sink;
  tensor::DeviceType device;
  mutable MetricList metrics;
  mutable std::vector<ComponentInstance*> instances;  // those that live; [load]
};

/// The service table of that id ("sy.ops/1"), or null. The tables live for ever. Threads: [any].
[[nodiscard]] const void* find_service(const char* id);

}  // namespace switchyard::plugin_host
