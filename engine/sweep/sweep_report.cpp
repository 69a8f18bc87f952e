#include "sweep/sweep_report.h"

#include <algorithm>
#include <cmath>
#include <figures/number_text.h>
#include <limits>

#include "core/error.h"
#include "core/file_io.h"
#include "sweep/sweep_plots.h"

namespace switchyard::sweep {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kEqualOps = 1.15;  // largest ratio of ops of computation-matched points

using Row = std::vector<std::string>;

std::string cell(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '|') {
      safe += "\\|";
    } else {
      safe += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return safe;
}

/// A table with a column of text followed by columns of numbers.
std::string markdown_table(const std::vector<Row>& rows) {
  std::string text;
  for (size_t i = 0; i < rows.size(); ++i) {
    text += "|";
    for (const std::string& one : rows[i]) {
      text += fmt::format(" {} |", cell(one));
    }
    text += "\n";
    if (i == 0) {
      text += "|---|";
      for (size_t column = 1; column < rows[0].size(); ++column) {
        text += "---:|";
      }
      text += "\n";
    }
  }
  return text + "\n";
}

std::string number(double value, int digits) {
  return std::isfinite(value) ? figures::fixed(value, digits) : "–";
}

std::string perplexity(const std::optional<Evaluation>& evaluation) {
  return evaluation ? number(evaluation->perplexity, 2) : "–";
}

/// A weight as a person writes it: 0.1, not 0.10.
std::string weight(double value) {
  return std::isnan(value) ? "–" : core::setting_text(value);
}

class Report {
 public:
  Report(const SweepPlan& plan, const std::vector<RunResult>& results)
      : plan_(plan), results_(results) {
    for (const PlannedGroup& group : plan.groups) {
      best_.push_back(best_run(group, results));
    }
  }

  std::string text() {
    add_head();
    add_points();
    add_matched();
    add_tables();
    add_plots();
    add_searches();
    add_missing();
    return text_;
  }

 private:
  void add_head() {
    const std::string& title = plan_.file.title;
    text_ += fmt::format("# {}\n\n", title.empty() ? plan_.file.path.stem().string() : title);
    if (!plan_.file.description.empty()) {
      text_ += fmt::format("{}\n\n", plan_.file.description);
    }
    const auto done = std::count_if(results_.begin(), results_.end(), [](const RunResult& result) {
      return result.next == RunPhase::kDone;
    });
    text_ += fmt::format("{} of {} runs are done. Made by `switchyard sweep {}`.\n\n", done,
                         results_.size(), plan_.file.path.filename().string());
  }

  [[nodiscard]] const PlannedRun& run_of(size_t group) const { return plan_.runs[*best_[group]]; }
  [[nodiscard]] const RunResult& result_of(size_t group) const { return results_[*best_[group]]; }
  [[nodiscard]] RunMeasures measures_of(size_t group) const {
    return result_of(group).measures.value_or(RunMeasures{});
  }

  void add_points() {
    std::vector<Row> rows = {{"point", "parameters", "ops/timestep", "words", "words/s",
                              "train loss", "valid ppl", "test ppl", "CV(importance)", "CV(load)",
                              "max/mean load", "time"}};
    for (size_t group = 0; group < plan_.groups.size(); ++group) {
      if (!best_[group]) {
        continue;
      }
      const RunMeasures measures = measures_of(group);
      const analysis::ModelDescription& model = run_of(group).model;
      rows.push_back(
          {plan_.groups[group].label,
           figures::compact(static_cast<double>(model.parameters_excluding_embedding_softmax)),
           figures::compact(model.ops_per_timestep),
           figures::compact(static_cast<double>(measures.words)),
           number(measures.words_per_second, 0), number(measures.train_loss, 3),
           perplexity(result_of(group).record.valid), perplexity(result_of(group).record.test),
           number(measures.cv_importance, 2), number(measures.cv_load, 2),
           number(measures.max_over_mean_load, 2), figures::duration_text(measures.seconds)});
    }
    if (rows.size() == 1) {
      return;
    }
    text_ += fmt::format(
        "## Points\n\n{}"
        "Parameters are counted without embedding and softmax; ops/timestep are multiply-adds of "
        "one word's forward pass without the softmax. Perplexity is per word, `</s>` counted, "
        "with the full softmax. The train loss (nats per word) is the mean of the last ten "
        "logged steps, with dropout; balance is the mean of the last twenty, max/mean load "
        "counts tokens. Speed is the median over the run; time contains evaluations and "
        "checkpoints.\n\n",
        markdown_table(rows));
  }

  /// Compares points of equal computation, the smallest model first.
  void add_matched() {
    std::vector<size_t> order;
    for (size_t group = 0; group < best_.size(); ++group) {
      if (best_[group] && std::isfinite(perplexity_of(result_of(group)))) {
        order.push_back(group);
      }
    }
    const auto ops = [&](size_t group) { return run_of(group).model.ops_per_timestep; };
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return ops(a) < ops(b); });
    std::string tables;
    for (size_t begin = 0; begin < order.size();) {
      size_t end = begin;
      while (end < order.size() && ops(order[end]) <= kEqualOps * ops(order[begin])) {
        ++end;
      }
      if (end - begin > 1) {
        tables += matched_table({order.begin() + static_cast<std::ptrdiff_t>(begin),
                                 order.begin() + static_cast<std::ptrdiff_t>(end)});
      }
      begin = end;
    }
    if (!tables.empty()) {
      text_ += fmt::format(
          "## At equal computation\n\nPoints whose ops/timestep lie within 15 %, the smallest "
          "model first.\n\n{}",
          tables);
    }
  }

  std::string matched_table(std::vector<size_t> groups) {
    const auto size = [&](size_t group) {
      return run_of(group).model.parameters_excluding_embedding_softmax;
    };
    double low = std::numeric_limits<double>::infinity();
    double high = 0.0;
    for (const size_t group : groups) {
      low = std::min(low, run_of(group).model.ops_per_timestep);
      high = std::max(high, run_of(group).model.ops_per_timestep);
    }
    std::stable_sort(groups.begin(), groups.end(),
                     [&](size_t a, size_t b) { return size(a) < size(b); });
    const double first = perplexity_of(result_of(groups[0]));
    std::vector<Row> rows = {{"point", "experts", "parameters", "perplexity", "against the first"}};
    for (const size_t group : groups) {
      const double here = perplexity_of(result_of(group));
      const double change = 100.0 * (here / first - 1.0);
      rows.push_back(
          {plan_.groups[group].label, figures::grouped(run_of(group).num_experts),
           figures::compact(static_cast<double>(size(group))), figures::fixed(here, 2),
           group == groups[0] ? "" : fmt::format("{}{:.1f} %", change > 0.0 ? "+" : "", change)});
    }
    const std::string from = figures::compact(low);
    const std::string to = figures::compact(high);
    return fmt::format("{} ops/timestep:\n\n{}",
                       from == to ? from : fmt::format("{} to {}", from, to), markdown_table(rows));
  }

  void add_tables() {
    for (size_t i = 0; i < plan_.file.tables.size(); ++i) {
      const std::string& title = plan_.file.tables[i].title;
      text_ += fmt::format("## {}\n\n", title.empty() ? "Balance of the experts" : cell(title));
      std::vector<Row> rows = {{"point", "w_importance", "w_load", "test perplexity",
                                "CV(Importance)", "CV(Load)", "max(Load)/mean(Load)"}};
      for (const size_t group : plan_.table_groups[i]) {
        if (!best_[group]) {
          continue;
        }
        const RunMeasures measures = measures_of(group);
        rows.push_back({plan_.groups[group].label, weight(run_of(group).w_importance),
                        weight(run_of(group).w_load), number(perplexity_of(result_of(group)), 2),
                        number(measures.cv_importance, 2), number(measures.cv_load, 2),
                        number(measures.max_over_mean_load, 2)});
      }
      text_ += markdown_table(rows);
    }
  }

  void add_plots() {
    const std::vector<std::string> names = picture_names(plan_);
    for (size_t i = 0; i < names.size(); ++i) {
      const std::string title = cell(make_plot(plan_, i, results_).title);
      text_ += fmt::format("## {0}\n\n![{0}]({1})\n\n", title, names[i]);
    }
  }

  void add_searches() {
    std::string searches;
    for (size_t group = 0; group < plan_.groups.size(); ++group) {
      const std::vector<size_t>& runs = plan_.groups[group].runs;
      if (runs.size() < 2) {
        continue;
      }
      std::vector<Row> rows = {{"tried", "valid ppl", "test ppl", ""}};
      for (const size_t run : runs) {
        std::string tried;
        for (const Assignment& one : plan_.runs[run].searched) {
          tried += (tried.empty() ? "" : ", ") + short_text(one);
        }
        const bool is_done = results_[run].next == RunPhase::kDone;
        rows.push_back(
            {tried, perplexity(results_[run].record.valid), perplexity(results_[run].record.test),
             best_[group] == run ? "chosen" : (is_done ? "" : status_text(results_[run]))});
      }
      searches += fmt::format("{}:\n\n{}", plan_.groups[group].label, markdown_table(rows));
    }
    if (!searches.empty()) {
      text_ += fmt::format(
          "## What was searched\n\nThe lowest valid perplexity stands for a point everywhere "
          "above.\n\n{}",
          searches);
    }
  }

  void add_missing() {
    std::string list;
    for (size_t run = 0; run < results_.size(); ++run) {
      const RunResult& result = results_[run];
      if (result.next == RunPhase::kDone) {
        continue;
      }
      const std::string step =
          result.measures
              ? fmt::format(" at step {} of {}", figures::grouped(result.measures->step),
                            figures::grouped(plan_.runs[run].steps))
              : "";
      const std::string& failure = result.record.failure;
      list += fmt::format("- {}: {}{}{}{}\n", plan_.runs[run].name, status_text(result), step,
                          failure.empty() ? "" : ": ", cell(failure));
    }
    text_ += list.empty() ? "" : fmt::format("## Not done\n\n{}\n", list);
  }

  const SweepPlan& plan_;
  const std::vector<RunResult>& results_;
  std::vector<std::optional<size_t>> best_;  // of each group
  std::string text_;
};

void add_evaluation(render::JsonObject& json, const std::string& split,
                    const std::optional<Evaluation>& evaluation) {
  json.number(fmt::format("{}_perplexity", split), evaluation ? evaluation->perplexity : kNone);
}

}  // namespace

std::string report_text(const SweepPlan& plan, const std::vector<RunResult>& results) {
  return Report(plan, results).text();
}

void write_report(const SweepPlan& plan, const std::vector<RunResult>& results,
                  const SweepPaths& paths) {
  core::PosixFileSystem files;
  const std::vector<std::string> names = picture_names(plan);
  for (size_t i = 0; i < names.size(); ++i) {
    core::durable_write_file(files, paths.root / names[i],
                             render::svg_text(make_plot(plan, i, results)));
  }
  core::durable_write_file(files, paths.report(), report_text(plan, results));
}

render::JsonObject result_json(const SweepPlan& plan, size_t run, const RunResult& result) {
  const PlannedRun& planned = plan.runs[run];
  render::JsonObject json = render::JsonObject::versioned();
  json.text("event", "point").text("name", planned.name).text("status", status_text(result));
  json.integer("parameters_excluding_embedding_softmax",
               planned.model.parameters_excluding_embedding_softmax)
      .integer("ops_per_timestep", std::llround(planned.model.ops_per_timestep))
      .integer("experts", planned.num_experts);
  add_evaluation(json, "valid", result.record.valid);
  add_evaluation(json, "test", result.record.test);
  if (result.measures) {
    json.integer("step", result.measures->step)
        .integer("words", result.measures->words)
        .number("words_per_second", result.measures->words_per_second)
        .number("train_loss", result.measures->train_loss)
        .number("cv_importance", result.measures->cv_importance)
        .number("cv_load", result.measures->cv_load)
        .number("max_over_mean_load", result.measures->max_over_mean_load)
        .number("seconds", result.measures->seconds);
  }
  if (!result.record.failure.empty()) {
    json.text("failure", result.record.failure);
  }
  return json;
}

std::string status_text(const RunResult& result) {
  if (result.next == RunPhase::kDone) {
    return "done";
  }
  if (!result.record.failure.empty()) {
    return "failed";
  }
  return result.measures ? "unfinished" : "not started";
}

}  // namespace switchyard::sweep
