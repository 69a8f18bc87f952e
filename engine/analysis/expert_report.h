#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/routing_survey.h"
#include "data/dataset.h"
#include "data/sentence_domains.h"

namespace switchyard::analysis {

/// How much a report lists.
struct ExpertReportOptions {
  int64_t window = 5;           // words shown before and after
  int64_t min_support = 5;      // how often an expert must get a word to list it
  int64_t words_listed = 12;    // per expert, and in the lists of words
  int64_t domains_listed = 12;  // per expert
};

/// A word that an expert gets more often than by chance.
struct FavouredWord {
  std::string word;
  int64_t count = 0;
  double lift = 0.0;  // P(word | expert) / P(word)
};

/// An input and its sentence, as readable text.
struct ContextText {
  double gate_weight = 0.0;
  int64_t sentence = 0;  // of the split, from 1
  std::string before;    // "..." in front if the sentence begins earlier
  std::string word;      // the input; "</s>" = the start of the sentence
  std::string after;     // what the model had not read yet
};

/// How much of an expert's input comes from one domain.
struct NamedShare {
  std::string name;
  double share = 0.0;  // of the expert's inputs that have a domain
  double lift = 0.0;   // share over the domain's share of all
};

/// Everything that a report says about one expert.
struct ExpertPortrait {
  int64_t expert = 0;
  int64_t rows = 0;           // inputs
  double row_share = 0.0;     // of all (input, expert) pairs; the shares sum to 1
  double gate_share = 0.0;    // of the sum of gate weights; the shares sum to 1
  double word_entropy = 0.0;  // of the words it gets, nats
  /// How far the words of the expert are from those of the whole text, in nats:
  /// sum P(w|e) ln(P(w|e) / P(w)).
  double specialisation = 0.0;
  std::vector<ContextText> contexts;
  std::vector<FavouredWord> words;
  std::vector<double> place_lift;   // [kNumPlaces] P(place | expert) / P(place)
  std::vector<NamedShare> domains;  // the largest shares, largest first
};

/// The part of a word's occurrences that go to one expert.
struct ExpertShare {
  int64_t expert = 0;
  double share = 0.0;
};

/// How a frequent word is spread over the experts.
struct WordSpread {
  std::string word;
  int64_t count = 0;                 // pairs
  double entropy = 0.0;              // nats; exp of it is the effective number of experts
  std::vector<ExpertShare> experts;  // the largest, at most three
};

/// How well experts and domains match, also against domains dealt at random.
struct DomainAgreement {
  std::vector<std::string> names;
  std::vector<double> shares;     // of the pairs that have a domain, [names]
  int64_t pairs = 0;              // pairs that have a domain
  double purity = 0.0;            // share of pairs in the commonest domain of their expert
  double purity_by_chance = 0.0;  // mean over the shuffles
  double information = 0.0;       // normalised mutual information, 0 ... 1
  double information_by_chance = 0.0;
  double most_information_by_chance = 0.0;
};

/// Everything that a report says about one layer.
struct LayerReport {
  std::string layer;
  int64_t num_experts = 0;
  int64_t top_k = 0;
  int64_t num_inputs = 0;
  int64_t num_pairs = 0;   // (input, expert)
  int64_t num_unused = 0;  // experts without an input
  double cv_rows = 0.0;    // of the inputs per expert
  double max_over_mean_rows = 0.0;
  Association words;                     // rows: experts, columns: words
  Association places;                    // columns: place_of()
  std::vector<ExpertPortrait> experts;   // all, by number
  std::vector<WordSpread> concentrated;  // frequent words on the fewest experts, fewest first
  std::vector<WordSpread> spread;        // on the most, most first
  bool has_domains = false;
  DomainAgreement domains;
};

/// A report on the experts of a model, layer by layer.
struct ExpertReport {
  std::string run;
  int64_t step = 0;
  std::string split;
  int64_t num_words = 0;
  double nll_per_word = 0.0;
  std::vector<LayerReport> layers;
};

/// Turns the survey of a layer on `split` into numbers and readable text. `domains` is null if they
/// are unknown.
[[nodiscard]] LayerReport make_layer_report(LayerSurvey& survey, const data::Dataset& dataset,
                                            const data::Split& split,
                                            const data::SentenceDomains* domains,
                                            const ExpertReportOptions& options);

/// Names of the places that place_of() returns: the sentence mark, the first word, ...
inline constexpr std::array<std::string_view, kNumPlaces> kPlaceNames = {"start", "1st",  "2-3",
                                                                         "4-7",   "8-15", "16+"};

}  // namespace switchyard::analysis
