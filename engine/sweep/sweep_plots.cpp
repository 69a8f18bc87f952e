#include "sweep/sweep_plots.h"

#include <algorithm>
#include <cmath>
#include <figures/number_text.h>
#include <limits>
#include <map>

#include <fmt/core.h>

namespace switchyard::sweep {
namespace {

/// The title and axes of a kind of plot.
struct PlotForm {
  const char* title;
  const char* x_title;
  const char* y_title;
  figures::AxisScale x_scale;
  figures::AxisScale y_scale;
};

PlotForm form_of(PlotKind kind) {
  switch (kind) {
    case PlotKind::kPerplexityVsParameters:
      return {"Perplexity against parameters", "parameters without embedding and softmax",
              "test perplexity", figures::AxisScale::kLog10, figures::AxisScale::kLinear};
    case PlotKind::kPerplexityVsOps:
      return {"Perplexity against computation", "multiply-adds per word, without softmax",
              "test perplexity", figures::AxisScale::kLog10, figures::AxisScale::kLinear};
    case PlotKind::kPerplexityVsWords:
      return {"Perplexity during training", "words trained on", "valid perplexity",
              figures::AxisScale::kLinear, figures::AxisScale::kLog10};
    case PlotKind::kThroughputVsExperts:
      return {"Speed against experts", "experts", "words per second in training",
              figures::AxisScale::kLog2, figures::AxisScale::kLinear};
  }
  return {};
}

double x_of(PlotKind kind, const PlannedRun& run) {
  switch (kind) {
    case PlotKind::kPerplexityVsParameters:
      return static_cast<double>(run.model.parameters_excluding_embedding_softmax);
    case PlotKind::kPerplexityVsOps:
      return run.model.ops_per_timestep;
    default:
      return static_cast<double>(run.num_experts);
  }
}

/// The range of some values.
class Range {
 public:
  void add(double value) {
    low_ = std::min(low_, value);
    high_ = std::max(high_, value);
  }
  /// "8.39M", "8.39M to 8.93M", or "" without a value.
  [[nodiscard]] std::string text() const {
    if (low_ > high_) {
      return "";
    }
    const std::string low = figures::compact(low_);
    const std::string high = figures::compact(high_);
    return low == high ? low : fmt::format("{} to {}", low, high);
  }

 private:
  double low_ = std::numeric_limits<double>::infinity();
  double high_ = -low_;
};

class PlotMaker {
 public:
  PlotMaker(const SweepPlan& plan, size_t index, const std::vector<RunResult>& results)
      : plan_(plan), request_(plan.file.plots[index]), results_(results) {
    const PlotForm form = form_of(request_.kind);
    plot_.title = request_.title.empty() ? form.title : request_.title;
    plot_.x_title = form.x_title;
    plot_.y_title = form.y_title;
    plot_.x_scale = form.x_scale;
    plot_.y_scale = form.y_scale;
    for (size_t series = 0; series < plan.plot_groups[index].size(); ++series) {
      add_groups(series, plan.plot_groups[index][series]);
    }
  }

  render::Plot plot() {
    if (request_.kind == PlotKind::kPerplexityVsWords) {
      cut_beginnings();
    }
    const std::string words = words_.text();
    const std::string trained = words.empty() ? "" : fmt::format("{} words of training", words);
    if (request_.kind == PlotKind::kPerplexityVsParameters) {
      plot_.subtitle = joined(ops_.text(), " multiply-adds per word", trained);
    } else if (request_.kind == PlotKind::kPerplexityVsOps) {
      plot_.subtitle = joined(parameters_.text(), " parameters", trained);
    }
    return std::move(plot_);
  }

 private:
  static std::string joined(const std::string& range, const char* unit, const std::string& more) {
    return range.empty() ? ""
                         : fmt::format("{}{}{}{}", range, unit, more.empty() ? "" : "; ", more);
  }

  void add_groups(size_t series, const std::vector<size_t>& groups) {
    if (request_.kind == PlotKind::kPerplexityVsWords) {
      plot_.marks = render::PlotMarks::kLines;
      for (const size_t group : groups) {
        add_curve(plan_.groups[group]);
      }
      return;
    }
    render::PlotSeries made;
    made.label = series < request_.series.size() ? request_.series[series].label : "";
    for (const size_t group : groups) {
      add_point(plan_.groups[group], made);
    }
    std::stable_sort(
        made.points.begin(), made.points.end(),
        [](const render::PlotPoint& a, const render::PlotPoint& b) { return a.x < b.x; });
    plot_.series.push_back(std::move(made));
  }

  void add_curve(const PlannedGroup& group) {
    render::PlotSeries curve;
    curve.label = group.label;
    if (const auto best = best_run(group, results_); best && results_[*best].measures) {
      for (const CurvePoint& point : results_[*best].measures->curve) {
        curve.points.push_back({static_cast<double>(point.words), point.perplexity, ""});
      }
      plot_.series.push_back(std::move(curve));
    }
  }

  /// Cuts the steep start of the curves, which would leave no room for the differences at the end.
  void cut_beginnings() {
    constexpr double kHighest = 2.0;  // times the lowest perplexity of all
    constexpr size_t kAlways = 2;     // points at the end of each curve
    double lowest = std::numeric_limits<double>::infinity();
    for (const render::PlotSeries& curve : plot_.series) {
      for (const render::PlotPoint& point : curve.points) {
        lowest = std::min(lowest, point.y);
      }
    }
    for (render::PlotSeries& curve : plot_.series) {
      auto first = curve.points.begin();
      while (curve.points.end() - first > static_cast<std::ptrdiff_t>(kAlways) &&
             first->y > kHighest * lowest) {
        ++first;
      }
      curve.points.erase(curve.points.begin(), first);
    }
  }

  void add_point(const PlannedGroup& group, render::PlotSeries& series) {
    const auto best = best_run(group, results_);
    if (!best || !results_[*best].measures) {
      return;
    }
    const PlannedRun& run = plan_.runs[*best];
    const RunResult& result = results_[*best];
    const bool is_speed = request_.kind == PlotKind::kThroughputVsExperts;
    series.points.push_back({x_of(request_.kind, run),
                             is_speed ? result.measures->words_per_second : perplexity_of(result),
                             group.label});
    ops_.add(run.model.ops_per_timestep);
    parameters_.add(static_cast<double>(run.model.parameters_excluding_embedding_softmax));
    words_.add(static_cast<double>(result.measures->words));
  }

  const SweepPlan& plan_;
  const PlotRequest& request_;
  const std::vector<RunResult>& results_;
  render::Plot plot_;
  Range ops_;
  Range parameters_;
  Range words_;
};

}  // namespace

render::Plot make_plot(const SweepPlan& plan, size_t index, const std::vector<RunResult>& results) {
  return PlotMaker(plan, index, results).plot();
}

std::vector<std::string> picture_names(const SweepPlan& plan) {
  std::map<PlotKind, int> count;
  std::vector<std::string> names;
  for (const PlotRequest& plot : plan.file.plots) {
    const int number = ++count[plot.kind];
    const std::string suffix = number == 1 ? "" : fmt::format("-{}", number);
    names.push_back(fmt::format("{}{}.svg", name_of(plot.kind), suffix));
  }
  return names;
}

double perplexity_of(const RunResult& result) {
  if (result.record.test) {
    return result.record.test->perplexity;
  }
  return result.record.valid ? result.record.valid->perplexity
                             : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace switchyard::sweep
