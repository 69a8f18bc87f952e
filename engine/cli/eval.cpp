#include <cmath>
#include <figures/number_text.h>
#include <memory>

#include <fmt/ostream.h>

#include "cli/commands.h"
#include "render/json_text.h"
#include "run/trained_model.h"

namespace switchyard::cli {
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
  process::ExitCode run(const CommandContext& context) override {
    run::TrainedModel model(directory_, step_, {});
    const trainer::EvaluationReport report = model.evaluate(split_);
    const double perplexity = std::exp(report.nll_per_word);
    std::ostream& out = context.console.out;
    if (context.is_json) {
      out << render::JsonObject::versioned()
                 .text("split", split_)
                 .integer("step", report.step)
                 .number("perplexity", perplexity)
                 .integer("words", report.num_words)
                 .number("nll_per_word", report.nll_per_word)
                 .number("seconds", report.seconds)
                 .line()
          << '\n';
      return process::ExitCode::kOk;
    }
    fmt::print(out, "{} perplexity {:.3f} at step {} ({} words, {:.4f} nats/word, {})\n", split_,
               perplexity, figures::grouped(report.step), figures::grouped(report.num_words),
               report.nll_per_word, figures::duration_text(report.seconds));
    return process::ExitCode::kOk;
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

}  // namespace switchyard::cli
