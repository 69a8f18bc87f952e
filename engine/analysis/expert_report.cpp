#include "analysis/expert_report.h"

#include <algorithm>
#include <cmath>
#include <figures/expert_statistics.h>
#include <numeric>
#include <span>
#include <tuple>
#include <utility>

#include "data/detokenizer.h"

namespace switchyard::analysis {
namespace {

using Cell = PairCounts::Cell;
using data::Vocabulary;

constexpr int64_t kFrequentInputs = 20;  // how often a word must occur to be listed by spread
constexpr size_t kExpertsOfWord = 3;

double ratio(double part, double whole) {
  return whole > 0.0 ? part / whole : 0.0;
}

double ratio(int64_t part, int64_t whole) {
  return ratio(static_cast<double>(part), static_cast<double>(whole));
}

// The cells of one row of a sorted table.
std::span<const Cell> row_of(std::span<const Cell> cells, int64_t row) {
  const auto [begin, end] =
      std::equal_range(cells.begin(), cells.end(), Cell{.row = static_cast<int32_t>(row)},
                       [](const Cell& a, const Cell& b) { return a.row < b.row; });
  return {begin, end};
}

std::vector<int64_t> column_totals(std::span<const Cell> cells, int64_t num_columns) {
  std::vector<int64_t> totals(static_cast<size_t>(num_columns));
  for (const Cell& cell : cells) {
    totals[static_cast<size_t>(cell.column)] += cell.count;
  }
  return totals;
}

int64_t sum_of(std::span<const Cell> cells) {
  return std::accumulate(cells.begin(), cells.end(), int64_t{0},
                         [](int64_t sum, const Cell& cell) { return sum + cell.count; });
}

// P(column | row) / P(column) of a cell.
double lift_of(const Cell& cell, int64_t row_total, int64_t column_total, int64_t total) {
  return ratio(ratio(cell.count, row_total), ratio(column_total, total));
}

/// Converts the inputs of a split to readable text.
class ContextWriter {
 public:
  ContextWriter(const data::Dataset& dataset, const data::Split& split, int64_t window)
      : dataset_(dataset), split_(split), window_(window) {}

  [[nodiscard]] ContextText text_of(const RoutedInput& input) const {
    const std::span<const uint64_t> starts = split_.sentence_starts();
    const auto next =
        std::upper_bound(starts.begin(), starts.end(), static_cast<uint64_t>(input.position));
    const int64_t sentence = next - starts.begin();  // from 1
    const auto begin = static_cast<int64_t>(*(next - 1));
    const int64_t end = static_cast<int64_t>(*next) - 1;  // without the closing mark
    const int64_t at = input.position - 1;                // the word; begin - 1 at the start
    ContextText text = {.gate_weight = input.gate_weight, .sentence = sentence};
    text.word = at < begin ? Vocabulary::kSentenceMarkWord : word(at);
    data::Detokenizer join(dataset_.manifest().tokenizer.kind);
    const int64_t first = std::max(begin, at - window_);
    const int64_t last = std::min(end, at + 1 + window_);
    for (int64_t i = first; i < at; ++i) {
      text.before += join.append(word(i));
    }
    if (at >= begin) {
      (void)join.append(text.word);
    }
    for (int64_t i = at + 1; i < last; ++i) {
      text.after += join.append(word(i));
    }
    text.before.insert(0, first > begin && at > begin ? "... " : "");
    text.after += last < end ? " ..." : "";
    return text;
  }

 private:
  [[nodiscard]] const std::string& word(int64_t position) const {
    return dataset_.vocabulary().word(split_.tokens()[static_cast<size_t>(position)]);
  }

  const data::Dataset& dataset_;
  const data::Split& split_;
  int64_t window_;
};

/// Makes the report on one layer.
class LayerReporter {
 public:
  LayerReporter(LayerSurvey& survey, const data::Dataset& dataset, const data::Split& split,
                const ExpertReportOptions& options)
      : survey_(survey),
        vocabulary_(dataset.vocabulary()),
        contexts_(dataset, split, options.window),
        options_(options),
        words_(survey.words.cells()),
        places_(survey.places.cells()),
        domains_(survey.domains.cells()),
        word_totals_(column_totals(words_, vocabulary_.size())),
        place_totals_(column_totals(places_, kNumPlaces)),
        num_pairs_(std::accumulate(survey.rows.begin(), survey.rows.end(), int64_t{0})),
        gate_total_(std::accumulate(survey.gate_weight.begin(), survey.gate_weight.end(), 0.0)) {}

  [[nodiscard]] LayerReport report(const data::SentenceDomains* domains) {
    LayerReport report;
    report.layer = survey_.layer;
    report.num_experts = survey_.num_experts;
    report.top_k = survey_.top_k;
    report.num_inputs = survey_.num_inputs;
    report.num_pairs = num_pairs_;
    add_balance(report);
    report.words = associate(words_);
    report.places = associate(places_);
    if (domains != nullptr) {
      report.has_domains = true;
      report.domains = agreement(*domains);
    }
    for (int64_t e = 0; e < survey_.num_experts; ++e) {
      report.experts.push_back(portrait(e, report.domains));
    }
    add_word_spreads(report);
    return report;
  }

 private:
  void add_balance(LayerReport& report) const {
    report.num_unused = std::ranges::count(survey_.rows, 0);
    if (num_pairs_ > 0) {
      report.cv_rows = figures::coefficient_of_variation(survey_.rows);
      report.max_over_mean_rows = figures::max_over_mean(survey_.rows);
    }
  }

  [[nodiscard]] ExpertPortrait portrait(int64_t expert, const DomainAgreement& agreement) const {
    const auto e = static_cast<size_t>(expert);
    ExpertPortrait portrait;
    portrait.expert = expert;
    portrait.rows = survey_.rows[e];
    portrait.row_share = ratio(portrait.rows, num_pairs_);
    portrait.gate_share = ratio(survey_.gate_weight[e], gate_total_);
    for (const RoutedInput& input : survey_.contexts[e]) {
      portrait.contexts.push_back(contexts_.text_of(input));
    }
    add_words(portrait);
    portrait.place_lift.resize(kNumPlaces);
    for (const Cell& cell : row_of(places_, expert)) {
      const auto place = static_cast<size_t>(cell.column);
      portrait.place_lift[place] = lift_of(cell, portrait.rows, place_totals_[place], num_pairs_);
    }
    add_domains(portrait, agreement);
    return portrait;
  }

  void add_words(ExpertPortrait& portrait) const {
    std::vector<int64_t> counts;
    std::vector<Cell> favoured;
    for (const Cell& cell : row_of(words_, portrait.expert)) {
      const double lift = lift_of_word(cell);
      counts.push_back(cell.count);
      portrait.specialisation += ratio(cell.count, portrait.rows) * std::log(lift);
      if (cell.count >= options_.min_support && lift > 1.0) {
        favoured.push_back(cell);
      }
    }
    portrait.word_entropy = entropy(counts);
    const size_t listed = std::min(favoured.size(), static_cast<size_t>(options_.words_listed));
    std::partial_sort(favoured.begin(), favoured.begin() + static_cast<int64_t>(listed),
                      favoured.end(),
                      [&](const Cell& a, const Cell& b) { return is_more_favoured(a, b); });
    for (size_t i = 0; i < listed; ++i) {
      portrait.words.push_back({.word = vocabulary_.word(favoured[i].column),
                                .count = favoured[i].count,
                                .lift = lift_of_word(favoured[i])});
    }
  }

  [[nodiscard]] double lift_of_word(const Cell& cell) const {
    return lift_of(cell, survey_.rows[static_cast<size_t>(cell.row)],
                   word_totals_[static_cast<size_t>(cell.column)], num_pairs_);
  }

  // Compares two words of one expert. All words that go only to this expert share the highest lift;
  // among them the more frequent says more. The products are integers, so that equal lifts compare
  // as equal.
  [[nodiscard]] bool is_more_favoured(const Cell& a, const Cell& b) const {
    const auto total = [&](const Cell& cell) {
      return static_cast<double>(word_totals_[static_cast<size_t>(cell.column)]);
    };
    const double of_a = static_cast<double>(a.count) * total(b);
    const double of_b = static_cast<double>(b.count) * total(a);
    if (of_a != of_b) {
      return of_a > of_b;
    }
    return a.count != b.count ? a.count > b.count : a.column < b.column;
  }

  void add_domains(ExpertPortrait& portrait, const DomainAgreement& agreement) const {
    if (agreement.names.empty()) {
      return;
    }
    const std::span<const Cell> row = row_of(domains_, portrait.expert);
    const int64_t total = sum_of(row);
    for (const Cell& cell : row) {
      const auto domain = static_cast<size_t>(cell.column);
      const double share = ratio(cell.count, total);
      portrait.domains.push_back({.name = agreement.names[domain],
                                  .share = share,
                                  .lift = ratio(share, agreement.shares[domain])});
    }
    std::stable_sort(portrait.domains.begin(), portrait.domains.end(),
                     [](const NamedShare& a, const NamedShare& b) { return a.share > b.share; });
    portrait.domains.resize(
        std::min(portrait.domains.size(), static_cast<size_t>(options_.domains_listed)));
  }

  [[nodiscard]] DomainAgreement agreement(const data::SentenceDomains& domains) {
    const Association found = associate(domains_);
    DomainAgreement agreement = {.names = domains.names(),
                                 .pairs = found.total,
                                 .purity = found.purity,
                                 .information = found.normalised_information()};
    const auto num_domains = static_cast<int64_t>(domains.names().size());
    for (const int64_t total : column_totals(domains_, num_domains)) {
      agreement.shares.push_back(ratio(total, found.total));
    }
    for (PairCounts& shuffled : survey_.shuffled_domains) {
      const Association chance = associate(shuffled.cells());
      const auto n = static_cast<double>(survey_.shuffled_domains.size());
      agreement.purity_by_chance += chance.purity / n;
      agreement.information_by_chance += chance.normalised_information() / n;
      agreement.most_information_by_chance =
          std::max(agreement.most_information_by_chance, chance.normalised_information());
    }
    return agreement;
  }

  void add_word_spreads(LayerReport& report) const {
    std::vector<Cell> by_word(words_.begin(), words_.end());
    std::stable_sort(by_word.begin(), by_word.end(),
                     [](const Cell& a, const Cell& b) { return a.column < b.column; });
    std::vector<WordSpread> spreads;
    const int64_t least = kFrequentInputs * std::max<int64_t>(survey_.top_k, 1);
    for (size_t begin = 0; begin < by_word.size();) {
      size_t end = begin;
      while (end < by_word.size() && by_word[end].column == by_word[begin].column) {
        ++end;
      }
      const std::span<const Cell> cells(by_word.data() + begin, end - begin);
      if (word_totals_[static_cast<size_t>(cells[0].column)] >= least) {
        spreads.push_back(spread_of(cells));
      }
      begin = end;
    }
    std::stable_sort(spreads.begin(), spreads.end(), [](const WordSpread& a, const WordSpread& b) {
      return std::tuple(a.entropy, -a.count) < std::tuple(b.entropy, -b.count);
    });
    const size_t listed = std::min(spreads.size() / 2, static_cast<size_t>(options_.words_listed));
    const auto count = static_cast<int64_t>(listed);
    report.concentrated.assign(spreads.begin(), spreads.begin() + count);
    report.spread.assign(spreads.rbegin(), spreads.rbegin() + count);
  }

  // `cells` are those of one word.
  [[nodiscard]] WordSpread spread_of(std::span<const Cell> cells) const {
    WordSpread spread;
    spread.word = vocabulary_.word(cells[0].column);
    spread.count = sum_of(cells);
    std::vector<int64_t> counts;
    std::vector<Cell> largest(cells.begin(), cells.end());
    for (const Cell& cell : cells) {
      counts.push_back(cell.count);
    }
    spread.entropy = entropy(counts);
    std::stable_sort(largest.begin(), largest.end(),
                     [](const Cell& a, const Cell& b) { return a.count > b.count; });
    largest.resize(std::min(largest.size(), kExpertsOfWord));
    for (const Cell& cell : largest) {
      spread.experts.push_back({.expert = cell.row, .share = ratio(cell.count, spread.count)});
    }
    return spread;
  }

  LayerSurvey& survey_;
  const Vocabulary& vocabulary_;
  ContextWriter contexts_;
  ExpertReportOptions options_;
  std::span<const Cell> words_;
  std::span<const Cell> places_;
  std::span<const Cell> domains_;
  std::vector<int64_t> word_totals_;
  std::vector<int64_t> place_totals_;
  int64_t num_pairs_;
  double gate_total_;
};

}  // namespace

LayerReport make_layer_report(LayerSurvey& survey, const data::Dataset& dataset,
                              const data::Split& split, const data::SentenceDomains* domains,
                              const ExpertReportOptions& options) {
  return LayerReporter(survey, dataset, split, options).report(domains);
}

}  // namespace switchyard::analysis
