#include "run/json_listener.h"

#include <cmath>

#include "render/json_text.h"

namespace switchyard::run {
namespace {

render::JsonObject event(std::string_view kind, int64_t step) {
  render::JsonObject object = render::JsonObject::versioned();
  object.text("event", kind).integer("step", step);
  return object;
}

}  // namespace

void JsonListener::on_step(const trainer::StepReport& report) {
  if (report.step != 1 && report.step % log_every_steps_ != 0) {
    return;
  }
  const double speed =
      report.seconds > 0.0 ? static_cast<double>(report.num_words) / report.seconds : 0.0;
  out_ << event("step", report.step)
              .number("task_loss", report.task_loss)
              .number("aux_loss", report.aux_loss)
              .number("learning_rate", report.learning_rate)
              .number("grad_norm", report.grad_norm)
              .number("words_per_second", speed)
              .line()
       << '\n'
       << std::flush;
}

void JsonListener::on_evaluation(const trainer::EvaluationReport& report) {
  out_ << event("evaluation", report.step)
              .text("split", report.split)
              .number("perplexity", std::exp(report.nll_per_word))
              .integer("words", report.num_words)
              .number("nll_per_word", report.nll_per_word)
              .line()
       << '\n'
       << std::flush;
}

void JsonListener::on_checkpoint(const trainer::CheckpointReport& report) {
  out_ << event("checkpoint", report.step)
              .text("directory", report.directory)
              .integer("bytes", report.bytes)
              .line()
       << '\n'
       << std::flush;
}

void JsonListener::on_event(int64_t step, core::LogLevel level, std::string_view code,
                            std::string_view message) {
  out_ << event("event", step)
              .integer("level", static_cast<int>(level))
              .text("code", code)
              .text("message", message)
              .line()
       << '\n'
       << std::flush;
}

}  // namespace switchyard::run
