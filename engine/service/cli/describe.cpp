#include <memory>

#include "core/error.h"
#include "data/dataset.h"
#include "service/cli/commands.h"
#include "service/json_text.h"
#include "service/model_description.h"
#include "service/number_text.h"
#include "service/program.h"
#include "trainer/run_config.h"

namespace switchyard::service::cli {
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
    options.integer("--vocabulary", vocab_size_, "number of words [that of data.path]");
    options.flag("--parts", with_parts_, "list every parameter");
  }
  ExitCode run(const CommandContext& context) override {
    const auto need = vocab_size_ > 0 ? trainer::DataPath::kOptional : trainer::DataPath::kRequired;
    const trainer::RunConfig config = trainer::load_run_config(file_, overrides_, need);
    if (vocab_size_ <= 0) {
      vocab_size_ = data::Dataset(config.trainer.data.path).vocabulary().size();
    }
    plugin_host::PluginRegistry plugins(plugin_options(config.plugin_directories, {}));
    const ModelDescription model = describe_model(config.trainer, vocab_size_, plugins);
    context.is_json ? print_json(context.console, model) : print_text(context.console, model);
    return ExitCode::kOk;
  }

 private:
  void print_json(Console& console, const ModelDescription& model) const {
    JsonObject object = description_json(model);
    if (with_parts_) {
      std::vector<JsonObject> parts;
      for (const ModelDescription::Part& part : model.parts) {
        JsonObject one;
        one.text("name", part.name).text("shape", part.shape).integer("count", part.count);
        parts.push_back(std::move(one));
      }
      object.objects("parts", parts);
    }
    console.out << object.line() << '\n';
  }

  void print_text(Console& console, const ModelDescription& model) const {
    console.out << description_text(model);
    if (with_parts_) {
      std::vector<std::vector<std::string>> parts = {{"PARAMETER", "SHAPE", "VALUES"}};
      for (const ModelDescription::Part& part : model.parts) {
        parts.push_back({part.name, part.shape, grouped(part.count)});
      }
      console.out << '\n' << printable(table_text(parts, {1, 2}));
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

}  // namespace switchyard::service::cli
