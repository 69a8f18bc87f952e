#include <figures/number_text.h>
#include <memory>

#include "analysis/model_description.h"
#include "cli/commands.h"
#include "config/run_config.h"
#include "core/error.h"
#include "data/dataset.h"
#include "render/json_text.h"
#include "run/program.h"

namespace switchyard::cli {
namespace {

class DescribeCommand : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "describe"; }
  [[nodiscard]] std::string summary() const override {
    return "Predict parameters, work and memory of a configuration";
  }
  [[nodiscard]] std::string examples() const override {
    return "  switchyard describe moe.toml\n"
           "  switchyard describe moe.toml --vocabulary 793471 --json\n"
           "  switchyard describe moe.toml --parts --set model.d_model=1024";
  }
  void declare(OptionTable& options) override {
    options.positional("CONFIG", file_, "configuration file (TOML)", ValueKind::kFile,
                       Need::kRequired);
    options.list("--set", overrides_, "KEY=VALUE, overrides the file; may be repeated",
                 ValueKind::kText);
    options.integer("--vocabulary", vocab_size_,
                    "number of words [model.vocabulary_size, else that of data.path]");
    options.flag("--parts", with_parts_, "list every parameter");
  }
  process::ExitCode run(const CommandContext& context) override {
    const config::RunConfig config =
        config::load_run_config(file_, overrides_, config::DataPath::kOptional);
    plugin_host::PluginRegistry plugins(run::plugin_options(config.plugin_directories, {}));
    const analysis::ModelDescription model =
        analysis::describe_model(config.trainer, vocab_size_of(config.trainer), plugins);
    context.is_json ? print_json(context.console, model) : print_text(context.console, model);
    return process::ExitCode::kOk;
  }

 private:
  [[nodiscard]] int64_t vocab_size_of(const trainer::TrainerConfig& config) const {
    if (vocab_size_ > 0) {
      return vocab_size_;
    }
    if (const int64_t configured = models::vocab_size(config.model); configured > 0) {
      return configured;
    }
    core::require(!config.data.path.empty(),
                  "{}: the number of words is not known; give data.path, model.vocabulary_size or "
                  "the option --vocabulary",
                  file_);
    return data::Dataset(config.data.path).vocabulary().size();
  }

  void print_json(render::Console& console, const analysis::ModelDescription& model) const {
    render::JsonObject object = analysis::description_json(model);
    if (with_parts_) {
      std::vector<render::JsonObject> parts;
      for (const analysis::ModelDescription::Part& part : model.parts) {
        render::JsonObject one;
        one.text("name", part.name).text("shape", part.shape).integer("count", part.count);
        parts.push_back(std::move(one));
      }
      object.objects("parts", parts);
    }
    console.out << object.line() << '\n';
  }

  void print_text(render::Console& console, const analysis::ModelDescription& model) const {
    console.out << analysis::description_text(model);
    if (with_parts_) {
      std::vector<std::vector<std::string>> parts = {{"PARAMETER", "SHAPE", "VALUES"}};
      for (const analysis::ModelDescription::Part& part : model.parts) {
        parts.push_back({part.name, part.shape, figures::grouped(part.count)});
      }
      console.out << '\n' << render::printable(figures::table_text(parts, {1, 2}));
    }
  }

  std::string file_;
  std::vector<std::string> overrides_;
  int64_t vocab_size_ = 0;
  bool with_parts_ = false;
};

}  // namespace

std::unique_ptr<Command> make_describe_command() {
  return std::make_unique<DescribeCommand>();
}

}  // namespace switchyard::cli
