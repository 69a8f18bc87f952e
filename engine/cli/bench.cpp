#include <figures/number_text.h>
#include <memory>

#include <fmt/ostream.h>

#include "bench/language_model_bench.h"
#include "bench/layer_bench.h"
#include "bench/machine_limits.h"
#include "cli/commands.h"
#include "core/error.h"
#include "render/json_text.h"
#include "run/program.h"

namespace switchyard::cli {
namespace {

class BenchCommand : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "bench"; }
  [[nodiscard]] std::string summary() const override {
    return "Time training steps, or parts of them, on this machine";
  }
  [[nodiscard]] std::string examples() const override {
    return "  switchyard bench lm\n"
           "  switchyard bench lm --experts 32 --k 4 --d 512 --hidden 1024 --vocab 10000 --batch "
           "64 "
           "--steps 20 --json\n"
           "  switchyard bench moe --experts 256 --k 4\n"
           "  switchyard bench limits";
  }
  void declare(OptionTable& options) override {
    options.positional(
        "CASE", case_,
        "what to time: lm (a step of the language model), lstm, moe, head (forward "
        "and backward of one layer), optimizer (one update), limits (of the machine)",
        ValueKind::kText, Need::kRequired);
    options.integer("--experts", config_.experts, "experts of the MoE layer [32]");
    options.integer("--k", config_.k, "experts per token [4]");
    options.integer("--d", config_.d_model, "width of the model [512]");
    options.integer("--hidden", config_.hidden, "hidden units of an expert [1024]");
    options.integer("--vocab", config_.vocab_size, "words [10000]");
    options.integer("--batch", config_.batch_size, "streams in a batch [64]");
    options.integer("--steps", config_.sequence_length, "tokens per stream and step [20]");
    options.integer("--sampled", config_.sampled,
                    "words of a sampled softmax, 0 = full softmax [0]");
    options.flag("--sparse", config_.sparse_gradient, "sparse gradient of the embedding, by row");
    options.number("--dropout", config_.dropout, "drop probability [0.1]");
    options.choice("--dtype", dtype_, "element type of matrix product operands [f32]",
                   {"f32", "bf16"}, Need::kOptional);
    options.integer("--threads", threads_, "threads, 0 = all cores [0]");
    options.option("--optimizer", optimizer_, "plugin for the case optimizer [adam]",
                   ValueKind::kText, Need::kOptional);
    options.integer("--warmup", config_.warmup, "training steps before timing [2]");
    options.integer("--iterations", config_.iterations, "training steps that are timed [8]");
  }
  process::ExitCode run(const CommandContext& context) override {
    config_.compute = dtype_ == "bf16" ? tensor::DType::kBf16 : tensor::DType::kF32;
    config_.threads = static_cast<int>(threads_);
    if (case_ == "limits") {
      core::ThreadPool threads(config_.threads);
      print_limits(context, bench::measure_machine_limits(threads));
      return process::ExitCode::kOk;
    }
    const bench::BenchResult result = measure();
    context.is_json ? print_json(context.console, result) : print_text(context.console, result);
    return process::ExitCode::kOk;
  }

 private:
  bench::BenchResult measure() {
    if (case_ == "lstm") {
      return bench::bench_lstm(config_);
    }
    if (case_ == "head") {
      return bench::bench_head(config_);
    }
    plugin_host::PluginRegistry plugins(run::plugin_options({}, {}));
    if (case_ == "moe") {
      return bench::bench_moe(config_, plugins);
    }
    if (case_ == "optimizer") {
      return bench::bench_optimizer(config_, optimizer_, plugins);
    }
    core::require(case_ == "lm",
                  "bench: CASE must be one of lm lstm moe head optimizer limits, got '{}'", case_);
    return bench::bench_language_model(config_, plugins);
  }

  static void print_limits(const CommandContext& context, const bench::MachineLimits& limits) {
    if (context.is_json) {
      render::JsonObject object = render::JsonObject::versioned();
      object.text("case", "limits")
          .number("f32_gflops", limits.f32_gflops)
          .number("gemm_gflops", limits.gemm_gflops)
          .number("gemm_bf16_gflops", limits.gemm_bf16_gflops)
          .number("gbytes_per_second", limits.gbytes_per_second)
          .text("device", "cpu");
      context.console.out << object.line() << '\n';
      return;
    }
    fmt::print(context.console.out,
               "multiply-adds in registers   {} GFLOP/s (f32)\n"
               "large products               {} GFLOP/s (f32), {} (bf16)\n"
               "memory, a = b + s c          {} GB/s\n",
               figures::compact(limits.f32_gflops), figures::compact(limits.gemm_gflops),
               figures::compact(limits.gemm_bf16_gflops),
               figures::compact(limits.gbytes_per_second));
  }

  void print_json(render::Console& console, const bench::BenchResult& result) const {
    render::JsonObject object = render::JsonObject::versioned();
    object.text("case", case_)
        .number("tokens_per_second", result.tokens_per_second)
        .number("step_ms", result.step_ms)
        .number("step_ms_min", result.step_ms_min)
        .number("gflops", result.gflops)
        .number("gbytes_per_second", result.gbytes_per_second)
        .number("share_of_limit", result.share_of_limit)
        .integer("peak_rss_bytes", result.peak_rss_bytes)
        .number("loss", result.loss)
        .text("dtype", dtype_)
        .text("device", "cpu");
    console.out << object.line() << '\n';
  }

  static void print_text(render::Console& console, const bench::BenchResult& result) {
    fmt::print(console.out,
               "tokens/s       {}\n"
               "step           {} ms (median), {} ms (best)\n"
               "products       {} GFLOP/s\n"
               "memory         {} GB/s\n"
               "of the limit   {} %\n"
               "peak memory    {}\n"
               "loss           {}\n",
               figures::compact(result.tokens_per_second), figures::compact(result.step_ms),
               figures::compact(result.step_ms_min), figures::compact(result.gflops),
               figures::compact(result.gbytes_per_second),
               figures::compact(100.0 * result.share_of_limit),
               figures::bytes_text(result.peak_rss_bytes), figures::compact(result.loss));
  }

  std::string case_;
  std::string dtype_ = "f32";
  std::string optimizer_ = "adam";
  int64_t threads_ = 0;
  bench::BenchConfig config_;
};

}  // namespace

std::unique_ptr<Command> make_bench_command() {
  return std::make_unique<BenchCommand>();
}

}  // namespace switchyard::cli
