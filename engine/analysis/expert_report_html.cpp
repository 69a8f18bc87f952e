#include "analysis/expert_report_html.h"

#include <algorithm>
#include <cmath>
#include <figures/number_text.h>
#include <numeric>
#include <sstream>
#include <unordered_map>
#include <vector>

#include "analysis/expert_report_style.h"
#include "analysis/expert_report_text.h"

namespace switchyard::analysis {
namespace {

constexpr int64_t kCellsInRow = 64;
constexpr size_t kIndexed = 48;       // experts in the index of a large layer
constexpr size_t kDomainColours = 8;  // d0 ... d7; d8 for all others
constexpr size_t kDomainsNamed = 3;
constexpr size_t kWordsIndexed = 5;

std::string percent(double share) {
  return figures::fixed(100.0 * share, share < 0.0995 ? (share < 0.00995 ? 2 : 1) : 0) + "\u202f%";
}

/// Width or height of a bar.
std::string extent(double share) {
  return figures::fixed(100.0 * std::clamp(share, 0.0, 1.0), 1) + "%";
}

/// h0 ... h8: a quarter of a fair share to four of them, in steps of a root of 2.
std::string heat_colour(double over_fair) {
  const double level = over_fair > 0.0 ? 4.0 + 2.0 * std::log2(over_fair) : 0.0;
  return "var(--h" + std::to_string(std::clamp(std::lround(level), 0L, 8L)) + ")";
}

/// Writes one layer of the page.
class LayerPage {
 public:
  LayerPage(std::ostream& out, const LayerReport& layer, size_t number)
      : out_(out), layer_(layer), number_(number) {
    std::vector<size_t> by_share(layer.domains.names.size());
    std::iota(by_share.begin(), by_share.end(), 0);
    std::stable_sort(by_share.begin(), by_share.end(), [&](size_t a, size_t b) {
      return layer.domains.shares[a] > layer.domains.shares[b];
    });
    for (size_t i = 0; i < by_share.size(); ++i) {
      colours_[layer.domains.names[by_share[i]]] =
          "var(--d" + std::to_string(std::min(i, kDomainColours)) + ")";
      order_.push_back(by_share[i]);
    }
    for (const ExpertPortrait& expert : layer.experts) {
      most_share_ = std::max(most_share_, expert.row_share);
    }
  }

  void write() {
    out_ << "<section>\n<h2 id=\"l" << number_ << "\">" << html_escaped(layer_.layer) << "</h2>\n";
    out_ << "<p class=\"soft\">" << figures::grouped(layer_.num_experts) << " experts, "
         << layer_.top_k << " for each of " << figures::grouped(layer_.num_inputs)
         << " inputs.</p>\n";
    write_tiles();
    write_shares();
    write_domains();
    write_index();
    write_spreads();
    out_ << "<h3>The experts</h3>\n<div class=\"cards\">\n";
    for (const ExpertPortrait& expert : layer_.experts) {
      if (expert.rows > 0) {
        write_card(expert);
      }
    }
    out_ << "</div>\n";
    write_unused();
    out_ << "</section>\n";
  }

 private:
  [[nodiscard]] std::string anchor(int64_t expert) const {
    return "e" + std::to_string(number_) + "-" + std::to_string(expert);
  }
  [[nodiscard]] double over_fair(const ExpertPortrait& expert) const {
    return expert.row_share * static_cast<double>(layer_.num_experts);
  }

  void tile(const std::string& name, const std::string& value, const std::string& note) {
    out_ << "<div><dt>" << name << "</dt><dd>" << value << "<small>" << note
         << "</small></dd></div>\n";
  }

  void write_tiles() {
    const Association& words = layer_.words;
    out_ << "<dl class=\"tiles\">\n";
    tile("An expert tells of its word", figures::fixed(words.corrected_information, 2) + " nats",
         "of at most " + figures::fixed(std::min(words.row_entropy, words.column_entropy), 2) +
             "; by mutual information, corrected for chance");
    tile("… of the place in its sentence",
         figures::fixed(layer_.places.corrected_information, 3) + " nats",
         "of at most " +
             figures::fixed(std::min(layer_.places.row_entropy, layer_.places.column_entropy), 2));
    tile("Largest over mean share", figures::fixed(layer_.max_over_mean_rows, 2),
         "inputs per expert; CV " + figures::fixed(layer_.cv_rows, 3));
    tile("Experts without an input", figures::grouped(layer_.num_unused),
         "of " + figures::grouped(layer_.num_experts));
    if (layer_.has_domains) {
      const DomainAgreement& domains = layer_.domains;
      tile("Purity of domains", figures::fixed(domains.purity, 3),
           figures::fixed(domains.purity_by_chance, 3) + " by chance");
      tile("Experts and domains agree", figures::fixed(domains.information, 3),
           "normalised information; " + figures::fixed(domains.information_by_chance, 4) +
               " by chance, " + figures::fixed(domains.most_information_by_chance, 4) + " at most");
    }
    out_ << "</dl>\n";
  }

  /// A grid of cells, one per expert, each a link to its card.
  template <typename Fill>
  void write_strip(const Fill& fill) {
    constexpr int64_t kCell = 20;
    constexpr int64_t kMargin = 22;
    const int64_t columns = std::min(layer_.num_experts, kCellsInRow);
    const int64_t rows = (layer_.num_experts + columns - 1) / columns;
    const int64_t margin = rows > 1 ? kMargin : 0;
    const int64_t width = margin + columns * kCell;
    out_ << "<svg class=\"strip\" role=\"img\" viewBox=\"0 0 " << width << ' ' << rows * kCell
         << "\" style=\"max-width:" << std::min<int64_t>(width * 2, 1280) << "px\">\n";
    for (const ExpertPortrait& expert : layer_.experts) {
      const int64_t x = margin + expert.expert % columns * kCell;
      const int64_t y = expert.expert / columns * kCell;
      if (margin > 0 && expert.expert % columns == 0) {
        out_ << "<text class=\"row\" x=\"" << margin - 3 << "\" y=\"" << y + 12 << "\">"
             << expert.expert << "</text>";
      }
      out_ << "<a href=\"#" << anchor(expert.expert) << "\"><rect x=\"" << x << "\" y=\"" << y
           << "\" width=\"19\" height=\"19\" rx=\"3\" " << fill(expert) << "><title>"
           << title_of(expert) << "</title></rect>";
      if (margin == 0) {
        out_ << "<text x=\"" << x + 9.5 << "\" y=\"" << y + 12.5 << "\">" << expert.expert
             << "</text>";
      }
      out_ << "</a>\n";
    }
    out_ << "</svg>\n";
  }

  [[nodiscard]] static std::string title_of(const ExpertPortrait& expert) {
    std::string title =
        "expert " + std::to_string(expert.expert) + ": " + percent(expert.row_share) + " of inputs";
    for (size_t i = 0; i < std::min(expert.words.size(), kWordsIndexed); ++i) {
      title += (i == 0 ? "; " : ", ") + expert.words[i].word;
    }
    if (!expert.domains.empty()) {
      title += "; " + expert.domains[0].name + " " + percent(expert.domains[0].share);
    }
    return html_escaped(title);
  }

  void write_shares() {
    out_ << "<h3>Inputs per expert</h3>\n";
    write_strip([&](const ExpertPortrait& expert) {
      return expert.rows > 0 ? "style=\"fill:" + heat_colour(over_fair(expert)) + "\""
                             : std::string("class=\"none\"");
    });
    out_ << "<div class=\"legend\"><span>a quarter of a fair share<span class=\"scale\">";
    for (int level = 0; level <= 8; ++level) {
      out_ << "<i style=\"background:var(--h" << level << ")\"></i>";
    }
    out_ << "</span>four fair shares</span><span>a fair share is "
         << percent(1.0 / static_cast<double>(layer_.num_experts)) << "</span>"
         << (layer_.num_unused > 0 ? "<span><i class=\"none\"></i>without an input</span>" : "")
         << "</div>\n";
  }

  void write_domains() {
    if (!layer_.has_domains) {
      return;
    }
    out_ << "<h3>Domains: the commonest of each expert</h3>\n";
    // The fuller the colour, the larger the share.
    write_strip([&](const ExpertPortrait& expert) {
      return expert.domains.empty()
                 ? std::string("class=\"none\"")
                 : "style=\"fill:" + colours_.at(expert.domains[0].name) + "\" fill-opacity=\"" +
                       figures::fixed(0.15 + 0.85 * expert.domains[0].share, 2) + "\"";
    });
    out_ << "<div class=\"legend\">";
    for (size_t i = 0; i < std::min(order_.size(), kDomainColours); ++i) {
      const std::string& name = layer_.domains.names[order_[i]];
      out_ << "<span><i style=\"background:" << colours_.at(name) << "\"></i>" << html_escaped(name)
           << ' ' << percent(layer_.domains.shares[order_[i]]) << "</span>";
    }
    if (order_.size() > kDomainColours) {
      out_ << "<span><i style=\"background:var(--d8)\"></i>" << order_.size() - kDomainColours
           << " others</span>";
    }
    out_ << "</div>\n";
  }

  void write_index() {
    const bool is_whole = layer_.experts.size() <= kCellsInRow;
    const std::vector<int64_t> chosen =
        telling_experts(layer_, is_whole ? layer_.experts.size() : kIndexed);
    out_ << "<h3>" << (is_whole ? "Index" : "Index of those that tell the most of their words")
         << "</h3>\n<ol class=\"index\">\n";
    for (const int64_t e : chosen) {
      const ExpertPortrait& expert = layer_.experts[static_cast<size_t>(e)];
      std::string words;
      for (size_t i = 0; i < std::min(expert.words.size(), kWordsIndexed); ++i) {
        words += (i == 0 ? "" : " · ") + html_escaped(expert.words[i].word);
      }
      out_ << "<li><b><a href=\"#" << anchor(e) << "\">" << e << "</a></b><span>"
           << (words.empty() ? "<small>no favoured word</small>" : words) << "</span></li>\n";
    }
    out_ << "</ol>\n";
  }

  void write_spreads() {
    if (layer_.concentrated.empty()) {
      return;
    }
    out_ << "<div class=\"pair\">\n";
    write_spread("Frequent words on few experts", layer_.concentrated);
    write_spread("… and on many", layer_.spread);
    out_ << "</div>\n";
  }

  void write_spread(const char* name, const std::vector<WordSpread>& spreads) {
    out_ << "<div><h3>" << name << "</h3>\n<table class=\"spread\"><tr><th>word</th>"
         << "<th class=\"r\">times</th><th class=\"r\">as if on</th><th>largest</th></tr>\n";
    for (const WordSpread& spread : spreads) {
      out_ << "<tr><td>" << html_escaped(spread.word) << "</td><td class=\"r\">"
           << figures::grouped(spread.count / std::max<int64_t>(layer_.top_k, 1))
           << "</td><td class=\"r\">" << figures::fixed(std::exp(spread.entropy), 1) << "</td><td>";
      for (const ExpertShare& share : spread.experts) {
        out_ << "<a href=\"#" << anchor(share.expert) << "\">" << share.expert << "</a> <small>"
             << percent(share.share) << "</small> ";
      }
      out_ << "</td></tr>\n";
    }
    out_ << "</table></div>\n";
  }

  /// The experts without an input: no cards, but anchors for the links.
  void write_unused() {
    if (layer_.num_unused == 0) {
      return;
    }
    out_ << "<h3>Without an input</h3>\n<p class=\"unused\">";
    for (const ExpertPortrait& expert : layer_.experts) {
      if (expert.rows == 0) {
        out_ << "<span id=\"" << anchor(expert.expert) << "\">" << expert.expert << "</span> ";
      }
    }
    out_ << "</p>\n";
  }

  void write_card(const ExpertPortrait& expert) {
    out_ << "<article class=\"card\" id=\"" << anchor(expert.expert) << "\"><header><i style=\""
         << "background:" << heat_colour(over_fair(expert)) << "\"></i><b><a href=\"#"
         << anchor(expert.expert) << "\">Expert " << expert.expert
         << "</a></b><span class=\"num\">";
    out_ << figures::grouped(expert.rows) << (expert.rows == 1 ? " input, " : " inputs, ")
         << percent(expert.row_share) << " · gate weight " << percent(expert.gate_share)
         << " · specialisation " << figures::fixed(expert.specialisation, 2)
         << "</span></header>\n";
    const double fair = 1.0 / static_cast<double>(layer_.num_experts);
    const double scale = std::max(most_share_, fair) * 1.02;
    out_ << "<div class=\"share\" title=\"share of the inputs; the tick is a fair share\"><b "
         << "style=\"width:" << extent(expert.row_share / scale)
         << "\"></b><u style=\"left:" << extent(fair / scale) << "\"></u></div>\n";
    write_contexts(expert);
    write_words(expert);
    out_ << "<div class=\"foot\">";
    write_places(expert);
    write_domain_shares(expert);
    out_ << "</div></article>\n";
  }

  void write_contexts(const ExpertPortrait& expert) {
    out_ << "<table class=\"kwic\">\n";
    for (const ContextText& context : expert.contexts) {
      out_ << "<tr title=\"sentence " << figures::grouped(context.sentence)
           << "\"><td class=\"g\" style=\"--w:" << extent(context.gate_weight) << "\">"
           << figures::fixed(context.gate_weight, 3) << "</td><td class=\"b\"><span>"
           << html_escaped(context.before) << "</span></td><td class=\"w\"><mark>"
           << html_escaped(context.word) << "</mark></td><td class=\"a\">"
           << html_escaped(context.after) << "</td></tr>\n";
    }
    out_ << "</table>\n";
  }

  void write_words(const ExpertPortrait& expert) {
    if (expert.words.empty()) {
      out_ << "<p class=\"empty\">no word comes here often and more than elsewhere</p>\n";
      return;
    }
    const double most = expert.words[0].lift;
    out_ << "<ul class=\"words\">";
    for (const FavouredWord& word : expert.words) {
      out_ << "<li style=\"--w:" << extent(word.lift / most) << "\">" << html_escaped(word.word)
           << "<small>×" << figures::fixed(word.lift, 1) << " · " << figures::grouped(word.count)
           << "</small></li>";
    }
    out_ << "</ul>\n";
  }

  /// Bars around the line of lift 1, on a logarithmic scale from a quarter to four.
  void write_places(const ExpertPortrait& expert) {
    constexpr double kMiddle = 21.0;
    constexpr double kReach = 18.0;
    out_ << "<svg viewBox=\"0 0 150 54\" role=\"img\"><title>places in the sentence, over chance"
         << "</title>";
    for (size_t i = 0; i < expert.place_lift.size(); ++i) {
      const double lift = expert.place_lift[i];
      const double level = lift > 0.0 ? std::clamp(std::log2(lift) / 2.0, -1.0, 1.0) : -1.0;
      const double height = std::max(0.6, std::abs(level) * kReach);
      const double x = 2.0 + 25.0 * static_cast<double>(i);
      out_ << "<rect x=\"" << figures::fixed(x, 0) << "\" y=\""
           << figures::fixed(level > 0.0 ? kMiddle - height : kMiddle, 1)
           << "\" width=\"21\" height=\"" << figures::fixed(height, 1)
           << "\" style=\"fill:" << heat_colour(lift) << "\"><title>" << kPlaceNames[i] << ": ×"
           << figures::fixed(lift, 2) << "</title></rect><text x=\"" << figures::fixed(x + 10.5, 1)
           << "\" y=\"52\">" << kPlaceNames[i] << "</text>";
    }
    out_ << "<path d=\"M0 21H150\" style=\"stroke:var(--soft);stroke-width:.7\"/></svg>\n";
  }

  void write_domain_shares(const ExpertPortrait& expert) {
    if (expert.domains.empty()) {
      return;
    }
    out_ << "<div><div class=\"stack\">";
    for (const NamedShare& domain : expert.domains) {
      out_ << "<i style=\"width:" << extent(domain.share)
           << ";background:" << colours_.at(domain.name) << "\" title=\""
           << html_escaped(domain.name) << ' ' << percent(domain.share) << "\"></i>";
    }
    out_ << "</div><div class=\"doms\">";
    for (size_t i = 0; i < std::min(expert.domains.size(), kDomainsNamed); ++i) {
      const NamedShare& domain = expert.domains[i];
      out_ << (i == 0 ? "" : " · ") << html_escaped(domain.name) << ' ' << percent(domain.share)
           << " ×" << figures::fixed(domain.lift, 1);
    }
    out_ << "</div></div>\n";
  }

  std::ostream& out_;
  const LayerReport& layer_;
  size_t number_;
  std::unordered_map<std::string, std::string> colours_;  // of the domains by name
  std::vector<size_t> order_;                             // of the domains, largest first
  double most_share_ = 0.0;
};

}  // namespace

std::string html_escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '&':
        escaped += "&amp;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) {
          escaped += c;
        }
    }
  }
  return escaped;
}

std::string expert_report_html(const ExpertReport& report) {
  std::ostringstream out;
  const std::string run = html_escaped(report.run);
  out << "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      << "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" << run
      << ": what the experts do</title>\n<style>" << kExpertReportStyle
      << "</style>\n</head>\n<body>\n<main>\n<h1>What the experts do</h1>\n<p class=\"soft\">Run "
         "<b>"
      << run << "</b>, step " << figures::grouped(report.step) << ", split "
      << html_escaped(report.split) << ": " << figures::grouped(report.num_words)
      << " words, perplexity " << figures::fixed(std::exp(report.nll_per_word), 2) << "</p>\n";
  out << "<p>An input is a word that the model has just read; the words after it were still to "
         "come. Of each expert: the inputs with the highest gate weights, one for each phrase; the "
         "words it gets more often than chance would have it (×, and how often); the places in the "
         "sentence, above or below chance.</p>\n";
  if (report.layers.size() > 1) {
    out << "<nav>";
    for (size_t i = 0; i < report.layers.size(); ++i) {
      out << (i == 0 ? "" : " · ") << "<a href=\"#l" << i << "\">"
          << html_escaped(report.layers[i].layer) << "</a>";
    }
    out << "</nav>\n";
  }
  for (size_t i = 0; i < report.layers.size(); ++i) {
    LayerPage(out, report.layers[i], i).write();
  }
  out << "<footer>Made by Switchyard from the run's own checkpoint; shares are of (input, expert) "
         "pairs, information is in nats. Specialisation is how far an expert's words are from "
         "those of the whole text (Kullback and Leibler).</footer>\n</main>\n</body>\n</html>\n";
  return out.str();
}

}  // namespace switchyard::analysis
