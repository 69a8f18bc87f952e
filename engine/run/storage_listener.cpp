#include "run/storage_listener.h"

#include <algorithm>
#include <cmath>
#include <storage/run_writer.h>

#include <fmt/core.h>

namespace switchyard::run {

using storage::MetricKind;

StorageListener::StorageListener(storage::RunWriter& writer, int64_t log_every_steps)
    : writer_(writer), log_every_steps_(std::max<int64_t>(log_every_steps, 1)) {
}

void StorageListener::on_step(const trainer::StepReport& report) {
  writer_.step_time(report.step, report.utc_ns, report.monotonic_ns, report.num_words);
  words_ += report.num_words;
  seconds_ += report.seconds;
  if (report.step != 1 && report.step % log_every_steps_ != 0) {
    return;
  }
  writer_.metric("task_loss", "nats/word", report.step, report.task_loss);
  writer_.metric("aux_loss", "", report.step, report.aux_loss);
  writer_.metric("learning_rate", "", report.step, report.learning_rate);
  writer_.metric("grad_norm", "", report.step, report.grad_norm);
  if (seconds_ > 0.0) {
    writer_.metric("words_per_second", "words/s", report.step,
                   static_cast<double>(words_) / seconds_, MetricKind::kTiming);
  }
  words_ = 0;
  seconds_ = 0.0;
}

void StorageListener::on_experts(const trainer::ExpertReport& report) {
  if (layers_.find(report.layer) == layers_.end()) {
    writer_.layer(report.layer, static_cast<int64_t>(report.importance.size()), report.top_k);
    layers_.emplace(report.layer);
  }
  storage::ExpertSample sample;
  sample.layer = report.layer;
  sample.step = report.step;
  sample.importance = report.importance;
  sample.load = report.load;
  sample.tokens = report.tokens;
  writer_.experts(sample);
  writer_.metric(fmt::format("{}/gate_entropy", report.layer), "nats", report.step,
                 report.gate_entropy);
}

void StorageListener::on_metric(const trainer::MetricReport& report) {
  writer_.metric(report.name, "", report.step, report.value);
}

void StorageListener::on_evaluation(const trainer::EvaluationReport& report) {
  const auto name = [&](const char* what) { return fmt::format("{}_{}", report.split, what); };
  writer_.metric(name("nll_per_word"), "nats/word", report.step, report.nll_per_word);
  writer_.metric(name("perplexity"), "", report.step, std::exp(report.nll_per_word));
  writer_.metric(name("seconds"), "s", report.step, report.seconds, MetricKind::kTiming);
}

// A failing disk must not cost the checkpoint too: the writer keeps its items and reports the
// failure itself.
void StorageListener::before_checkpoint(int64_t) {
  (void)writer_.flush();
}

void StorageListener::on_checkpoint(const trainer::CheckpointReport& report) {
  storage::Sha256 hash{};
  std::copy_n(report.manifest_sha256.begin(), std::min(report.manifest_sha256.size(), hash.size()),
              hash.begin());
  writer_.checkpoint(report.step, report.directory, report.bytes, hash);
  for (const std::string& removed : report.removed) {
    writer_.checkpoint_deleted(removed);
  }
}

void StorageListener::on_event(int64_t step, core::LogLevel level, std::string_view code,
                               std::string_view message) {
  writer_.event(step, static_cast<int>(level), code, message);
}

}  // namespace switchyard::run
