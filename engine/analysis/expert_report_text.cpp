#include "analysis/expert_report_text.h"

#include <algorithm>
#include <cmath>
#include <figures/number_text.h>
#include <string_view>

#include <fmt/format.h>

#include "data/utf8.h"

namespace switchyard::analysis {
namespace {

constexpr size_t kWordsInSpread = 6;
constexpr size_t kDomainsListed = 4;
constexpr size_t kGateColumns = 9;  // "  0.123  "
constexpr size_t kMinSide = 12;     // columns for the words before

std::string percent(double share) {
  return figures::fixed(100.0 * share, share < 0.0995 ? 1 : 0) + " %";
}

size_t columns_of(std::string_view text) {
  size_t columns = 0;
  for (size_t at = 0; at < text.size(); at += data::character_at(text, at).num_bytes) {
    ++columns;
  }
  return columns;
}

/// The offset just after the first `count` characters.
size_t offset_of(std::string_view text, size_t count) {
  size_t at = 0;
  for (; at < text.size() && count > 0; --count) {
    at += data::character_at(text, at).num_bytes;
  }
  return at;
}

std::string_view first_columns(std::string_view text, size_t columns) {
  return text.substr(0, offset_of(text, columns));
}

std::string_view last_columns(std::string_view text, size_t columns) {
  const size_t all = columns_of(text);
  return text.substr(offset_of(text, all - std::min(all, columns)));
}

/// Adds colour where the terminal has it.
class Paint {
 public:
  explicit Paint(const render::Terminal& terminal)
      : is_on_(terminal.colour != render::ColourLevel::kNone) {}

  [[nodiscard]] std::string bold(const std::string& text) const { return with("1", text); }
  [[nodiscard]] std::string faint(const std::string& text) const { return with("2", text); }
  /// Marks the word of a context, by colour or else by brackets.
  [[nodiscard]] std::string marked(const std::string& text) const {
    return is_on_ ? with("1;36", text) : fmt::format("[{}]", text);
  }
  [[nodiscard]] size_t mark_columns() const { return is_on_ ? 0 : 2; }

 private:
  [[nodiscard]] std::string with(const char* code, const std::string& text) const {
    return is_on_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
  }

  bool is_on_;
};

/// A labelled list, wrapped and indented to `width` columns.
std::string labelled_list(const std::string& label, const std::vector<std::string>& items,
                          const Paint& paint, int width) {
  constexpr size_t kLabelColumns = 10;
  constexpr size_t kGap = 3;
  std::string text = fmt::format("  {}{:{}}", paint.faint(label), "", kLabelColumns - label.size());
  size_t columns = kLabelColumns + 2;
  for (size_t i = 0; i < items.size(); ++i) {
    const size_t needed = columns_of(items[i]) + kGap;
    const bool fits = columns + needed <= static_cast<size_t>(width);
    if (i > 0) {
      text += fits ? std::string(kGap, ' ') : "\n" + std::string(kLabelColumns + 2, ' ');
      columns = fits ? columns : kLabelColumns + 2;
    }
    text += render::printable(items[i]);
    columns += needed;
  }
  return text + "\n";
}

std::vector<std::string> spread_items(const std::vector<WordSpread>& spreads) {
  std::vector<std::string> items;
  for (const WordSpread& spread : spreads) {
    if (items.size() == kWordsInSpread) {
      break;
    }
    std::vector<std::string> experts;
    for (const ExpertShare& share : spread.experts) {
      experts.push_back(fmt::format("{} {}", share.expert, percent(share.share)));
    }
    items.push_back(fmt::format("{} ~{} ({})", spread.word,
                                figures::fixed(std::exp(spread.entropy), 1),
                                fmt::join(experts, ", ")));
  }
  return items;
}

std::string information_line(const char* what, const Association& found) {
  return fmt::format("  {} {} nats of at most {} ({} before the correction for chance)\n", what,
                     figures::fixed(found.corrected_information, 3),
                     figures::fixed(std::min(found.row_entropy, found.column_entropy), 2),
                     figures::fixed(found.mutual_information, 3));
}

/// The widths of the parts of a context line.
struct ContextColumns {
  size_t before = kMinSide;
  size_t word = 0;
  size_t after = 0;
};

std::string context_line(const ContextText& context, const Paint& paint,
                         const ContextColumns& columns) {
  const std::string before = render::printable(context.before);
  const std::string word = render::printable(context.word);
  const std::string after = render::printable(context.after);
  const std::string_view shown = last_columns(before, columns.before);
  // Padded by hand: fmt counts columns of the terminal, this report characters.
  std::string line = fmt::format(
      "  {}  {}{} {}{}{}", paint.faint(figures::fixed(context.gate_weight, 3)),
      std::string(columns.before - columns_of(shown), ' '), shown, paint.marked(word),
      std::string(columns.word - columns_of(word), ' '), first_columns(after, columns.after));
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string contexts_text(const ExpertPortrait& expert, const Paint& paint, int width) {
  const auto all = static_cast<size_t>(std::max(width, 40));
  ContextColumns columns;
  for (const ContextText& context : expert.contexts) {
    columns.before = std::max(columns.before, columns_of(render::printable(context.before)));
    columns.word = std::max(columns.word, columns_of(render::printable(context.word)));
  }
  columns.before = std::min(columns.before, all * 2 / 5);
  const size_t used = kGateColumns + columns.before + columns.word + paint.mark_columns() + 2;
  columns.after = all - std::min(all, used);
  std::string text;
  for (const ContextText& context : expert.contexts) {
    text += context_line(context, paint, columns);
  }
  return text;
}

}  // namespace

std::string layer_summary_text(const ExpertReport& report, const LayerReport& layer,
                               const render::Terminal& terminal, int width) {
  const Paint paint(terminal);
  std::string text =
      paint.bold(render::printable(layer.layer)) +
      fmt::format(", step {}, {}: {} experts, top {}, {} inputs\n", figures::grouped(report.step),
                  report.split, figures::grouped(layer.num_experts), layer.top_k,
                  figures::grouped(layer.num_inputs));
  text += fmt::format("  inputs per expert: CV {}, max/mean {}, {} without any\n",
                      figures::fixed(layer.cv_rows, 3), figures::fixed(layer.max_over_mean_rows, 2),
                      figures::grouped(layer.num_unused));
  text += information_line("an expert tells of its word", layer.words);
  text += information_line("an expert tells of the place in the sentence", layer.places);
  if (layer.has_domains) {
    const DomainAgreement& domains = layer.domains;
    text += fmt::format(
        "  {} domains: purity {} ({} by chance), normalised information {} ({} by chance)\n",
        domains.names.size(), figures::fixed(domains.purity, 3),
        figures::fixed(domains.purity_by_chance, 3), figures::fixed(domains.information, 4),
        figures::fixed(domains.information_by_chance, 4));
  }
  if (!layer.concentrated.empty()) {
    text += labelled_list("few", spread_items(layer.concentrated), paint, width);
    text += labelled_list("many", spread_items(layer.spread), paint, width);
    text += paint.faint(
                "            words on few and on many experts: the effective number of experts, "
                "and the largest shares") +
            "\n";
  }
  return text;
}

std::string expert_text(const ExpertPortrait& expert, const render::Terminal& terminal, int width) {
  const Paint paint(terminal);
  std::string text = paint.bold(fmt::format("expert {}", expert.expert)) + ": ";
  if (expert.rows == 0) {
    return text + "no input\n";
  }
  text += fmt::format("{} of inputs, {} of gate weight, specialisation {} nats, as if {} words\n",
                      percent(expert.row_share), percent(expert.gate_share),
                      figures::fixed(expert.specialisation, 2),
                      figures::compact(std::exp(expert.word_entropy)));
  std::vector<std::string> items;
  for (const FavouredWord& word : expert.words) {
    items.push_back(fmt::format("{} x{} ({})", word.word, figures::fixed(word.lift, 1),
                                figures::grouped(word.count)));
  }
  text += items.empty() ? "" : labelled_list("words", items, paint, width);
  items.clear();
  for (size_t i = 0; i < expert.place_lift.size(); ++i) {
    items.push_back(fmt::format("{} x{}", kPlaceNames[i], figures::fixed(expert.place_lift[i], 1)));
  }
  text += labelled_list("places", items, paint, width);
  items.clear();
  for (const NamedShare& domain : expert.domains) {
    if (items.size() < kDomainsListed) {
      items.push_back(fmt::format("{} {} x{}", domain.name, percent(domain.share),
                                  figures::fixed(domain.lift, 1)));
    }
  }
  text += items.empty() ? "" : labelled_list("domains", items, paint, width);
  return text + contexts_text(expert, paint, width);
}

std::vector<int64_t> telling_experts(const LayerReport& layer, size_t count) {
  std::vector<int64_t> chosen;
  for (const ExpertPortrait& expert : layer.experts) {
    chosen.push_back(expert.expert);
  }
  const auto tells_more = [&](int64_t a, int64_t b) {
    const auto tells = [&](int64_t e) {
      const ExpertPortrait& expert = layer.experts[static_cast<size_t>(e)];
      return expert.row_share * expert.specialisation;
    };
    return tells(a) > tells(b);
  };
  std::stable_sort(chosen.begin(), chosen.end(), tells_more);
  chosen.resize(std::min(chosen.size(), count));
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace switchyard::analysis
