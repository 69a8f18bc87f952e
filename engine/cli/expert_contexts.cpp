#include "cli/expert_contexts.h"

#include <filesystem>
#include <memory>
#include <unistd.h>
#include <vector>

#include <fmt/ostream.h>

#include "analysis/expert_report.h"
#include "analysis/expert_report_html.h"
#include "analysis/expert_report_json.h"
#include "analysis/expert_report_text.h"
#include "analysis/routing_survey.h"
#include "core/error.h"
#include "core/file_io.h"
#include "data/dataset.h"
#include "data/sentence_domains.h"
#include "run/trained_model.h"

namespace switchyard::cli {
namespace {

constexpr size_t kExpertsInText = 32;
constexpr int kWidthElsewhere = 100;
constexpr int64_t kMostContexts = 1000;

void check(const ContextsRequest& request) {
  core::require(request.top >= 1 && request.top <= kMostContexts,
                "--top must lie between 1 and {}, got {}", kMostContexts, request.top);
  core::require(request.max_words >= 0 && request.window >= 0,
                "--words and --window must be at least 0, got {} and {}", request.max_words,
                request.window);
  core::require(request.min_support >= 1, "--support must be at least 1, got {}",
                request.min_support);
  const std::filesystem::path place = std::filesystem::path(request.html).parent_path();
  if (!place.empty() && !std::filesystem::is_directory(place)) {  // say so before the long pass
    core::fail(core::ErrorCode::kNotFound, "--html: there is no directory {}", place.string());
  }
}

/// The layers to report on. Throws Error(kNotFound) if there is none.
std::vector<layers::Routed*> layers_of(const ContextsRequest& request,
                                       const std::vector<layers::Routed*>& all) {
  std::vector<layers::Routed*> chosen;
  std::vector<std::string> names;
  for (layers::Routed* layer : all) {
    if (!layer->has_gate()) {
      continue;
    }
    names.push_back(layer->name());
    if (request.layer.empty() || layer->name() == request.layer) {
      chosen.push_back(layer);
    }
  }
  if (names.empty()) {
    core::fail(core::ErrorCode::kNotFound,
               "the model of {} has no MoE layer with a gate: all words take the same path",
               request.directory);
  }
  if (chosen.empty()) {
    core::fail(core::ErrorCode::kNotFound, "there is no MoE layer '{}' in {}; there are {}",
               request.layer, request.directory, fmt::join(names, ", "));
  }
  for (const layers::Routed* layer : chosen) {
    if (request.expert >= layer->num_experts()) {
      core::fail(core::ErrorCode::kNotFound, "there is no expert {} in {}; there are 0 to {}",
                 request.expert, layer->name(), layer->num_experts() - 1);
    }
  }
  return chosen;
}

analysis::ExpertReport make_report(const ContextsRequest& request) {
  run::TrainedModel model(request.directory, request.checkpoint, {});
  const std::vector<layers::Routed*> layers = layers_of(request, model.moe_layers());
  const data::Dataset& dataset = model.dataset();
  const data::Split& split = dataset.split(request.split);
  std::unique_ptr<data::SentenceDomains> domains;
  if (!request.domains.empty()) {
    domains = std::make_unique<data::SentenceDomains>(
        data::SentenceDomains::read(request.domains, split.num_sentences()));
  }
  analysis::RoutingSurvey survey(
      split, {.top_contexts = request.top, .max_words = request.max_words}, domains.get());
  const trainer::EvaluationReport evaluation =
      model.evaluate(request.split, request.max_words,
                     [&](const trainer::EvaluatedBatch& batch) { survey.add(batch, layers); });

  // Resolved, so that "." and "runs/demo/" have a name too.
  const std::filesystem::path absolute = std::filesystem::weakly_canonical(request.directory);
  analysis::ExpertReport report = {.run = absolute.filename().string(),
                                   .step = evaluation.step,
                                   .split = request.split,
                                   .num_words = evaluation.num_words,
                                   .nll_per_word = evaluation.nll_per_word};
  for (analysis::LayerSurvey& layer : survey.layers()) {
    report.layers.push_back(analysis::make_layer_report(
        layer, dataset, split, domains.get(),
        {.window = request.window, .min_support = request.min_support}));
  }
  return report;
}

/// The experts to print: the requested one, or as many as a person can read.
std::vector<int64_t> printed_experts(const ContextsRequest& request,
                                     const analysis::LayerReport& layer) {
  if (request.expert >= 0) {
    return {request.expert};
  }
  return request.html.empty() ? analysis::telling_experts(layer, kExpertsInText)
                              : std::vector<int64_t>();
}

void print_text(render::Console& console, const analysis::ExpertReport& report,
                const ContextsRequest& request) {
  const int width =
      console.out_terminal.is_terminal ? render::terminal_width(STDOUT_FILENO) : kWidthElsewhere;
  for (const analysis::LayerReport& layer : report.layers) {
    console.out << analysis::layer_summary_text(report, layer, console.out_terminal, width);
    const std::vector<int64_t> printed = printed_experts(request, layer);
    for (const int64_t expert : printed) {
      fmt::print(console.out, "\n{}",
                 analysis::expert_text(layer.experts[static_cast<size_t>(expert)],
                                       console.out_terminal, width));
    }
    if (printed.size() > 1 && printed.size() < layer.experts.size()) {
      fmt::print(console.err,
                 "shown: the {} of {} experts that tell the most of their words; --html and --json "
                 "have all, --expert N has one\n",
                 printed.size(), layer.experts.size());
    }
  }
}

}  // namespace

void declare_contexts(OptionTable& options, ContextsRequest& request) {
  options.flag("--contexts", request.is_wanted,
               "pass a text through a checkpoint and show the inputs of each expert");
  options.choice("--split", request.split, "with --contexts: which text [valid]",
                 {"valid", "test", "train"}, Need::kOptional);
  options.integer("--words", request.max_words,
                  "with --contexts: words of the text to use, from its start [0 = all]");
  options.integer("--top", request.top, "with --contexts: contexts per expert [10]");
  options.integer("--window", request.window, "with --contexts: words shown before and after [5]");
  options.integer("--support", request.min_support,
                  "with --contexts: how often an expert must get a word to list it [5]");
  options.integer("--checkpoint", request.checkpoint,
                  "with --contexts: checkpoint of this step [newest]");
  options.integer("--expert", request.expert, "with --contexts: print only this expert [all]");
  options.option("--domains", request.domains,
                 "with --contexts: FIRST TAB SENTENCES TAB NAME for ranges of the split",
                 ValueKind::kFile, Need::kOptional);
  options.option("--html", request.html, "with --contexts: write the whole report as one page",
                 ValueKind::kFile, Need::kOptional);
}

void require_no_contexts_option(const ContextsRequest& request) {
  const ContextsRequest plain;
  core::require(request.domains.empty() && request.html.empty() && request.split == plain.split &&
                    request.max_words == plain.max_words && request.top == plain.top &&
                    request.window == plain.window && request.min_support == plain.min_support &&
                    request.checkpoint == plain.checkpoint && request.expert == plain.expert,
                "--split, --words, --top, --window, --support, --checkpoint, --expert, --domains "
                "and --html need --contexts");
}

process::ExitCode show_contexts(const CommandContext& context, const ContextsRequest& request) {
  check(request);
  const analysis::ExpertReport report = make_report(request);
  if (!request.html.empty()) {
    core::PosixFileSystem files;
    core::durable_write_file(files, request.html, analysis::expert_report_html(report));
    fmt::print(context.console.err, "wrote {}\n", request.html);
  }
  if (!context.is_json) {
    print_text(context.console, report, request);
    return process::ExitCode::kOk;
  }
  for (const analysis::LayerReport& layer : report.layers) {
    context.console.out << analysis::layer_report_json(report, layer) << '\n';
  }
  return process::ExitCode::kOk;
}

}  // namespace switchyard::cli
