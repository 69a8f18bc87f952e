#include <memory>

#include <fmt/core.h>

#include "analysis/model_description.h"
#include "cli/commands.h"
#include "data/dataset.h"
#include "run/program.h"
#include "run/run_session.h"

namespace switchyard::cli {
namespace {

class TrainCommand : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "train"; }
  [[nodiscard]] std::string summary() const override { return "Start a training run"; }
  [[nodiscard]] std::string examples() const override {
    return "  switchyard train moe.toml --run runs/demo\n"
           "  switchyard train moe.toml --run runs/fast --set train.steps=200 "
           "--set data.path=data/ptb\n"
           "Ctrl-C saves a checkpoint and stops; `switchyard resume DIR` continues.";
  }
  void declare(OptionTable& options) override {
    options.positional("CONFIG", config_, "configuration file (TOML)", ValueKind::kFile,
                       Need::kRequired);
    options.option("--run", run_, "new directory for everything the run writes",
                   ValueKind::kDirectory, Need::kRequired);
    options.list("--set", overrides_, "KEY=VALUE, overrides the file; may be repeated",
                 ValueKind::kText);
    options.flag("--dry-run", is_dry_run_, "check everything and predict sizes, but do not train");
  }
  process::ExitCode run(const CommandContext& context) override {
    const run::SessionRequest request{config::settled(config::load_run_config(config_, overrides_)),
                                      run_, false, context.is_json};
    if (is_dry_run_) {
      describe(request.config, context);
      return process::ExitCode::kOk;
    }
    return run::run_session(request, context.console);
  }

 private:
  static void describe(const config::RunConfig& config, const CommandContext& context) {
    const int64_t vocab_size = data::Dataset(config.trainer.data.path).vocabulary().size();
    plugin_host::PluginRegistry plugins(run::plugin_options(config.plugin_directories, {}));
    const analysis::ModelDescription model =
        analysis::describe_model(config.trainer, vocab_size, plugins);
    context.console.out << (context.is_json ? analysis::description_json(model).line() + "\n"
                                            : fmt::format("{}\n{}", config.settings.to_toml(),
                                                          analysis::description_text(model)));
  }

  std::string config_;
  std::string run_;
  std::vector<std::string> overrides_;
  bool is_dry_run_ = false;
};

}  // namespace

std::unique_ptr<Command> make_train_command() {
  return std::make_unique<TrainCommand>();
}

}  // namespace switchyard::cli
