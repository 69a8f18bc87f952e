#include <figures/number_text.h>
#include <memory>

#include "cli/commands.h"
#include "cli/machine_report.h"
#include "render/json_text.h"

namespace switchyard::cli {
namespace {

using Verdict = MachineCheck::Verdict;

std::string verdict_text(Verdict verdict) {
  switch (verdict) {
    case Verdict::kGood:
      return "ok";
    case Verdict::kNote:
      return "note";
    case Verdict::kProblem:
      return "problem";
  }
  return "";
}

class DoctorCommand : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "doctor"; }
  [[nodiscard]] std::string summary() const override {
    return "Report what this machine offers and what is wrong with it";
  }
  [[nodiscard]] std::string examples() const override {
    return "  switchyard doctor\n  switchyard doctor --json";
  }
  void declare(OptionTable&) override {}
  process::ExitCode run(const CommandContext& context) override {
    const std::vector<MachineCheck> checks = examine_machine();
    std::vector<std::vector<std::string>> rows;
    bool is_well = true;
    for (const MachineCheck& check : checks) {
      is_well = is_well && check.verdict != Verdict::kProblem;
      if (context.is_json) {
        context.console.out << render::JsonObject::versioned()
                                   .text("check", check.name)
                                   .text("verdict", verdict_text(check.verdict))
                                   .text("text", check.text)
                                   .text("hint", check.hint)
                                   .line()
                            << '\n';
      }
      rows.push_back({verdict_text(check.verdict), check.name,
                      check.text + (check.hint.empty() ? "" : "; " + check.hint)});
    }
    if (!context.is_json) {
      context.console.out << render::printable(figures::table_text(rows, {}));
    }
    return is_well ? process::ExitCode::kOk : process::ExitCode::kRunFailed;
  }
};

}  // namespace

std::unique_ptr<Command> make_doctor_command() {
  return std::make_unique<DoctorCommand>();
}

}  // namespace switchyard::cli
