#include "run/progress.h"

#include <algorithm>
#include <cmath>
#include <figures/expert_statistics.h>
#include <figures/number_text.h>
#include <utility>

#include <fmt/core.h>

namespace switchyard::run {
namespace {

constexpr int64_t kBarIntervalNs = 100'000'000;
constexpr int64_t kPlainIntervalNs = 10'000'000'000;

}  // namespace

Progress::Progress(std::ostream& out, const core::Clock& clock, Options options)
    : out_(out), clock_(clock), options_(std::move(options)) {
  state_.total_steps = options_.total_steps;
}

Progress::~Progress() {
  finish();
}

void Progress::clear_bar() {
  if (bar_is_shown_) {
    out_ << "\r\x1b[K";
    bar_is_shown_ = false;
  }
}

void Progress::draw() {
  drawn_ns_ = clock_.monotonic_ns();
  is_stale_ = false;
  if (checkpoint_ns_ >= 0) {
    state_.checkpoint_age_s = static_cast<double>(drawn_ns_ - checkpoint_ns_) * 1e-9;
  }
  if (!options_.terminal.animates) {
    out_ << progress_plain_line(state_) << '\n' << std::flush;
    return;
  }
  const int width = options_.width ? options_.width() : 80;
  out_ << '\r' << progress_bar_line(state_, width, options_.terminal.has_unicode) << "\x1b[K"
       << std::flush;
  bar_is_shown_ = true;
}

void Progress::draw_if_due() {
  is_stale_ = true;
  const int64_t now = clock_.monotonic_ns();
  if (drawn_ns_ < 0 && !options_.terminal.animates) {
    drawn_ns_ = now;  // the first plain line comes after ten seconds, not at step 1
    return;
  }
  const int64_t interval = options_.terminal.animates ? kBarIntervalNs : kPlainIntervalNs;
  if (drawn_ns_ < 0 || now - drawn_ns_ >= interval) {
    draw();
  }
}

void Progress::say(const std::string& text) {
  const std::scoped_lock lock(mutex_);
  const bool had_bar = bar_is_shown_;
  clear_bar();
  out_ << render::printable(text) << '\n' << std::flush;
  if (had_bar) {
    draw();
  }
}

void Progress::finish() {
  const std::scoped_lock lock(mutex_);
  if (is_stale_) {
    draw();
  }
  if (bar_is_shown_) {
    out_ << '\n' << std::flush;
    bar_is_shown_ = false;
  }
}

void Progress::update(const trainer::StepReport& report) {
  step_clock_.tick(report.step, report.monotonic_ns);
  state_.step = report.step;
  state_.loss = report.task_loss;
  double per_step = step_clock_.seconds_per_step();
  if (per_step < 0.0) {
    per_step = report.seconds;  // one step is better than nothing
  }
  if (per_step > 0.0) {
    state_.words_per_second = static_cast<double>(report.num_words) / per_step;
    state_.seconds_left = per_step * static_cast<double>(state_.total_steps - state_.step);
  }
}

void Progress::on_step(const trainer::StepReport& report) {
  const std::scoped_lock lock(mutex_);
  update(report);
  draw_if_due();
}

void Progress::on_experts(const trainer::ExpertReport& report) {
  const std::scoped_lock lock(mutex_);
  if (std::ranges::any_of(report.tokens, [](auto count) { return count > 0; })) {
    max_over_mean_[std::string(report.layer)] = figures::max_over_mean(report.tokens);
  }
  state_.max_over_mean_load = -1.0;
  for (const auto& [layer, value] : max_over_mean_) {
    state_.max_over_mean_load = std::max(state_.max_over_mean_load, value);
  }
}

void Progress::on_evaluation(const trainer::EvaluationReport& report) {
  say(fmt::format("step {}: {} perplexity {:.2f} ({} words, {})", figures::grouped(report.step),
                  report.split, std::exp(report.nll_per_word), figures::grouped(report.num_words),
                  figures::duration_text(report.seconds)));
}

void Progress::on_checkpoint(const trainer::CheckpointReport& report) {
  {
    const std::scoped_lock lock(mutex_);
    checkpoint_ns_ = clock_.monotonic_ns();
  }
  say(fmt::format("step {}: saved {} ({})", figures::grouped(report.step), report.directory,
                  figures::bytes_text(report.bytes)));
}

void Progress::on_event(int64_t step, core::LogLevel level, std::string_view code,
                        std::string_view message) {
  if (level >= core::LogLevel::kWarning) {
    say(fmt::format("step {}: {}: {} [{}]", figures::grouped(step),
                    level >= core::LogLevel::kError ? "error" : "warning", message, code));
  }
}

}  // namespace switchyard::run
