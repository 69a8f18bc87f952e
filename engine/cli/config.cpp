#include <cmath>
#include <figures/number_text.h>
#include <memory>

#include <fmt/format.h>

#include "cli/commands.h"
#include "config/run_config.h"
#include "core/error.h"
#include "plugin_host/plugin_registry.h"
#include "render/json_text.h"
#include "run/program.h"

namespace switchyard::cli {
namespace {

using Lines = std::vector<core::Config::Line>;
using plugin_host::ComponentKind;

/// Adds the settings that the configuration leaves to the defaults of a plugin.
void add_plugin_defaults(Lines& lines, plugin_host::PluginRegistry& plugins,
                         const core::ComponentConfig& component, ComponentKind kind,
                         const std::string& prefix) {
  for (const auto& [key, value] : plugins.check(component, kind)) {
    if (component.values.count(key) == 0) {
      lines.push_back({prefix + key, plugin_host::text_of(value), "default of the plugin"});
    }
  }
}

class ConfigCommand : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "config"; }
  [[nodiscard]] std::string summary() const override {
    return "Check a configuration and show every setting";
  }
  [[nodiscard]] std::string examples() const override {
    return "  switchyard config show moe.toml --origin\n"
           "  switchyard config show moe.toml --set train.steps=200 > resolved.toml\n"
           "  switchyard config schema";
  }
  void declare(OptionTable& options) override {
    options.choice("ACTION", action_, "show a configuration, or the schema of all",
                   {"show", "schema"}, Need::kRequired);
    options.positional("CONFIG", file_, "configuration file (TOML)", ValueKind::kFile,
                       Need::kOptional);
    options.flag("--origin", with_origin_, "where each setting comes from");
    options.list("--set", overrides_, "KEY=VALUE, overrides the file; may be repeated",
                 ValueKind::kText);
  }
  process::ExitCode run(const CommandContext& context) override {
    if (action_ == "schema") {
      print_schema(context);
      return process::ExitCode::kOk;
    }
    core::require(!file_.empty(), "config show needs a configuration file");
    const config::RunConfig config = config::load_run_config(file_, overrides_);
    Lines lines = config.settings.lines();
    plugin_host::PluginRegistry plugins(run::plugin_options(config.plugin_directories, {}));
    add_component_defaults(lines, config, plugins);
    if (context.is_json) {
      print_json(context.console, lines);
    } else if (with_origin_) {
      print_origins(context.console, lines);
    } else {
      context.console.out << config.settings.to_toml();
    }
    return process::ExitCode::kOk;
  }

 private:
  static void add_component_defaults(Lines& lines, const config::RunConfig& config,
                                     plugin_host::PluginRegistry& plugins) {
    const models::MoeConfig& moe = models::moe_config(config.trainer.model);
    if (!moe.gate.plugin.empty()) {
      add_plugin_defaults(lines, plugins, moe.gate, ComponentKind::kGate, "model.moe.gate.");
    }
    if (!moe.secondary_gate.plugin.empty()) {
      add_plugin_defaults(lines, plugins, moe.secondary_gate, ComponentKind::kGate,
                          "model.moe.secondary_gate.");
    }
    for (size_t i = 0; i < moe.experts.size(); ++i) {
      add_plugin_defaults(lines, plugins, moe.experts[i].component, ComponentKind::kExpert,
                          fmt::format("model.moe.experts[{}].", i));
    }
    add_plugin_defaults(lines, plugins, config.trainer.optimizer, ComponentKind::kOptimizer,
                        "optimizer.");
    for (size_t i = 0; i < config.trainer.optimizer_groups.size(); ++i) {
      add_plugin_defaults(lines, plugins, config.trainer.optimizer_groups[i].component,
                          ComponentKind::kOptimizer, fmt::format("optimizer.groups[{}].", i));
    }
  }

  static void print_json(render::Console& console, const Lines& lines) {
    for (const core::Config::Line& line : lines) {
      console.out << render::JsonObject::versioned()
                         .text("key", line.key)
                         .text("value", line.value)
                         .text("origin", line.origin)
                         .line()
                  << '\n';
    }
  }

  static void print_origins(render::Console& console, const Lines& lines) {
    std::vector<std::vector<std::string>> rows;
    for (const core::Config::Line& line : lines) {
      rows.push_back({line.key, line.value, line.origin});
    }
    console.out << render::printable(figures::table_text(rows, {}));
  }

  static std::string rule_of(const core::Field& key) {
    if (!key.choices.empty()) {
      return fmt::format("{}", fmt::join(key.choices, " | "));
    }
    std::string rule(core::type_phrase(key.type));
    const bool is_number =
        key.type == core::FieldType::kInteger || key.type == core::FieldType::kNumber;
    if (is_number && std::isfinite(key.min) && std::isfinite(key.max)) {
      rule += fmt::format(", {}{} to {}", key.above_min ? "above " : "", key.min, key.max);
    }
    return rule;
  }

  static void print_schema(const CommandContext& context) {
    const core::ConfigSchema schema = config::run_schema();
    std::vector<core::Field> keys = schema.keys;
    for (const core::ConfigComponent& component : schema.components) {
      const std::string prefix = component.name + (component.is_list ? "[]." : ".");
      core::Field plugin{prefix + "plugin", core::FieldType::kText, std::string(), component.help};
      plugin.required = true;
      keys.push_back(std::move(plugin));
      for (core::Field key : component.keys) {
        key.name = prefix + key.name;
        keys.push_back(std::move(key));
      }
    }
    std::vector<std::vector<std::string>> rows = {{"KEY", "DEFAULT", "VALUES", "MEANING"}};
    for (const core::Field& key : keys) {
      const std::string value =
          key.required ? "(must be given)" : core::setting_text(key.default_value);
      rows.push_back({key.name, value, rule_of(key), key.help});
    }
    if (!context.is_json) {
      context.console.out << figures::table_text(rows, {});
      return;
    }
    for (size_t i = 1; i < rows.size(); ++i) {
      context.console.out << render::JsonObject::versioned()
                                 .text("key", rows[i][0])
                                 .text("default", rows[i][1])
                                 .text("values", rows[i][2])
                                 .text("help", rows[i][3])
                                 .line()
                          << '\n';
    }
  }

  std::string action_;
  std::string file_;
  bool with_origin_ = false;
  std::vector<std::string> overrides_;
};

}  // namespace

std::unique_ptr<Command> make_config_command() {
  return std::make_unique<ConfigCommand>();
}

}  // namespace switchyard::cli
