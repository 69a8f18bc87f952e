#pragma once

#include <functional>
#include <vector>

#include "core/config.h"

namespace switchyard::config {

struct RunConfig;

/// Whether a resumed run may give a key another value: kFree where the same parameters go on being
/// trained on the same text.
enum class Resume { kFree, kFixed };

/// One key of a run's configuration, bound to the member of a RunConfig that takes its value.
struct RunKey {
  core::Field field;  // its default is the member's value
  Resume resume = Resume::kFixed;
  std::function<void(const core::ConfigValue&)> set;  // a value that fits the field
};

/// One table, or list of tables, of a component.
struct RunTable {
  core::ConfigComponent component;
  std::function<void(const std::vector<core::ConfigTable>&)> set;
};

/// Everything that a run's configuration may hold, in the order in which it is written.
struct RunKeys {
  std::vector<RunKey> keys;
  std::vector<RunTable> tables;
};

/// All keys, bound to the members of `config`, which must outlive them. To add a setting, add a
/// member and its line in run_keys.cpp.
[[nodiscard]] RunKeys run_keys(RunConfig& config);

}  // namespace switchyard::config
