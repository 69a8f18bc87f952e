#include <algorithm>
#include <cmath>
#include <figures/expert_statistics.h>
#include <figures/number_text.h>
#include <memory>
#include <span>
#include <storage/run_reader.h>
#include <unistd.h>

#include <fmt/ostream.h>

#include "cli/commands.h"
#include "cli/expert_contexts.h"
#include "core/error.h"
#include "process/run_directory.h"
#include "render/heat_map.h"
#include "render/json_text.h"
#include "render/png_image.h"

namespace switchyard::cli {
namespace {

constexpr int64_t kMaxColumns = 1000;
constexpr int64_t kPngWidth = 1000;
constexpr int64_t kPngHeight = 512;
constexpr int kMaxLines = 24;
constexpr size_t kMaxListed = 16;

/// One layer at one step.
struct LayerView {
  storage::Layer layer;
  storage::ExpertBlob experts;
  storage::ExpertSummary summary;
  std::vector<int64_t> starved;  // experts with hardly any load
};

class ExpertsCommand : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "experts"; }
  [[nodiscard]] std::string summary() const override {
    return "Show which experts of a run live, starve or die";
  }
  [[nodiscard]] std::string examples() const override {
    return "  switchyard experts runs/demo\n"
           "  switchyard experts runs/demo --step 2000 --json\n"
           "  switchyard experts runs/demo --layer layers.1 --png experts.png\n"
           "  switchyard experts runs/demo --contexts --html experts.html\n"
           "  switchyard experts runs/demo --contexts --split test --domains authors.tsv --json";
  }
  void declare(OptionTable& options) override {
    options.positional("DIR", directory_, "run directory", ValueKind::kDirectory, Need::kRequired);
    options.integer("--step", step_, "the last logged step at or before this one [newest]");
    options.option("--layer", layer_, "one MoE layer [all]", ValueKind::kText, Need::kOptional);
    options.choice("--of", quantity_, "what the heat map shows [load]", {"load", "importance"},
                   Need::kOptional);
    options.option("--png", png_, "write the heat map, experts x steps, to this file",
                   ValueKind::kFile, Need::kOptional);
    declare_contexts(options, contexts_);
  }
  process::ExitCode run(const CommandContext& context) override {
    process::require_run(directory_);
    if (contexts_.is_wanted) {
      contexts_.directory = directory_;
      contexts_.layer = layer_;
      return show_contexts(context, contexts_);
    }
    require_no_contexts_option(contexts_);
    storage::RunReader reader(directory_);
    const std::vector<storage::Layer> layers = chosen_layers(reader);
    core::require(png_.empty() || layers.size() == 1,
                  "--png draws one layer: choose it with --layer; this run has {}",
                  names_of(layers));
    for (const storage::Layer& layer : layers) {
      const LayerView view = view_of(reader, layer);
      context.is_json ? print_json(context.console, view) : print_text(context.console, view);
      if (!context.is_json || !png_.empty()) {
        show_heat_map(context, reader, layer);
      }
    }
    return process::ExitCode::kOk;
  }

 private:
  static std::string names_of(const std::vector<storage::Layer>& layers) {
    std::vector<std::string> names;
    for (const storage::Layer& layer : layers) {
      names.push_back(layer.name);
    }
    return fmt::format("{}", fmt::join(names, ", "));
  }

  std::vector<storage::Layer> chosen_layers(storage::RunReader& reader) const {
    std::vector<storage::Layer> layers = reader.layers();
    if (layers.empty()) {
      core::fail(core::ErrorCode::kNotFound,
                 "{} has recorded no experts yet (train.expert_stats_every_steps)", directory_);
    }
    if (layer_.empty()) {
      return layers;
    }
    const std::string all = names_of(layers);
    std::erase_if(layers, [&](const storage::Layer& layer) { return layer.name != layer_; });
    if (layers.empty()) {
      core::fail(core::ErrorCode::kNotFound, "there is no MoE layer '{}' in {}; there are {}",
                 layer_, directory_, all);
    }
    return layers;
  }

  LayerView view_of(storage::RunReader& reader, const storage::Layer& layer) const {
    const std::vector<int64_t> steps = reader.expert_steps(layer.name);
    const auto after =
        step_ < 0 ? steps.end() : std::upper_bound(steps.begin(), steps.end(), step_);
    if (after == steps.begin()) {
      core::fail(core::ErrorCode::kNotFound, "the experts of {} were not recorded{}", layer.name,
                 step_ < 0 ? "" : fmt::format(" at or before step {}", step_));
    }
    const int64_t step = *(after - 1);
    LayerView view;
    view.layer = layer;
    view.experts = reader.experts(layer.name, step).value();
    view.starved = figures::starved_experts(view.experts.load);
    const auto summaries = reader.expert_summaries(layer.name, step, step);
    if (summaries.empty()) {
      core::fail(core::ErrorCode::kDamaged, "the experts of {} at step {} have no summary in {}",
                 layer.name, step, directory_);
    }
    view.summary = summaries.front();
    return view;
  }

  static void print_json(render::Console& console, const LayerView& view) {
    console.out << render::JsonObject::versioned()
                       .text("layer", view.layer.name)
                       .integer("step", view.experts.step)
                       .integer("num_experts", view.layer.num_experts)
                       .integer("top_k", view.layer.top_k)
                       .number("cv_importance", std::sqrt(view.summary.cv2_importance))
                       .number("cv_load", std::sqrt(view.summary.cv2_load))
                       .number("max_over_mean_load", view.summary.max_over_mean)
                       .integer("dead", view.summary.dead)
                       .integers("starved_experts", view.starved)
                       .numbers("importance", view.experts.importance)
                       .numbers("load", view.experts.load)
                       .line()
                << '\n';
  }

  static void print_text(render::Console& console, const LayerView& view) {
    fmt::print(console.out,
               "{}, step {}: {} experts, top {}\n"
               "  CV(importance)  {:.3f}\n"
               "  CV(load)        {:.3f}\n"
               "  max/mean load   {:.2f}\n"
               "  without a token {}\n"
               "  starved         {}\n",
               render::printable(view.layer.name), figures::grouped(view.experts.step),
               figures::grouped(view.layer.num_experts), view.layer.top_k,
               std::sqrt(view.summary.cv2_importance), std::sqrt(view.summary.cv2_load),
               view.summary.max_over_mean, figures::grouped(view.summary.dead),
               starved_text(view.starved));
  }

  /// "2  (0 7)": how many, and the first of them.
  static std::string starved_text(std::span<const int64_t> starved) {
    if (starved.empty()) {
      return "0";
    }
    const auto listed = starved.first(std::min(starved.size(), kMaxListed));
    return fmt::format("{}  ({}{})", starved.size(), fmt::join(listed, " "),
                       listed.size() < starved.size() ? " ..." : "");
  }

  void show_heat_map(const CommandContext& context, storage::RunReader& reader,
                     const storage::Layer& layer) const {
    const storage::HeatMap map = reader.heat_map(layer.name, 0, INT64_MAX, kMaxColumns);
    const figures::HeatMatrix shares = figures::fair_share_matrix(
        quantity_ == "load" ? map.load : map.importance, map.num_bins, map.num_experts);
    if (shares.columns == 0) {
      return;
    }
    if (!png_.empty()) {
      render::write_png(render::heat_map_image(shares, kPngWidth, kPngHeight), png_);
      fmt::print(context.console.err, "wrote {} (experts from top to bottom, steps {} to {})\n",
                 png_, map.columns.front().first_step, map.columns.back().first_step);
    }
    if (!context.is_json) {
      const int width =
          context.console.out_terminal.is_terminal ? render::terminal_width(STDOUT_FILENO) : 80;
      fmt::print(context.console.out,
                 "\n  {} over steps {} ... {}, expert 0 on top; from 1/8 (dark) to 8 (light) fair "
                 "shares\n{}\n",
                 quantity_, map.columns.front().first_step, map.columns.back().first_step,
                 render::heat_map_text(shares, context.console.out_terminal, width, kMaxLines));
    }
  }

  std::string directory_;
  int64_t step_ = -1;
  std::string layer_;
  std::string quantity_ = "load";
  std::string png_;
  ContextsRequest contexts_;
};

}  // namespace

std::unique_ptr<Command> make_experts_command() {
  return std::make_unique<ExpertsCommand>();
}

}  // namespace switchyard::cli
