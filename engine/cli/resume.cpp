#include <memory>

#include "cli/commands.h"
#include "core/error.h"
#include "process/run_directory.h"
#include "run/run_session.h"

namespace switchyard::cli {
namespace {

class ResumeCommand : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "resume"; }
  [[nodiscard]] std::string summary() const override {
    return "Continue a run from its newest whole checkpoint";
  }
  [[nodiscard]] std::string examples() const override {
    return "  switchyard resume runs/demo\n"
           "  switchyard resume runs/demo --set train.steps=5000";
  }
  void declare(OptionTable& options) override {
    options.positional("DIR", directory_, "run directory", ValueKind::kDirectory, Need::kRequired);
    options.list("--set", overrides_,
                 "KEY=VALUE, changes how long or how fast it trains, but not what",
                 ValueKind::kText);
  }
  process::ExitCode run(const CommandContext& context) override {
    process::require_run(directory_);
    const std::string file = process::RunPaths{directory_}.config().string();
    const std::string text = core::read_config_text(file);
    const config::RunConfig before = config::parse_run_config(text, file, {});
    const config::RunConfig next =
        overrides_.empty() ? before : config::parse_run_config(text, file, overrides_);
    const run::SessionRequest request{config::settled(next), directory_, true, context.is_json};
    refuse_structural_changes(before, request.config);
    return run::run_session(request, context.console);
  }

 private:
  static void refuse_structural_changes(const config::RunConfig& before,
                                        const config::RunConfig& next) {
    std::string list;
    for (const std::string& change : config::structural_changes(before.settings, next.settings)) {
      list += "\n  " + change;
    }
    core::require(list.empty(),
                  "a resumed run must keep its model, data and random numbers; this would "
                  "change{}\nstart a new run for that: switchyard train CONFIG --run DIR",
                  list);
  }

  std::string directory_;
  std::vector<std::string> overrides_;
};

}  // namespace

std::unique_ptr<Command> make_resume_command() {
  return std::make_unique<ResumeCommand>();
}

}  // namespace switchyard::cli
