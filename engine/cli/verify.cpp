#include <memory>

#include <fmt/ostream.h>

#include "cli/commands.h"
#include "render/json_text.h"
#include "run/run_verification.h"

namespace switchyard::cli {
namespace {

class VerifyCommand : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "verify"; }
  [[nodiscard]] std::string summary() const override {
    return "Check every byte of a run or a data set";
  }
  [[nodiscard]] std::string examples() const override {
    return "  switchyard verify runs/demo     # exit code 65 if anything is damaged\n"
           "  switchyard verify data/ptb --json";
  }
  void declare(OptionTable& options) override {
    options.positional("DIR", directory_, "run directory or data set", ValueKind::kDirectory,
                       Need::kRequired);
  }
  process::ExitCode run(const CommandContext& context) override {
    const run::VerifyReport report = run::verify_directory(directory_);
    context.is_json ? print_json(context.console, report) : print_text(context.console, report);
    return report.findings.empty() ? process::ExitCode::kOk : process::ExitCode::kDamaged;
  }

 private:
  static void print_json(render::Console& console, const run::VerifyReport& report) {
    std::vector<render::JsonObject> findings;
    for (const run::VerifyFinding& finding : report.findings) {
      render::JsonObject object;
      object.text("file", finding.file).text("code", finding.code).text("message", finding.message);
      findings.push_back(std::move(object));
    }
    console.out << render::JsonObject::versioned()
                       .flag("whole", report.findings.empty())
                       .objects("findings", findings)
                       .texts("checked", report.checked)
                       .texts("skipped", report.skipped)
                       .line()
                << '\n';
  }

  void print_text(render::Console& console, const run::VerifyReport& report) const {
    for (const run::VerifyFinding& finding : report.findings) {
      fmt::print(console.out, "{} [{}]\n",
                 render::printable(fmt::format("{}: {}", finding.file, finding.message)),
                 finding.code);
    }
    for (const std::string& skipped : report.skipped) {
      fmt::print(console.err, "not checked: {}\n", render::printable(skipped));
    }
    fmt::print(console.err, "{} things checked, {} damaged\n", report.checked.size(),
               report.findings.size());
    if (report.findings.empty()) {
      fmt::print(console.out, "{} is whole\n", directory_);
    }
  }

  std::string directory_;
};

}  // namespace

std::unique_ptr<Command> make_verify_command() {
  return std::make_unique<VerifyCommand>();
}

}  // namespace switchyard::cli
