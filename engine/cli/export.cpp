#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <storage/run_reader.h>

#include <fmt/ostream.h>

#include "cli/commands.h"
#include "core/error.h"
#include "process/run_directory.h"
#include "render/json_text.h"

namespace switchyard::cli {
namespace {

/// A number with enough digits to read back the same.
template <typename T>
std::string exact(T value) {
  if (std::isnan(value)) {
    return "nan";
  }
  return fmt::format("{:.{}g}", value, std::numeric_limits<T>::max_digits10);
}

/// A field of RFC 4180.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) {
    return text;
  }
  std::string quoted = "\"";
  for (const char c : text) {
    quoted += c == '"' ? "\"\"" : std::string(1, c);
  }
  return quoted + "\"";
}

class ExportCommand : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "export"; }
  [[nodiscard]] std::string summary() const override {
    return "Write a run's metrics or expert statistics as CSV";
  }
  [[nodiscard]] std::string examples() const override {
    return "  switchyard export runs/demo --csv > metrics.csv\n"
           "  switchyard export runs/demo --csv --experts > experts.csv\n"
           "  switchyard export runs/demo --json";
  }
  void declare(OptionTable& options) override {
    options.positional("DIR", directory_, "run directory", ValueKind::kDirectory, Need::kRequired);
    options.flag("--csv", is_csv_, "comma-separated values (the default)");
    options.flag("--experts", of_experts_,
                 "importance and load of every expert instead of metrics");
  }
  process::ExitCode run(const CommandContext& context) override {
    core::require(!(is_csv_ && context.is_json), "choose one of --csv and --json");
    process::require_run(directory_);
    storage::RunReader reader(directory_);
    of_experts_ ? export_experts(reader, context) : export_metrics(reader, context);
    return process::ExitCode::kOk;
  }

 private:
  static void export_metrics(storage::RunReader& reader, const CommandContext& context) {
    std::vector<std::string> names;
    std::map<int64_t, std::map<std::string, double>> by_step;
    for (const storage::MetricName& metric : reader.metric_names()) {
      names.push_back(metric.name);
      for (const storage::MetricPoint& point : reader.series(metric.name)) {
        by_step[point.step][metric.name] = point.value;
      }
    }
    std::ostream& out = context.console.out;
    if (!context.is_json) {
      out << "step";
      for (const std::string& metric : names) {
        fmt::print(out, ",{}", csv_field(metric));
      }
      out << '\n';
    }
    for (const auto& [step, values] : by_step) {
      context.is_json ? print_json(out, step, values) : print_csv(out, step, names, values);
    }
  }

  static void print_csv(std::ostream& out, int64_t step, const std::vector<std::string>& names,
                        const std::map<std::string, double>& values) {
    out << step;
    for (const std::string& metric : names) {
      const auto value = values.find(metric);
      fmt::print(out, ",{}", value == values.end() ? "" : exact(value->second));
    }
    out << '\n';
  }

  static void print_json(std::ostream& out, int64_t step,
                         const std::map<std::string, double>& values) {
    render::JsonObject metrics;
    for (const auto& [metric, value] : values) {
      metrics.number(metric, value);
    }
    out << render::JsonObject::versioned().integer("step", step).object("metrics", metrics).line()
        << '\n';
  }

  static void export_experts(storage::RunReader& reader, const CommandContext& context) {
    std::ostream& out = context.console.out;
    if (!context.is_json) {
      out << "layer,step,expert,importance,load\n";
    }
    for (const storage::Layer& layer : reader.layers()) {
      for (const int64_t step : reader.expert_steps(layer.name)) {
        const auto blob = reader.experts(layer.name, step);
        if (!blob) {
          continue;  // thinned out since it was listed
        }
        if (context.is_json) {
          out << render::JsonObject::versioned()
                     .text("layer", layer.name)
                     .integer("step", step)
                     .numbers("importance", blob->importance)
                     .numbers("load", blob->load)
                     .line()
              << '\n';
          continue;
        }
        for (size_t expert = 0; expert < blob->importance.size(); ++expert) {
          fmt::print(out, "{},{},{},{},{}\n", csv_field(layer.name), step, expert,
                     exact(blob->importance[expert]), exact(blob->load[expert]));
        }
      }
    }
  }

  std::string directory_;
  bool is_csv_ = false;
  bool of_experts_ = false;
};

}  // namespace

std::unique_ptr<Command> make_export_command() {
  return std::make_unique<ExportCommand>();
}

}  // namespace switchyard::cli
