#include <cmath>
#include <memory>

#include "service/cli/commands.h"
#include "service/json_text.h"
#include "service/number_text.h"
#include "service/trained_model.h"

namespace switchyard::service::cli {
namespace {

class EvalCommand : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "eval"; }
  [[nodiscard]] std::string summary() const override {
    return "Measure the perplexity of a run on held-out text";
  }
  [[nodiscard]] std::string examples() const override {
    return "  switchyard eval runs/demo --split test\n"
           "  switchyard eval runs/demo --split valid --step 2000 --json";
  }
  void declare(OptionTable& options) override {
    options.positional("DIR", directory_, "run directory", ValueKind::kDirectory, Need::kRequired);
    options.choice("--split", split_, "which text [valid]", {"valid", "test", "train"},
                   Need::kOptional);
    options.integer("--step", step_, "checkpoint of this step [newest]");
  }
  ExitCode run(const CommandContext& context) override {
    TrainedModel model(directory_, step_, {});
    const trainer::EvaluationReport report = model.trainer().evaluate(split_);
    const double perplexity = std::exp(report.nll_per_word);
    std::ostream& out = context.console.out;
    if (context.is_json) {
      out << JsonObject::versioned()
                 .text("split", split_)
                 .integer("step", report.step)
                 .number("perplexity", perplexity)
                 .integer("words", report.num_words)
                 .number("nll_per_word", report.nll_per_word)
                 .number("seconds", report.seconds)
                 .line()
          << '\n';
      return ExitCode::kOk;
    }
    out << split_ << " perplexity " << fixed(perplexity, 3) << " at step " << grouped(report.step)
        << " (" << grouped(report.num_words) << " words, " << fixed(report.nll_per_word, 4)
        << " nats/word, " << duration_text(report.seconds) << ")\n";
    return ExitCode::kOk;
  }

 private:
  std::string directory_;
  std::string split_ = "valid";
  int64_t step_ = -1;
};

}  // namespace

std::unique_ptr<Command> make_eval_command() {
  return std::make_unique<EvalCommand>();
}

}  // namespace switchyard::service::cli
