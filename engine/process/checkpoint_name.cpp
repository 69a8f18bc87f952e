#include "process/checkpoint_name.h"

#include <charconv>

#include <fmt/core.h>

namespace switchyard::process {
namespace {

constexpr std::string_view kPrefix = "step-";

}  // namespace

std::string checkpoint_name(int64_t step) {
  return fmt::format("{}{}", kPrefix, step);
}

std::optional<int64_t> step_of_checkpoint(std::string_view name) {
  if (!name.starts_with(kPrefix)) {
    return std::nullopt;
  }
  const std::string_view digits = name.substr(kPrefix.size());
  int64_t step = -1;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), step);
  const bool is_step = parsed.ec == std::errc() && step >= 0 && name == checkpoint_name(step);
  return is_step ? std::optional(step) : std::nullopt;
}

}  // namespace switchyard::process
