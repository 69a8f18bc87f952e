#include "optim/grouped_optimizer.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/error.h"

namespace switchyard::optim {

namespace {

using tensor::Parameter;

constexpr size_t kMostNamed = 12;  // parameters in a message

// "roles dense, expert; parameters embedding.table, layers.0.kernel, and 3 more".
std::string what_is_there(std::span<Parameter* const> parameters) {
  std::set<std::string_view> roles;
  std::string names;
  for (size_t i = 0; i < parameters.size(); ++i) {
    roles.insert(tensor::name_of(parameters[i]->role));
    if (i < kMostNamed) {
      names += (i == 0 ? "" : ", ") + parameters[i]->name;
    }
  }
  std::string text = "roles ";
  for (const std::string_view role : roles) {
    text += (role == *roles.begin() ? "" : ", ") + std::string(role);
  }
  text += "; parameters " + names;
  if (parameters.size() > kMostNamed) {
    text += fmt::format(", and {} more", parameters.size() - kMostNamed);
  }
  return text;
}

[[noreturn]] void fail_empty(const OptimizerGroup& group, std::span<Parameter* const> parameters) {
  const auto selected =
      std::count_if(parameters.begin(), parameters.end(),
                    [&](const Parameter* p) { return group.selection.selects(*p); });
  if (selected > 0) {
    core::fail(core::ErrorCode::kInvalidArgument,
               "{}: all {} parameters of {} belong to groups before it: write the narrower group "
               "first, or remove this one",
               group.where, selected, group.selection.text());
  }
  core::fail(core::ErrorCode::kInvalidArgument, "{}: no parameter has {}; this model has {}",
             group.where, group.selection.text(), what_is_there(parameters));
}

OptimizerStep step_of(const OptimizerGroup& group, const OptimizerStep& step) {
  OptimizerStep its = step;
  its.learning_rate *= group.learning_rate_scale;
  return its;
}

}  // namespace

GroupedOptimizer::GroupedOptimizer(std::vector<OptimizerGroup> groups,
                                   std::unique_ptr<Optimizer> rest)
    : groups_(std::move(groups)) {
  groups_.push_back({.optimizer = std::move(rest)});
}

void GroupedOptimizer::plan(std::span<Parameter* const> parameters) {
  std::vector<std::vector<Parameter*>> members(groups_.size());
  for (Parameter* parameter : parameters) {
    size_t group = 0;
    while (!groups_[group].selection.selects(*parameter)) {
      ++group;  // the last one selects everything
    }
    members[group].push_back(parameter);
    group_of_[parameter] = group;
  }
  for (size_t i = 0; i < groups_.size(); ++i) {
    if (members[i].empty() && i + 1 < groups_.size()) {
      fail_empty(groups_[i], parameters);
    }
    groups_[i].optimizer->plan(members[i]);
  }
}

void GroupedOptimizer::allocate(tensor::Allocator& allocator) {
  for (const OptimizerGroup& group : groups_) {
    group.optimizer->allocate(allocator);
  }
}

void GroupedOptimizer::step(const OptimizerStep& step) {
  for (const OptimizerGroup& group : groups_) {
    group.optimizer->step(step_of(group, step));
  }
}

void GroupedOptimizer::step_slice(const OptimizerStep& step, const tensor::ParameterSlice& slice) {
  const auto found = group_of_.find(slice.parameter);
  if (found == group_of_.end()) {
    core::fail(core::ErrorCode::kNotFound,
               "GroupedOptimizer: plan() must have seen '{}' before step_slice()",
               slice.parameter->name);
  }
  const OptimizerGroup& group = groups_[found->second];
  group.optimizer->step_slice(step_of(group, step), slice);
}

std::vector<StateTensor*> GroupedOptimizer::state() {
  std::vector<StateTensor*> all;
  for (const OptimizerGroup& group : groups_) {
    const std::vector<StateTensor*> its = group.optimizer->state();
    all.insert(all.end(), its.begin(), its.end());
  }
  return all;
}

std::vector<core::OpaqueState*> GroupedOptimizer::opaque_states() {
  std::vector<core::OpaqueState*> all;
  for (const OptimizerGroup& group : groups_) {
    const std::vector<core::OpaqueState*> its = group.optimizer->opaque_states();
    all.insert(all.end(), its.begin(), its.end());
  }
  return all;
}

}  // namespace switchyard::optim
