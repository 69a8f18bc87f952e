#include <memory>

#include "cli/commands.h"
#include "cli/completion_script.h"
#include "render/json_text.h"

namespace switchyard::cli {
namespace {

class CompletionCommand : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "completion"; }
  [[nodiscard]] std::string summary() const override {
    return "Print the completion script of a shell";
  }
  [[nodiscard]] std::string examples() const override {
    return "  source <(switchyard completion bash)\n"
           "  switchyard completion fish | source";
  }
  void declare(OptionTable& options) override {
    options.choice("SHELL", shell_, "bash, zsh or fish", {"bash", "zsh", "fish"}, Need::kRequired);
  }
  process::ExitCode run(const CommandContext& context) override {
    const std::string script = completion_script(shell_, context.commands);
    if (context.is_json) {
      render::JsonObject object = render::JsonObject::versioned();
      object.text("shell", shell_).text("script", script);
      context.console.out << object.line() << '\n';
    } else {
      context.console.out << script;
    }
    return process::ExitCode::kOk;
  }

 private:
  std::string shell_;
};

}  // namespace

std::unique_ptr<Command> make_completion_command() {
  return std::make_unique<CompletionCommand>();
}

}  // namespace switchyard::cli
