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
    options.integer("--vocabulary", vocab_size_,
                    "number of words [model.vocabulary_size, else that of data.path]");
    options.flag("--parts", with_parts_, "list every parameter");
  }
  ExitCode run(const CommandContext& context) override {
    const trainer::RunConfig config =
        trainer::load_run_config(file_, overrides_, trainer::DataPath::kOptional);
    plugin_host::PluginRegistry plugins(plugin_options(config.plugin_directories, {}));
    const ModelDescription model =
        describe_model(config.trainer, vocab_size_of(config.trainer), plugins);
    context.is_json ? print_json(context.console, model) : print_text(context.console, model);
    return ExitCode::kOk;
  }

 private:
  [[nodiscard]] int64_t vocab_size_of(const trainer::TrainerConfig& config) const {
    if (vocab_size_ > 0) {
      return vocab_size_;
    }
    if (config.model.vocab_size > 0) {
      return config.model.vocab_size;
    }
    core::require(!config.data.path.empty(), file_,
                  ": the number of words is not known; give data.path, model.vocabulary_size or "
                  "the option --vocabulary");
    return data::Dataset(config.data.path).vocabulary().size();
  }

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
