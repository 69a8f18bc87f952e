#include <memory>

#include "service/cli/commands.h"
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
  }
  ExitCode run(const CommandContext& context) override {
    const RunConfig given = load_run_config(config_, overrides_);
    const SessionRequest request{load_run_config(config_, with_absolute_paths(given, overrides_)),
                                 run_, false};
    return run_session(request, context);
  }

 private:
  std::string config_;
  std::string run_;
  std::vector<std::string> overrides_;
};

}  // namespace

std::unique_ptr<Command> make_train_command() {
  return std::make_unique<TrainCommand>();
}

}  // namespace switchyard::service::cli
