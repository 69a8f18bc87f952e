#include "analysis/routing_survey.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "core/error.h"

namespace switchyard::analysis {

using data::SentenceDomains;
using data::Vocabulary;

int32_t place_of(int64_t words_before) {
  return std::min<int32_t>(std::bit_width(static_cast<uint64_t>(words_before)), kNumPlaces - 1);
}

RoutingSurvey::RoutingSurvey(const data::Split& split, const SurveyOptions& options,
                             const SentenceDomains* domains)
    : split_(split), options_(options) {
  core::require(options.top_contexts >= 0 && options.num_shuffles >= 0,
                "RoutingSurvey: top_contexts and num_shuffles must be 0 or more, got {} and {}",
                options.top_contexts, options.num_shuffles);
  if (domains == nullptr) {
    return;
  }
  domains_ = domains->of_sentences();
  core::require(static_cast<int64_t>(domains_.size()) == split.num_sentences(),
                "RoutingSurvey: the domains must be of the split's {} sentences, got {}",
                split.num_sentences(), domains_.size());
  // Deal only among the sentences of the pass.
  const std::span<const uint64_t> starts = split.sentence_starts();
  const int64_t count = options.max_words == 0
                            ? split.num_sentences()
                            : std::lower_bound(starts.begin(), starts.end() - 1,
                                               static_cast<uint64_t>(options.max_words)) -
                                  starts.begin();
  for (int i = 0; i < options.num_shuffles; ++i) {
    shuffled_.push_back(domains->shuffled(count, options.shuffle_seed + static_cast<uint64_t>(i)));
  }
}

namespace {

const layers::MoeTrace& trace_of(const layers::Routed& layer,
                                 std::span<const layers::MoeTrace> traces) {
  const auto found = std::find_if(traces.begin(), traces.end(),
                                  [&](const layers::MoeTrace& t) { return t.layer == &layer; });
  core::require(found != traces.end(), "RoutingSurvey: {} must have routed the batch",
                layer.name());
  return *found;
}

}  // namespace

void RoutingSurvey::add(const trainer::EvaluatedBatch& batch,
                        std::span<layers::Routed* const> layers) {
  core::require(static_cast<int64_t>(batch.positions.size()) == batch.batch.tokens.count(),
                "RoutingSurvey: there must be a position for each of the batch's {} rows, got {}",
                batch.batch.tokens.count(), batch.positions.size());
  add_layers(layers);
  read_inputs(batch);
  size_t next = 0;
  for (const layers::Routed* layer : layers) {
    if (layer->has_gate()) {
      add_layer(trace_of(*layer, batch.traces), batch.batch.tokens.count(), layers_[next++]);
    }
  }
}

void RoutingSurvey::add_layers(std::span<layers::Routed* const> layers) {
  if (!layers_.empty()) {
    return;
  }
  for (const layers::Routed* layer : layers) {
    if (layer->has_gate()) {
      const auto E = static_cast<size_t>(layer->num_experts());
      LayerSurvey survey;
      survey.layer = layer->name();
      survey.num_experts = layer->num_experts();
      survey.top_k = std::lround(layer->experts_per_token());
      survey.rows.resize(E);
      survey.gate_weight.resize(E);
      survey.contexts.resize(E);
      survey.shuffled_domains.resize(shuffled_.size());
      layers_.push_back(std::move(survey));
    }
  }
}

void RoutingSurvey::read_inputs(const trainer::EvaluatedBatch& batch) {
  inputs_.clear();
  const std::span<const uint64_t> starts = split_.sentence_starts();
  const auto* tokens = batch.batch.tokens.data<int32_t>();
  for (size_t row = 0; row < batch.positions.size(); ++row) {
    const int64_t position = batch.positions[row];
    if (position < 0) {
      continue;  // padding
    }
    const auto after =
        std::upper_bound(starts.begin(), starts.end(), static_cast<uint64_t>(position));
    const int64_t sentence = after - starts.begin() - 1;
    const auto start = static_cast<int64_t>(starts[static_cast<size_t>(sentence)]);
    inputs_.push_back({.row = static_cast<int64_t>(row),
                       .position = position,
                       .sentence = sentence,
                       .word = tokens[row],
                       .place = place_of(position - start)});
  }
}

void RoutingSurvey::add_layer(const layers::MoeTrace& trace, int64_t num_rows,
                              LayerSurvey& survey) const {
  const layers::Routing& routing = trace.routing;
  const int64_t K = routing.expert_index.size(1);
  core::require(routing.expert_index.size(0) == num_rows,
                "RoutingSurvey: {} must have routed the batch's {} rows, it has routed {}",
                trace.layer->name(), num_rows, routing.expert_index.size(0));
  const auto* experts = routing.expert_index.data<int32_t>();
  const auto* weights = routing.gate_weight.data<float>();
  survey.num_inputs += static_cast<int64_t>(inputs_.size());
  for (const Input& input : inputs_) {
    for (int64_t pair = input.row * K; pair < (input.row + 1) * K; ++pair) {
      if (experts[pair] >= 0) {
        add_pair(input, experts[pair], weights[pair], survey);
      }
    }
  }
}

void RoutingSurvey::add_pair(const Input& input, int32_t expert, float gate_weight,
                             LayerSurvey& survey) const {
  const auto e = static_cast<size_t>(expert);
  ++survey.rows[e];
  survey.gate_weight[e] += gate_weight;
  survey.words.add(expert, input.word);
  survey.places.add(expert, input.place);
  offer_context({.position = input.position, .gate_weight = gate_weight}, survey.contexts[e]);
  const auto sentence = static_cast<size_t>(input.sentence);
  if (domains_.empty() || domains_[sentence] == SentenceDomains::kNone) {
    return;
  }
  survey.domains.add(expert, domains_[sentence]);
  for (size_t i = 0; i < shuffled_.size(); ++i) {
    survey.shuffled_domains[i].add(expert, shuffled_[i][sentence]);
  }
}

// `kept` is sorted and holds each phrase once. The result does not depend on the order of the
// inputs: whatever is left out is worse than top_contexts inputs of other phrases, or than one of
// its own.
void RoutingSurvey::offer_context(const RoutedInput& input, std::vector<RoutedInput>& kept) const {
  const auto is_better = [](const RoutedInput& a, const RoutedInput& b) {
    return a.gate_weight > b.gate_weight ||
           (a.gate_weight == b.gate_weight && a.position < b.position);
  };
  const auto most = static_cast<size_t>(options_.top_contexts);
  if (most == 0 || (kept.size() >= most && !is_better(input, kept.back()))) {
    return;
  }
  const auto phrase = phrase_of(input);
  const auto same = std::find_if(kept.begin(), kept.end(), [&](const RoutedInput& other) {
    return phrase_of(other) == phrase;
  });
  if (same != kept.end()) {
    if (!is_better(input, *same)) {
      return;
    }
    kept.erase(same);
  } else if (kept.size() >= most) {
    kept.pop_back();
  }
  kept.insert(std::upper_bound(kept.begin(), kept.end(), input, is_better), input);
}

std::pair<int32_t, int32_t> RoutingSurvey::phrase_of(const RoutedInput& input) const {
  const std::span<const int32_t> tokens = split_.tokens();
  const auto at = [&](int64_t position) {
    return position >= 0 ? tokens[static_cast<size_t>(position)] : Vocabulary::kSentenceMark;
  };
  const int32_t word = at(input.position - 1);
  // The start of a sentence is one phrase, whatever came before the sentence.
  return {word == Vocabulary::kSentenceMark ? word : at(input.position - 2), word};
}

}  // namespace switchyard::analysis
