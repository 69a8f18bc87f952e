#include "sweep/run_measures.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <storage/run_reader.h>
#include <string>

namespace switchyard::sweep {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kLastLosses = 10;
constexpr size_t kLastSummaries = 20;

/// The points of a metric; empty if it was never logged.
std::vector<storage::MetricPoint> points_of(storage::RunReader& reader, const std::string& metric) {
  const auto names = reader.metric_names();
  const bool is_there =
      std::any_of(names.begin(), names.end(), [&](const auto& one) { return one.name == metric; });
  return is_there ? reader.series(metric) : std::vector<storage::MetricPoint>{};
}

double mean_of_last(const std::vector<double>& values, size_t count) {
  const size_t used = std::min(values.size(), count);
  double sum = 0.0;
  for (size_t i = values.size() - used; i < values.size(); ++i) {
    sum += values[i];
  }
  return used == 0 ? kNone : sum / static_cast<double>(used);
}

double median_of(std::vector<double> values) {
  if (values.empty()) {
    return kNone;
  }
  std::ranges::sort(values);
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
}

std::vector<double> values_of(const std::vector<storage::MetricPoint>& points) {
  std::vector<double> values;
  for (const storage::MetricPoint& point : points) {
    values.push_back(point.value);
  }
  return values;
}

/// Measures the balance of the last logged steps, averaged over layers with more than one expert.
void measure_balance(storage::RunReader& reader, RunMeasures& measures) {
  std::vector<double> importance;
  std::vector<double> load;
  std::vector<double> overload;
  for (const storage::Layer& layer : reader.layers()) {
    if (layer.num_experts < 2) {
      continue;
    }
    const auto summaries = reader.expert_summaries(layer.name);
    const size_t first = summaries.size() - std::min(summaries.size(), kLastSummaries);
    for (size_t i = first; i < summaries.size(); ++i) {
      importance.push_back(std::sqrt(summaries[i].cv2_importance));
      load.push_back(std::sqrt(summaries[i].cv2_load));
      overload.push_back(summaries[i].max_over_mean);
    }
  }
  measures.cv_importance = mean_of_last(importance, importance.size());
  measures.cv_load = mean_of_last(load, load.size());
  measures.max_over_mean_load = mean_of_last(overload, overload.size());
}

/// Measures the steps that count; steps that a resume repeated belong to the newer segment.
/// Returns the words trained on until each step.
std::map<int64_t, int64_t> measure_steps(storage::RunReader& reader, RunMeasures& measures) {
  constexpr double kNanoseconds = 1e9;
  std::map<int64_t, int64_t> words_until;
  std::map<int64_t, int64_t> end_of_segment;
  for (const storage::StepTime& step : reader.step_times()) {
    measures.words += step.tokens;
    measures.step = step.step;
    words_until[step.step] = measures.words;
    end_of_segment[step.seg] = step.utc_ns;
  }
  for (const storage::Segment& segment : reader.segments()) {
    const auto end = end_of_segment.find(segment.seg);
    if (end != end_of_segment.end()) {
      measures.seconds += static_cast<double>(end->second - segment.start_utc_ns) / kNanoseconds;
    }
  }
  return words_until;
}

}  // namespace

RunMeasures measure_run(const std::filesystem::path& directory) {
  storage::RunReader reader(directory);
  RunMeasures measures;
  const std::map<int64_t, int64_t> words_until = measure_steps(reader, measures);
  measures.words_per_second = median_of(values_of(points_of(reader, "words_per_second")));
  measures.train_loss = mean_of_last(values_of(points_of(reader, "task_loss")), kLastLosses);
  measure_balance(reader, measures);
  for (const storage::MetricPoint& point : points_of(reader, "valid_perplexity")) {
    const auto words = words_until.find(point.step);
    if (words != words_until.end() && std::isfinite(point.value)) {
      measures.curve.push_back({words->second, point.value});
    }
  }
  return measures;
}

}  // namespace switchyard::sweep
