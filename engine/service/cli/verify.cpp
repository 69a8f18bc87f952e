#include <memory>

#include "service/cli/commands.h"
#include "service/json_text.h"
#include "service/run_verification.h"

namespace switchyard::service::cli {
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
  ExitCode run(const CommandContext& context) override {
    const VerifyReport report = verify_directory(directory_);
    context.is_json ? print_json(context.console, report) : print_text(context.console, report);
    return report.findings.empty() ? ExitCode::kOk : ExitCode::kDamaged;
  }

 private:
  static void print_json(Console& console, const VerifyReport& report) {
    std::vector<JsonObject> findings;
    for (const VerifyFinding& finding : report.findings) {
      JsonObject object;
      object.text("file", finding.file).text("code", finding.code).text("message", finding.message);
      findings.push_back(std::move(object));
    }
    console.out << JsonObject::versioned()
                       .flag("whole", report.findings.empty())
                       .objects("findings", findings)
                       .texts("checked", report.checked)
                       .texts("skipped", report.skipped)
                       .line()
                << '\n';
  }

  void print_text(Console& console, const VerifyReport& report) const {
    for (const VerifyFinding& finding : report.findings) {
      console.out << printable(finding.file + ": " + finding.message) << " [" << finding.code
                  << "]\n";
    }
    for (const std::string& skipped : report.skipped) {
      console.err << "not checked: " << printable(skipped) << '\n';
    }
    console.err << report.checked.size() << " things checked, " << report.findings.size()
                << " damaged\n";
    if (report.findings.empty()) {
      console.out << directory_ << " is whole\n";
    }
  }

  std::string directory_;
};

}  // namespace

std::unique_ptr<Command> make_verify_command() {
  return std::make_unique<VerifyCommand>();
}

}  // namespace switchyard::service::cli
