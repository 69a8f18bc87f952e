#include <algorithm>
#include <figures/expert_statistics.h>
#include <figures/number_text.h>
#include <memory>
#include <storage/run_reader.h>
#include <unistd.h>

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
  figures::ExpertStatistics statistics;
  int64_t dead = -1;  // experts without a token; -1: not known
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
    std::string names;
    for (const storage::Layer& layer : layers) {
      names += (names.empty() ? "" : ", ") + layer.name;
    }
    return names;
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
    view.statistics = figures::expert_statistics(view.experts.importance, view.experts.load);
    for (const auto& summary : reader.expert_summaries(layer.name, step, step)) {
      view.dead = summary.dead;
      view.statistics.max_over_mean_load = summary.max_over_mean;
    }
    return view;
  }

  static void print_json(render::Console& console, const LayerView& view) {
    console.out << render::JsonObject::versioned()
                       .text("layer", view.layer.name)
                       .integer("step", view.experts.step)
                       .integer("num_experts", view.layer.num_experts)
                       .integer("top_k", view.layer.top_k)
                       .number("cv_importance", view.statistics.cv_importance)
                       .number("cv_load", view.statistics.cv_load)
                       .number("max_over_mean_load", view.statistics.max_over_mean_load)
                       .integer("dead", view.dead)
                       .integers("starved_experts", view.statistics.starved)
                       .numbers("importance", view.experts.importance)
                       .numbers("load", view.experts.load)
                       .line()
                << '\n';
  }

  static void print_text(render::Console& console, const LayerView& view) {
    std::ostream& out = console.out;
    out << render::printable(view.layer.name) << ", step " << figures::grouped(view.experts.step)
        << ": " << figures::grouped(view.layer.num_experts) << " experts, top " << view.layer.top_k
        << '\n';
    out << "  CV(importance)  " << figures::fixed(view.statistics.cv_importance, 3) << '\n';
    out << "  CV(load)        " << figures::fixed(view.statistics.cv_load, 3) << '\n';
    out << "  max/mean load   " << figures::fixed(view.statistics.max_over_mean_load, 2) << '\n';
    out << "  without a token " << (view.dead < 0 ? "-" : figures::grouped(view.dead)) << '\n';
    out << "  starved         " << view.statistics.starved.size();
    for (size_t i = 0; i < std::min(view.statistics.starved.size(), kMaxListed); ++i) {
      out << (i == 0 ? "  (" : " ") << view.statistics.starved[i];
    }
    const size_t listed = view.statistics.starved.size();
    out << (listed == 0 ? "" : (listed > kMaxListed ? " ...)" : ")")) << '\n';
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
      context.console.err << "wrote " << png_ << " (experts from top to bottom, steps "
                          << map.columns.front().first_step << " to "
                          << map.columns.back().first_step << ")\n";
    }
    if (!context.is_json) {
      const int width =
          context.console.out_terminal.is_terminal ? render::terminal_width(STDOUT_FILENO) : 80;
      context.console.out << "\n  " << quantity_ << " over steps " << map.columns.front().first_step
                          << " ... " << map.columns.back().first_step
                          << ", expert 0 on top; from 1/8 (dark) to 8 (light) fair shares\n"
                          << render::heat_map_text(shares, context.console.out_terminal, width,
                                                   kMaxLines)
                          << '\n';
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
