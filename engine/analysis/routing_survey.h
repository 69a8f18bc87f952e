#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "analysis/pair_counts.h"
#include "data/dataset.h"
#include "data/sentence_domains.h"
#include "layers/moe/routed.h"
#include "trainer/evaluation.h"

namespace switchyard::analysis {

/// How much a survey keeps.
struct SurveyOptions {
  int64_t top_contexts = 10;  // kept per expert
  int64_t max_words = 0;      // limit of the pass, as for evaluate(); 0: all
  int num_shuffles = 8;       // tables with the domains dealt at random
  uint64_t shuffle_seed = 1;
};

/// An input of an expert: the word just before `position` in the split.
struct RoutedInput {
  int64_t position = 0;  // see data::EvaluationSource::positions()
  float gate_weight = 0.0F;
};

/// The place of an input in its sentence, as a class of its distance from the sentence mark: 0, 1,
/// 2-3, 4-7, 8-15, 16 and beyond.
inline constexpr int32_t kNumPlaces = 6;
[[nodiscard]] int32_t place_of(int64_t words_before);

/// The inputs of the experts of one MoE layer during a pass. An input counts once for each of its
/// experts.
struct LayerSurvey {
  std::string layer;
  int64_t num_experts = 0;
  int64_t top_k = 0;  // experts per token, on average and rounded
  int64_t num_inputs = 0;
  std::vector<int64_t> rows;        // [E] number of inputs
  std::vector<double> gate_weight;  // [E] sum over the inputs
  /// Per expert, the inputs with the highest gate weights, highest first; equal weights are in the
  /// order of the text. Of inputs with the same word after the same word, only the best.
  std::vector<std::vector<RoutedInput>> contexts;
  PairCounts words;                          // expert, word id of the input
  PairCounts places;                         // expert, place_of
  PairCounts domains;                        // expert, domain; without inputs that have none
  std::vector<PairCounts> shuffled_domains;  // the same with the domains dealt at random
};

/// Collects which inputs go to which experts while a split passes through a model. Memory grows
/// with the distinct (expert, word) pairs, not with the text. Everything comes from the layers'
/// Routing, so that the survey works for every gate, two-level gates included. Threads: [inst].
///
/// Source: Shazeer et al. 2017, appendix E (table 9), for the contexts.
class RoutingSurvey {
 public:
  /// `split` and `domains` (null if unknown) must outlive the survey.
  /// Throws Error(kInvalidArgument) for invalid options.
  RoutingSurvey(const data::Split& split, const SurveyOptions& options,
                const data::SentenceDomains* domains);

  /// Adds the batch just evaluated, for every layer that has a gate.
  void add(const trainer::EvaluatedBatch& batch, std::span<layers::Routed* const> layers);

  /// One survey per layer with a gate, in the order of the model; empty before the first batch.
  [[nodiscard]] std::vector<LayerSurvey>& layers() { return layers_; }

 private:
  // An input of the batch, without its experts.
  struct Input {
    int64_t row = 0;  // of the batch
    int64_t position = 0;
    int64_t sentence = 0;
    int32_t word = 0;
    int32_t place = 0;
  };

  void read_inputs(const trainer::EvaluatedBatch& batch);
  void add_layers(std::span<layers::Routed* const> layers);
  void add_layer(const layers::MoeTrace& trace, int64_t num_rows, LayerSurvey& survey) const;
  void add_pair(const Input& input, int32_t expert, float gate_weight, LayerSurvey& survey) const;
  void offer_context(const RoutedInput& input, std::vector<RoutedInput>& kept) const;
  // The word of the input and the one before it.
  [[nodiscard]] std::pair<int32_t, int32_t> phrase_of(const RoutedInput& input) const;

  const data::Split& split_;
  SurveyOptions options_;
  std::span<const int32_t> domains_;            // of the sentences; empty: unknown
  std::vector<std::vector<int32_t>> shuffled_;  // the same, dealt at random, [num_shuffles]
  std::vector<Input> inputs_;
  std::vector<LayerSurvey> layers_;
};

}  // namespace switchyard::analysis
