#include "trainer/make_optimizer.h"

#include <utility>

#include "core/error.h"
#include "optim/grouped_optimizer.h"

namespace switchyard::trainer {

namespace {

constexpr std::string_view kName = "optimizer";

}  // namespace

bool is_of_optimizer(std::string_view name) {
  return name.starts_with(kName);
}

std::unique_ptr<optim::Optimizer> make_optimizer(const TrainerConfig& config,
                                                 plugin_host::PluginRegistry& plugins) {
  auto rest = plugins.make_optimizer(config.optimizer, std::string(kName));
  if (config.optimizer_groups.empty()) {
    return rest;
  }
  std::vector<optim::OptimizerGroup> groups;
  for (size_t i = 0; i < config.optimizer_groups.size(); ++i) {
    const OptimizerGroupConfig& group = config.optimizer_groups[i];
    const std::string name = fmt::format("{}.groups[{}]", kName, i);
    groups.push_back({.selection = group.selection,
                      .optimizer = plugins.make_optimizer(group.component, name),
                      .learning_rate_scale = group.learning_rate_scale,
                      .where = group.component.where.empty() ? name : group.component.where});
  }
  return std::make_unique<optim::GroupedOptimizer>(std::move(groups), std::move(rest));
}

}  // namespace switchyard::trainer
