#include <memory>

#include "cli/commands.h"
#include "core/error.h"
#include "data/detokenizer.h"
#include "render/json_text.h"
#include "run/trained_model.h"

namespace switchyard::cli {
namespace {

class GenerateCommand : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "generate"; }
  [[nodiscard]] std::string summary() const override { return "Write text with a trained model"; }
  [[nodiscard]] std::string examples() const override {
    return "  switchyard generate runs/demo --prompt \"the king\"\n"
           "  switchyard generate runs/demo --words 200 --temperature 0.8 --top-k 40 --seed 7";
  }
  void declare(OptionTable& options) override {
    options.positional("DIR", directory_, "run directory", ValueKind::kDirectory, Need::kRequired);
    options.option("--prompt", options_.prompt, "text to begin with", ValueKind::kText,
                   Need::kOptional);
    options.integer("--words", options_.max_words, "the most new words to write [50]");
    options.number("--temperature", options_.temperature,
                   "below 1 is safer, above 1 is wilder [1]");
    options.integer("--top-k", options_.top_k, "choose among the k likeliest words [0 = all]");
    options.integer("--seed", seed_, "equal seeds give equal texts [1]");
    options.flag("--past-end", options_.past_end, "go on after the end of a sentence");
    options.integer("--step", step_, "checkpoint of this step [newest]");
  }
  process::ExitCode run(const CommandContext& context) override {
    core::require(options_.temperature > 0.0, "--temperature must be above 0, got {}",
                  options_.temperature);
    core::require(options_.max_words >= 0 && options_.top_k >= 0 && seed_ >= 0,
                  "--words, --top-k and --seed must be at least 0");
    options_.seed = static_cast<uint64_t>(seed_);
    run::TrainedModel model(directory_, step_, {});
    data::Detokenizer joined(model.dataset().manifest().tokenizer.kind);
    std::ostream& out = context.console.out;
    std::string text;
    model.generate(options_, [&](std::string_view word) {
      std::string piece = "\n";
      if (word == data::Vocabulary::kSentenceMarkWord) {
        joined.restart();
      } else {
        piece = joined.append(word);
      }
      text += piece;
      if (!context.is_json) {
        out << render::printable(piece) << std::flush;
      }
    });
    if (context.is_json) {
      out << render::JsonObject::versioned()
                 .integer("step", model.step())
                 .text("prompt", options_.prompt)
                 .text("text", text)
                 .line()
          << '\n';
    } else if (text.empty() || text.back() != '\n') {
      out << '\n';
    }
    return process::ExitCode::kOk;
  }

 private:
  std::string directory_;
  trainer::GenerateOptions options_;
  int64_t seed_ = 1;
  int64_t step_ = -1;
};

}  // namespace

std::unique_ptr<Command> make_generate_command() {
  return std::make_unique<GenerateCommand>();
}

}  // namespace switchyard::cli
