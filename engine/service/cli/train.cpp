#include <memory>

#include "data/dataset.h"
#include "service/cli/commands.h"
#include "service/model_description.h"
#include "service/program.h"
#include "service/run_session.h"

namespace switchyard::service::cli {
namespace {

class TrainCommand : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "train"; }
  [[nodiscard]] std::string summary() const override { return "Start a training run"; }
  [[nodiscard]] std::string examples() const override {
    return "  switchyard train moe.toml --run runs/demo\n"
           "  switchyard train moe.toml --run runs/fast --set train.steps=200 "
           "--set data.path=data/ptb\n"
           "Ctrl-C saves a checkpoint and stops; `switchyard resume DIR` goes on.";
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
  ExitCode run(const CommandContext& context) override {
    const trainer::RunConfig given = trainer::load_run_config(config_, overrides_);
    const SessionRequest request{
        trainer::load_run_config(config_, trainer::with_settled_values(given, overrides_)), run_,
        false, context.is_json};
    if (is_dry_run_) {
      describe(request.config, context);
      return ExitCode::kOk;
    }
    return run_session(request, context.console);
  }

 private:
  static void describe(const trainer::RunConfig& config, const CommandContext& context) {
    const int64_t vocab_size = data::Dataset(config.trainer.data.path).vocabulary().size();
    plugin_host::PluginRegistry plugins(plugin_options(config.plugin_directories, {}));
    const ModelDescription model = describe_model(config.trainer, vocab_size, plugins);
    context.console.out << (context.is_json
                                ? description_json(model).line() + "\n"
                                : config.settings.to_toml() + "\n" + description_text(model));
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

}  // namespace switchyard::service::cli
