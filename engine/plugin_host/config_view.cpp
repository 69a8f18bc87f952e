#include "plugin_host/config_view.h"

#include <algorithm>

namespace switchyard::plugin_host {

namespace {

// Transparent look-up would save the copy of the key; settings are read only while creating.
const core::ConfigValue* value_of(const sy_config* config, const char* key) {
  const auto& values = *static_cast<const ConfigView*>(config)->values;
  const auto at = key == nullptr ? values.end() : values.find(key);
  return at == values.end() ? nullptr : &at->second;
}

template <typename T>
const T* value_as(const sy_config* config, const char* key) {
  const core::ConfigValue* value = value_of(config, key);
  return value == nullptr ? nullptr : std::get_if<T>(value);
}

int64_t read_i64(const sy_config* config, const char* key) {
  if (const auto* whole = value_as<int64_t>(config, key)) {
    return *whole;
  }
  const auto* flag = value_as<bool>(config, key);
  return flag != nullptr && *flag ? 1 : 0;
}

double read_f64(const sy_config* config, const char* key) {
  const auto* number = value_as<double>(config, key);
  return number != nullptr ? *number : static_cast<double>(read_i64(config, key));
}

const char* read_str(const sy_config* config, const char* key) {
  const auto* text = value_as<std::string>(config, key);
  return text == nullptr ? "" : text->c_str();
}

int32_t read_list(const sy_config* config, const char* key, double* out, int32_t cap) {
  const auto* list = value_as<std::vector<double>>(config, key);
  if (list == nullptr) {
    return 0;
  }
  if (out != nullptr && cap > 0) {
    std::copy_n(list->begin(), std::min<size_t>(list->size(), static_cast<size_t>(cap)), out);
  }
  return static_cast<int32_t>(list->size());
}

}  // namespace

ConfigView::ConfigView(const ResolvedConfig& resolved) : sy_config{}, values(&resolved) {
  struct_size = sizeof(sy_config);
  i64 = &read_i64;
  f64 = &read_f64;
  str = &read_str;
  list = &read_list;
}

}  // namespace switchyard::plugin_host
