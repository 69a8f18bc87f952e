#include "sweep/sweep_plan.h"

#include <limits>
#include <map>
#include <memory>
#include <utility>

#include "core/error.h"
#include "data/dataset.h"
#include "run/program.h"

namespace switchyard::sweep {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

class Planner {
 public:
  Planner(const std::vector<std::string>& overrides, bool evaluate)
      : overrides_(overrides), evaluate_(evaluate) {}

  PlannedRun plan(const SweepPoint& point) {
    try {
      return planned(point);
    } catch (const core::Error& error) {
      core::fail(error.code(), "point '{}': {}", point.name, error.what());
    }
  }

 private:
  /// The configuration of a point, with absolute paths so that a run can resume from any directory.
  config::RunConfig resolved(const SweepPoint& point) const {
    core::ConfigDocument document = core::ConfigDocument::parse(
        core::read_config_text(point.base), point.base.lexically_normal().string());
    for (const Assignment& one : point.assignments) {
      document.set(one.key, one.value, one.origin);
    }
    for (const std::string& one : overrides_) {
      document.set(one);
    }
    return config::settled(config::check_run_config(document));
  }

  PlannedRun planned(const SweepPoint& point) {
    const config::RunConfig config = resolved(point);
    const data::Dataset& dataset = dataset_of(config.trainer.data.path);
    plugin_host::PluginRegistry plugins(run::plugin_options(config.plugin_directories, {}));
    PlannedRun run;
    run.name = point.name;
    run.searched = point.searched;
    run.settings = config.settings;
    run.steps = config.trainer.train.steps;
    const models::MoeConfig& moe = models::moe_config(config.trainer.model);
    for (const models::ExpertGroupConfig& group : moe.experts) {
      run.num_experts += group.count;
    }
    run.on_valid = evaluate_ && dataset.has_split("valid");
    run.on_test = evaluate_ && dataset.has_split("test");
    run.model = analysis::describe_model(config.trainer, dataset.vocabulary().size(), plugins);
    run.model.parts.clear();
    read_weights(moe, plugins, run);
    return run;
  }

  // The weights of the balance losses belong to the layer or to its gate.
  static void read_weights(const models::MoeConfig& moe, plugin_host::PluginRegistry& plugins,
                           PlannedRun& run) {
    run.w_importance = run.w_load = kNone;
    if (moe.gate.plugin.empty()) {
      return;
    }
    if (moe.balance.by != models::BalanceBy::kGate) {
      run.w_importance = moe.balance.w_importance;
      run.w_load = moe.balance.w_load;
      return;
    }
    for (const auto& [key, value] : plugins.check(moe.gate, plugin_host::ComponentKind::kGate)) {
      const auto* number = std::get_if<double>(&value);
      if (number != nullptr && key == "w_importance") {
        run.w_importance = *number;
      } else if (number != nullptr && key == "w_load") {
        run.w_load = *number;
      }
    }
  }

  const data::Dataset& dataset_of(const std::string& path) {
    std::unique_ptr<data::Dataset>& dataset = datasets_[path];
    if (!dataset) {
      dataset = std::make_unique<data::Dataset>(path);
    }
    return *dataset;
  }

  const std::vector<std::string>& overrides_;
  bool evaluate_;
  std::map<std::string, std::unique_ptr<data::Dataset>> datasets_;
};

void select(SweepPlan& plan, const std::vector<PointGroup>& groups) {
  for (const PlotRequest& plot : plan.file.plots) {
    std::vector<std::vector<size_t>>& series = plan.plot_groups.emplace_back();
    if (plot.series.empty()) {
      series.push_back(select_groups({}, groups));
    }
    for (const SeriesRequest& one : plot.series) {
      series.push_back(select_groups(one, groups));
    }
  }
  for (const TableRequest& table : plan.file.tables) {
    plan.table_groups.push_back(select_groups(table.points, groups));
  }
}

}  // namespace

SweepPlan plan_sweep(SweepFile file, const std::vector<std::string>& overrides) {
  SweepPlan plan;
  plan.file = std::move(file);
  const std::vector<PointGroup> groups = expand(plan.file);
  select(plan, groups);
  Planner planner(overrides, plan.file.evaluate);
  for (const PointGroup& group : groups) {
    PlannedGroup& planned = plan.groups.emplace_back();
    planned.name = group.name;
    planned.label = group.label;
    for (const SweepPoint& point : group.points) {
      planned.runs.push_back(plan.runs.size());
      plan.runs.push_back(planner.plan(point));
    }
  }
  return plan;
}

}  // namespace switchyard::sweep
