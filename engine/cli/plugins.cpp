#include <figures/number_text.h>
#include <memory>

#include <fmt/ostream.h>

#include "cli/commands.h"
#include "core/error.h"
#include "plugin_host/plugin_registry.h"
#include "render/json_text.h"
#include "run/program.h"

namespace switchyard::cli {
namespace {

std::string abi_text(const plugin_host::PluginIdentity& identity) {
  return fmt::format("{}.{}", identity.abi_major, identity.abi_minor);
}

class PluginsCommand : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "plugins"; }
  [[nodiscard]] std::string summary() const override {
    return "List the gates, experts and optimizers that can be used";
  }
  [[nodiscard]] std::string examples() const override {
    return "  switchyard plugins\n"
           "  switchyard plugins --settings\n"
           "  switchyard plugins --directory ~/my-plugins --json";
  }
  void declare(OptionTable& options) override {
    options.list("--directory", directories_, "absolute directory to search first",
                 ValueKind::kDirectory);
    options.flag("--settings", with_settings_, "also load them and list their settings");
  }
  process::ExitCode run(const CommandContext& context) override {
    plugin_host::PluginRegistry plugins(run::plugin_options(directories_, {}));
    const auto& files = plugins.list();
    for (const plugin_host::PluginFile& file : files) {
      if (context.is_json) {
        print_json(context.console, file);
      }
    }
    if (!context.is_json) {
      print_table(context.console, plugins);
    }
    if (with_settings_) {
      for (const plugin_host::PluginFile& file : files) {
        if (file.refusal.empty()) {
          print_settings(context, plugins.schemas(file));
        }
      }
    }
    return process::ExitCode::kOk;
  }

 private:
  static void print_json(render::Console& console, const plugin_host::PluginFile& file) {
    console.out << render::JsonObject::versioned()
                       .text("id", file.identity.id)
                       .text("name", file.name)
                       .text("kind", file.kind)
                       .text("version", file.identity.version)
                       .text("abi", abi_text(file.identity))
                       .text("vendor", file.identity.vendor)
                       .text("path", file.identity.path.string())
                       .text("sha256", file.identity.sha256)
                       .text("refusal", file.refusal)
                       .line()
                << '\n';
  }

  static void print_table(render::Console& console, plugin_host::PluginRegistry& plugins) {
    std::vector<std::vector<std::string>> rows = {{"NAME", "KIND", "VERSION", "ABI", "ID", "PATH"}};
    for (const plugin_host::PluginFile& file : plugins.list()) {
      if (file.refusal.empty()) {
        rows.push_back({file.name, file.kind, file.identity.version, abi_text(file.identity),
                        file.identity.id, file.identity.path.string()});
      } else {
        fmt::print(console.err, "refused: {}: {}\n", render::printable(file.identity.path.string()),
                   render::printable(file.refusal));
      }
    }
    if (rows.size() > 1) {
      console.out << render::printable(figures::table_text(rows, {}));
      return;
    }
    std::vector<std::string> directories;
    for (const auto& directory : plugins.directories()) {
      directories.push_back(directory.string());
    }
    fmt::print(console.err, "no plugins; looked in {}\n", fmt::join(directories, " "));
  }

  static void print_settings(const CommandContext& context,
                             const std::vector<plugin_host::ComponentSchema>& components) {
    for (const plugin_host::ComponentSchema& component : components) {
      if (context.is_json) {
        print_settings_json(context.console, component);
        continue;
      }
      std::ostream& out = context.console.out;
      fmt::print(out, "\n{}\n",
                 render::printable(fmt::format("{} {}: {}", plugin_host::name_of(component.kind),
                                               component.id, component.summary)));
      std::vector<std::vector<std::string>> rows;
      for (const plugin_host::FieldSchema& field : component.fields) {
        rows.push_back({"  " + field.name, plugin_host::text_of(field.default_value),
                        std::string(core::type_phrase(field.type)), field.help});
      }
      out << render::printable(figures::table_text(rows, {}));
    }
  }

  static void print_settings_json(render::Console& console,
                                  const plugin_host::ComponentSchema& component) {
    std::vector<render::JsonObject> fields;
    for (const plugin_host::FieldSchema& field : component.fields) {
      render::JsonObject object;
      object.text("key", field.name)
          .text("type", core::type_phrase(field.type))
          .text("default", plugin_host::text_of(field.default_value))
          .text("help", field.help);
      fields.push_back(std::move(object));
    }
    console.out << render::JsonObject::versioned()
                       .text("component", component.id)
                       .text("kind", plugin_host::name_of(component.kind))
                       .text("summary", component.summary)
                       .objects("settings", fields)
                       .line()
                << '\n';
  }

  std::vector<std::string> directories_;
  bool with_settings_ = false;
};

}  // namespace

std::unique_ptr<Command> make_plugins_command() {
  return std::make_unique<PluginsCommand>();
}

}  // namespace switchyard::cli
