#include <figures/number_text.h>
#include <memory>
#include <utility>

#include <fmt/ostream.h>

#include "cli/commands.h"
#include "core/error.h"
#include "sweep/sweep_plan.h"
#include "sweep/sweep_report.h"
#include "sweep/sweep_runner.h"

namespace switchyard::cli {
namespace {

class SweepCommand : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "sweep"; }
  [[nodiscard]] std::string summary() const override {
    return "Run a list or grid of configurations and report on them";
  }
  [[nodiscard]] std::string examples() const override {
    return "  switchyard sweep packaging/configs/sweeps/ablation.toml --out runs/ablation "
           "--dry-run\n"
           "  switchyard sweep packaging/configs/sweeps/ablation.toml --out runs/ablation\n"
           "  switchyard sweep mine.toml --out runs/quick --set train.steps=200\n"
           "  switchyard sweep mine.toml --out runs/mine --report\n"
           "After a stop or a crash, the same command continues: finished runs are not repeated.";
  }
  void declare(OptionTable& options) override {
    options.positional("FILE", file_, "the experiments to run and what to report (TOML)",
                       ValueKind::kFile, Need::kRequired);
    options.option("--out", out_, "directory for the runs and the report", ValueKind::kDirectory,
                   Need::kRequired);
    options.integer("--jobs", jobs_, "runs at the same time [1]");
    options.list("--set", overrides_, "KEY=VALUE, overrides every point; may be repeated",
                 ValueKind::kText);
    options.flag("--no-search", is_unsearched_, "use only the first value of each key of [search]");
    options.flag("--dry-run", is_dry_run_, "check everything and list the runs, but run nothing");
    options.flag("--report", is_report_only_,
                 "only write the report, from the runs that are there");
  }
  process::ExitCode run(const CommandContext& context) override {
    core::require(jobs_ >= 1, "--jobs must be at least 1, got {}", jobs_);
    core::require(!is_dry_run_ || !is_report_only_, "choose one of --dry-run and --report");
    sweep::SweepFile file = sweep::load_sweep_file(file_);
    if (is_unsearched_) {
      for (sweep::Axis& axis : file.search) {
        axis.values.resize(1);
      }
    }
    const sweep::SweepPlan plan = sweep::plan_sweep(std::move(file), overrides_);
    const sweep::SweepPaths paths{std::filesystem::absolute(out_).lexically_normal()};
    if (is_dry_run_) {
      list_runs(plan, context);
      return process::ExitCode::kOk;
    }
    if (is_report_only_) {
      if (!std::filesystem::is_directory(paths.root)) {
        core::fail(core::ErrorCode::kNotFound, "there is no directory {}", out_);
      }
      return finish(plan, paths, context, process::ExitCode::kOk);
    }
    const process::ExitCode code = sweep::run_sweep(plan, {paths.root, jobs_}, context.console,
                                                    [&](size_t) { report(plan, paths); });
    return finish(plan, paths, context, code);
  }

 private:
  static std::vector<sweep::RunResult> report(const sweep::SweepPlan& plan,
                                              const sweep::SweepPaths& paths) {
    std::vector<sweep::RunResult> results =
        sweep::collect_results(plan, paths, sweep::SweepState(paths.state()));
    sweep::write_report(plan, results, paths);
    return results;
  }

  static process::ExitCode finish(const sweep::SweepPlan& plan, const sweep::SweepPaths& paths,
                                  const CommandContext& context, process::ExitCode code) {
    const std::vector<sweep::RunResult> results = report(plan, paths);
    if (context.is_json) {
      for (size_t run = 0; run < results.size(); ++run) {
        context.console.out << sweep::result_json(plan, run, results[run]).line() << '\n';
      }
    } else {
      context.console.out << paths.report().string() << '\n';
    }
    return code;
  }

  static void list_runs(const sweep::SweepPlan& plan, const CommandContext& context) {
    std::vector<std::vector<std::string>> rows = {
        {"POINT", "EXPERTS", "PARAMETERS", "OPS/TIMESTEP", "WORDS", "MEMORY", "CHECKPOINT"}};
    for (const sweep::PlannedRun& run : plan.runs) {
      const analysis::ModelDescription& model = run.model;
      const int64_t words = run.steps * model.words_per_step;
      if (context.is_json) {
        render::JsonObject json = analysis::description_json(model);
        json.text("name", run.name).integer("experts", run.num_experts).integer("steps", run.steps);
        context.console.out << json.line() << '\n';
        continue;
      }
      rows.push_back({run.name, figures::grouped(run.num_experts),
                      figures::grouped(model.parameters_excluding_embedding_softmax),
                      figures::grouped(static_cast<int64_t>(model.ops_per_timestep)),
                      figures::grouped(words),
                      figures::bytes_text(static_cast<int64_t>(model.memory.total())),
                      figures::bytes_text(static_cast<int64_t>(model.checkpoint_bytes))});
    }
    if (!context.is_json) {
      context.console.out << render::printable(figures::table_text(rows, {1, 2, 3, 4, 5, 6}));
      fmt::print(context.console.err,
                 "{} runs; parameters are counted without embedding and softmax\n",
                 plan.runs.size());
    }
  }

  std::string file_;
  std::string out_;
  int64_t jobs_ = 1;
  std::vector<std::string> overrides_;
  bool is_unsearched_ = false;
  bool is_dry_run_ = false;
  bool is_report_only_ = false;
};

}  // namespace

std::unique_ptr<Command> make_sweep_command() {
  return std::make_unique<SweepCommand>();
}

}  // namespace switchyard::cli
