#include <algorithm>
#include <chrono>
#include <figures/number_text.h>
#include <map>
#include <memory>
#include <storage/run_reader.h>
#include <thread>

#include <fmt/ostream.h>

#include "cli/commands.h"
#include "core/error.h"
#include "process/run_directory.h"
#include "render/json_text.h"

namespace switchyard::cli {
namespace {

constexpr std::chrono::milliseconds kPollInterval{500};

class TailCommand : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "tail"; }
  [[nodiscard]] std::string summary() const override {
    return "Show the newest metrics and events of a run";
  }
  [[nodiscard]] std::string examples() const override {
    return "  switchyard tail runs/demo\n"
           "  switchyard tail runs/demo -f            # until the run ends\n"
           "  switchyard tail runs/demo -n 100 --json";
  }
  void declare(OptionTable& options) override {
    options.positional("DIR", directory_, "run directory", ValueKind::kDirectory, Need::kRequired);
    options.flag("-f,--follow", follows_, "continue until the run ends");
    options.integer("-n,--lines", num_lines_, "logged steps to begin with [10]");
  }
  process::ExitCode run(const CommandContext& context) override {
    process::require_run(directory_);
    core::require(num_lines_ >= 0, "--lines must be at least 0, got {}", num_lines_);
    storage::RunReader reader(directory_);
    if (!reader.warning().empty()) {
      context.console.err << reader.warning() << '\n';
    }
    begin(reader);
    num_segments_ = reader.segments().size();
    while (true) {
      const bool was_running =
          process::is_locked(directory_);  // asked first, so that its last lines are read
      while (print_news(reader, context)) {
      }
      context.console.out.flush();
      if (!follows_ || !was_running || !context.console.out.good()) {
        return process::ExitCode::kOk;
      }
      std::this_thread::sleep_for(kPollInterval);
    }
  }

 private:
  /// Places the cursor before the last num_lines_ steps.
  void begin(storage::RunReader& reader) {
    const auto names = reader.metric_names();
    const bool has_loss = std::any_of(names.begin(), names.end(),
                                      [](const auto& name) { return name.name == "task_loss"; });
    if (!has_loss) {
      return;
    }
    const auto points = reader.series("task_loss");
    const auto wanted = static_cast<size_t>(num_lines_);
    if (points.size() > wanted) {
      step_ = wanted == 0 ? points.back().step : points[points.size() - wanted].step - 1;
    }
    const auto events = reader.events(0, INT64_MAX);
    for (const storage::Event& event : events) {
      if (event.step.value_or(0) <= step_) {
        event_ = event.id;
      }
    }
  }

  /// Prints what is new; false if nothing is.
  bool print_news(storage::RunReader& reader, const CommandContext& context) {
    const auto segments = reader.segments();
    if (segments.size() > num_segments_) {
      num_segments_ = segments.size();
      step_ = std::min(step_, segments.back().start_step - 1);  // steps are written again
    }
    const storage::LiveTail news = reader.tail(step_, event_);
    const bool is_new = news.last_step > step_ || news.last_event > event_;
    step_ = std::max(step_, news.last_step);
    event_ = std::max(event_, news.last_event);
    std::map<int64_t, std::map<std::string, double>> by_step;
    for (const auto& [metric, points] : news.metrics) {
      for (const storage::MetricPoint& point : points) {
        by_step[point.step][metric] = point.value;
      }
    }
    for (const auto& [step, values] : by_step) {
      print_step(context, step, values);
    }
    for (const storage::Event& event : news.events) {
      print_event(context, event);
    }
    return is_new;
  }

  static void print_step(const CommandContext& context, int64_t step,
                         const std::map<std::string, double>& values) {
    std::ostream& out = context.console.out;
    if (context.is_json) {
      render::JsonObject metrics;
      for (const auto& [metric, value] : values) {
        metrics.number(metric, value);
      }
      out << render::JsonObject::versioned().integer("step", step).object("metrics", metrics).line()
          << '\n';
      return;
    }
    fmt::print(out, "step {}", step);
    for (const auto& [metric, value] : values) {
      fmt::print(out, "  {} {:g}", render::printable(metric), value);
    }
    out << '\n';
  }

  static void print_event(const CommandContext& context, const storage::Event& event) {
    std::ostream& out = context.console.out;
    if (context.is_json) {
      render::JsonObject object = render::JsonObject::versioned();
      object.text("utc", figures::iso_time(event.utc_ns)).text("event", event.code);
      event.step ? object.integer("step", *event.step) : object.null("step");
      out << object.integer("level", event.level).text("message", event.message).line() << '\n';
      return;
    }
    fmt::print(out, "{}  {}: {}\n", figures::utc_text(event.utc_ns), render::printable(event.code),
               render::printable(event.message));
  }

  std::string directory_;
  bool follows_ = false;
  int64_t num_lines_ = 10;
  int64_t step_ = 0;
  int64_t event_ = 0;
  size_t num_segments_ = 0;
};

}  // namespace

std::unique_ptr<Command> make_tail_command() {
  return std::make_unique<TailCommand>();
}

}  // namespace switchyard::cli
