#include <memory>
#include <string>

#include <switchyard/engine.h>

#include "api/handles.h"
#include "core/version.h"
#include "plugin_host/border.h"

using switchyard::core::require;
using switchyard::plugin_host::guard;

namespace {

switchyard::core::LogSink sink_of(const sy_engine_options& options) {
  if (options.log == nullptr) {
    return {};
  }
  return [log = options.log, user = options.user](switchyard::core::LogLevel level,
                                                  std::string_view who, std::string_view text) {
    log(user, static_cast<int32_t>(level), std::string(who).c_str(), std::string(text).c_str());
  };
}

}  // namespace

const char* sy_engine_version(void) {
  return switchyard::core::kVersion;
}

sy_status sy_engine_create(const sy_engine_options* options, sy_engine** out, sy_error* error) {
  return guard(error, [&] {
    require(out != nullptr, "sy_engine_create: out must not be null");
    *out = nullptr;
    require(SY_HAS(options, sy_engine_options, user),
            "sy_engine_create: options must be given, with struct_size set");
    auto engine = std::make_unique<sy_engine>();
    for (uint32_t i = 0; i < options->n_plugin_directories; ++i) {
      engine->plugin_options.directories.emplace_back(options->plugin_directories[i]);
    }
    engine->plugin_options.use_default_directories = false;
    engine->plugin_options.log = sink_of(*options);
    *out = engine.release();
  });
}

void sy_engine_destroy(sy_engine* engine) {
  delete engine;
}
