#include <memory>

#include "core/error.h"
#include "service/cli/commands.h"
#include "service/json_text.h"
#include "service/language_model_bench.h"
#include "service/number_text.h"
#include "service/program.h"

namespace switchyard::service::cli {
namespace {

class BenchCommand : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "bench"; }
  [[nodiscard]] std::string summary() const override {
    return "Time training steps on this machine";
  }
  [[nodiscard]] std::string examples() const override {
    return "  switchyard bench lm\n"
           "  switchyard bench lm --experts 32 --k 4 --d 512 --hidden 1024 --vocab 10000 --batch "
           "64 "
           "--steps 20 --json";
  }
  void declare(OptionTable& options) override {
    options.positional("CASE", case_, "what to time: lm, a step of the language model",
                       ValueKind::kText, Need::kRequired);
    options.integer("--experts", config_.experts, "experts of the MoE layer [32]");
    options.integer("--k", config_.k, "experts per token [4]");
    options.integer("--d", config_.d_model, "width of the model [512]");
    options.integer("--hidden", config_.hidden, "hidden units of an expert [1024]");
    options.integer("--vocab", config_.vocab_size, "words [10000]");
    options.integer("--batch", config_.batch_size, "streams side by side [64]");
    options.integer("--steps", config_.sequence_length, "tokens per stream and step [20]");
    options.number("--dropout", config_.dropout, "drop probability [0.1]");
    options.choice("--dtype", dtype_, "of the factors of products [f32]", {"f32", "bf16"},
                   Need::kOptional);
    options.integer("--threads", threads_, "threads, 0 = all cores [0]");
    options.integer("--warmup", config_.warmup, "training steps that do not count [2]");
    options.integer("--iterations", config_.iterations, "training steps that count [8]");
  }
  ExitCode run(const CommandContext& context) override {
    core::require(case_ == "lm", "bench: CASE must be lm, got '", case_, "'");
    config_.compute = dtype_ == "bf16" ? tensor::DType::kBf16 : tensor::DType::kF32;
    config_.threads = static_cast<int>(threads_);
    plugin_host::PluginRegistry plugins(plugin_options({}, {}));
    const BenchResult result = bench_language_model(config_, plugins);
    context.is_json ? print_json(context.console, result) : print_text(context.console, result);
    return ExitCode::kOk;
  }

 private:
  void print_json(Console& console, const BenchResult& result) const {
    JsonObject object = JsonObject::versioned();
    object.text("case", "lm")
        .number("tokens_per_second", result.tokens_per_second)
        .number("step_ms", result.step_ms)
        .number("step_ms_min", result.step_ms_min)
        .number("gflops", result.gflops)
        .integer("peak_rss_bytes", result.peak_rss_bytes)
        .number("loss", result.loss)
        .text("dtype", dtype_)
        .text("device", "cpu");
    console.out << object.line() << '\n';
  }

  static void print_text(Console& console, const BenchResult& result) {
    console.out << "tokens/s       " << compact(result.tokens_per_second) << '\n'
                << "step           " << compact(result.step_ms) << " ms (median), "
                << compact(result.step_ms_min) << " ms (best)\n"
                << "products       " << compact(result.gflops) << " GFLOP/s\n"
                << "peak memory    " << bytes_text(result.peak_rss_bytes) << '\n'
                << "loss           " << compact(result.loss) << '\n';
  }

  std::string case_;
  std::string dtype_ = "f32";
  int64_t threads_ = 0;
  LanguageModelBenchConfig config_;
};

}  // namespace

std::unique_ptr<Command> make_bench_command() {
  return std::make_unique<BenchCommand>();
}

}  // namespace switchyard::service::cli
