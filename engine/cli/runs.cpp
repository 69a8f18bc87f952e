#include <cmath>
#include <figures/number_text.h>
#include <filesystem>
#include <memory>

#include <fmt/ostream.h>

#include "cli/commands.h"
#include "core/error.h"
#include "render/json_text.h"
#include "run/run_summary.h"

namespace switchyard::cli {
namespace {

constexpr int kSearchDepth = 3;

std::string or_dash(double value, int digits) {
  return std::isnan(value) ? "-" : figures::fixed(value, digits);
}

class RunsCommand : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "runs"; }
  [[nodiscard]] std::string summary() const override { return "List the runs under a directory"; }
  [[nodiscard]] std::string examples() const override {
    return "  switchyard runs\n  switchyard runs ~/experiments --json";
  }
  void declare(OptionTable& options) override {
    options.positional("DIR", directory_, "where to look, three levels deep [.]",
                       ValueKind::kDirectory, Need::kOptional);
  }
  process::ExitCode run(const CommandContext& context) override {
    if (!std::filesystem::is_directory(directory_)) {
      core::fail(core::ErrorCode::kNotFound, "there is no directory {}", directory_);
    }
    std::vector<run::RunSummary> runs;
    for (const auto& directory : run::find_runs(directory_, kSearchDepth)) {
      runs.push_back(run::summarize_run(directory));
    }
    context.is_json ? print_json(context.console, runs) : print_table(context.console, runs);
    return process::ExitCode::kOk;
  }

 private:
  static void print_json(render::Console& console, const std::vector<run::RunSummary>& runs) {
    for (const run::RunSummary& run : runs) {
      console.out << render::JsonObject::versioned()
                         .text("directory", run.directory.string())
                         .text("name", run.name)
                         .text("state", run.state)
                         .integer("step", run.step)
                         .number("task_loss", run.task_loss)
                         .number("valid_perplexity", run.valid_perplexity)
                         .text("started_utc", figures::iso_time(run.started_utc_ns))
                         .integer("segments", run.num_segments)
                         .text("problem", run.problem)
                         .line()
                  << '\n';
    }
  }

  void print_table(render::Console& console, const std::vector<run::RunSummary>& runs) const {
    if (runs.empty()) {
      fmt::print(console.err, "no runs under {}; `switchyard train CONFIG --run DIR` starts one\n",
                 directory_);
      return;
    }
    std::vector<std::vector<std::string>> rows = {
        {"NAME", "STATE", "STEP", "LOSS", "VALID PPL", "STARTED", "DIRECTORY"}};
    for (const run::RunSummary& run : runs) {
      rows.push_back({run.name, run.state, run.step < 0 ? "-" : figures::grouped(run.step),
                      or_dash(run.task_loss, 3), or_dash(run.valid_perplexity, 2),
                      run.started_utc_ns == 0 ? "-" : figures::utc_text(run.started_utc_ns),
                      run.directory.string()});
    }
    console.out << render::printable(figures::table_text(rows, {2, 3, 4}));
  }

  std::string directory_ = ".";
};

}  // namespace

std::unique_ptr<Command> make_runs_command() {
  return std::make_unique<RunsCommand>();
}

}  // namespace switchyard::cli
