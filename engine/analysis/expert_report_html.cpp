#include "analysis/expert_report_html.h"

#include <algorithm>
#include <cmath>
#include <figures/number_text.h>
#include <iterator>
#include <numeric>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "analysis/expert_report_style.h"
#include "analysis/expert_report_text.h"

namespace switchyard::analysis {
namespace {

using figures::fixed;
using figures::grouped;

constexpr int64_t kCellsInRow = 64;
constexpr size_t kIndexed = 48;       // experts in the index of a large layer
constexpr size_t kDomainColours = 8;  // d0 ... d7; d8 for all others
constexpr size_t kDomainsNamed = 3;
constexpr size_t kWordsIndexed = 5;

std::string percent(double share) {
  return fixed(100.0 * share, share < 0.0995 ? (share < 0.00995 ? 2 : 1) : 0) + "\u202f%";
}

/// Width or height of a bar.
std::string extent(double share) {
  return fixed(100.0 * std::clamp(share, 0.0, 1.0), 1) + "%";
}

/// h0 ... h8: from a quarter of a fair share to four fair shares, in steps of the square root of 2.
std::string heat_colour(double over_fair) {
  const double level = over_fair > 0.0 ? 4.0 + 2.0 * std::log2(over_fair) : 0.0;
  return fmt::format("var(--h{})", std::clamp(std::lround(level), 0L, 8L));
}

/// Writes the section of one layer.
class LayerPage {
 public:
  LayerPage(const LayerReport& layer, size_t number) : layer_(layer), number_(number) {
    std::vector<size_t> by_share(layer.domains.names.size());
    std::iota(by_share.begin(), by_share.end(), 0);
    std::stable_sort(by_share.begin(), by_share.end(), [&](size_t a, size_t b) {
      return layer.domains.shares[a] > layer.domains.shares[b];
    });
    for (size_t i = 0; i < by_share.size(); ++i) {
      colours_[layer.domains.names[by_share[i]]] =
          fmt::format("var(--d{})", std::min(i, kDomainColours));
      order_.push_back(by_share[i]);
    }
    for (const ExpertPortrait& expert : layer.experts) {
      most_share_ = std::max(most_share_, expert.row_share);
    }
  }

  std::string text() {
    add(R"(<section>
<h2 id="l{}">{}</h2>
<p class="soft">{} experts, {} for each of {} inputs.</p>
)",
        number_, html_escaped(layer_.layer), grouped(layer_.num_experts), layer_.top_k,
        grouped(layer_.num_inputs));
    add_tiles();
    add_shares();
    add_domains();
    add_index();
    add_spreads();
    add("<h3>The experts</h3>\n<div class=\"cards\">\n");
    for (const ExpertPortrait& expert : layer_.experts) {
      if (expert.rows > 0) {
        add_card(expert);
      }
    }
    add("</div>\n");
    add_unused();
    add("</section>\n");
    return std::move(text_);
  }

 private:
  template <typename... Args>
  void add(fmt::format_string<Args...> html, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), html, std::forward<Args>(args)...);
  }

  [[nodiscard]] std::string anchor(int64_t expert) const {
    return fmt::format("e{}-{}", number_, expert);
  }
  [[nodiscard]] double over_fair(const ExpertPortrait& expert) const {
    return expert.row_share * static_cast<double>(layer_.num_experts);
  }

  void add_tile(const std::string& name, const std::string& value, const std::string& note) {
    add("<div><dt>{}</dt><dd>{}<small>{}</small></dd></div>\n", name, value, note);
  }

  void add_tiles() {
    const Association& words = layer_.words;
    const Association& places = layer_.places;
    add("<dl class=\"tiles\">\n");
    add_tile("An expert tells of its word",
             fmt::format("{} nats", fixed(words.corrected_information, 2)),
             fmt::format("of at most {}; by mutual information, corrected for chance",
                         fixed(std::min(words.row_entropy, words.column_entropy), 2)));
    add_tile("… of the place in its sentence",
             fmt::format("{} nats", fixed(places.corrected_information, 3)),
             fmt::format("of at most {}",
                         fixed(std::min(places.row_entropy, places.column_entropy), 2)));
    add_tile("Largest over mean share", fixed(layer_.max_over_mean_rows, 2),
             fmt::format("inputs per expert; CV {}", fixed(layer_.cv_rows, 3)));
    add_tile("Experts without an input", grouped(layer_.num_unused),
             fmt::format("of {}", grouped(layer_.num_experts)));
    if (layer_.has_domains) {
      const DomainAgreement& domains = layer_.domains;
      add_tile("Purity of domains", fixed(domains.purity, 3),
               fmt::format("{} by chance", fixed(domains.purity_by_chance, 3)));
      add_tile("Experts and domains agree", fixed(domains.information, 3),
               fmt::format("normalised information; {} by chance, {} at most",
                           fixed(domains.information_by_chance, 4),
                           fixed(domains.most_information_by_chance, 4)));
    }
    add("</dl>\n");
  }

  /// A grid of cells, one per expert, each a link to its card. `fill` gives the attributes of an
  /// expert's cell.
  template <typename Fill>
  void add_strip(const Fill& fill) {
    constexpr int64_t kCell = 20;
    constexpr int64_t kMargin = 22;
    const int64_t columns = std::min(layer_.num_experts, kCellsInRow);
    const int64_t rows = (layer_.num_experts + columns - 1) / columns;
    const int64_t margin = rows > 1 ? kMargin : 0;
    const int64_t width = margin + columns * kCell;
    add(R"(<svg class="strip" role="img" viewBox="0 0 {} {}" style="max-width:{}px">)", width,
        rows * kCell, std::min<int64_t>(width * 2, 1280));
    add("\n");
    for (const ExpertPortrait& expert : layer_.experts) {
      const int64_t x = margin + expert.expert % columns * kCell;
      const int64_t y = expert.expert / columns * kCell;
      if (margin > 0 && expert.expert % columns == 0) {
        add(R"(<text class="row" x="{}" y="{}">{}</text>)", margin - 3, y + 12, expert.expert);
      }
      add(R"(<a href="#{}"><rect x="{}" y="{}" width="19" height="19" rx="3" {}>)",
          anchor(expert.expert), x, y, fill(expert));
      add("<title>{}</title></rect>", title_of(expert));
      if (margin == 0) {
        add(R"(<text x="{}.5" y="{}.5">{}</text>)", x + 9, y + 12, expert.expert);
      }
      add("</a>\n");
    }
    add("</svg>\n");
  }

  [[nodiscard]] static std::string title_of(const ExpertPortrait& expert) {
    std::string title =
        fmt::format("expert {}: {} of inputs", expert.expert, percent(expert.row_share));
    for (size_t i = 0; i < std::min(expert.words.size(), kWordsIndexed); ++i) {
      title += (i == 0 ? "; " : ", ") + expert.words[i].word;
    }
    if (!expert.domains.empty()) {
      title += fmt::format("; {} {}", expert.domains[0].name, percent(expert.domains[0].share));
    }
    return html_escaped(title);
  }

  void add_shares() {
    add("<h3>Inputs per expert</h3>\n");
    add_strip([&](const ExpertPortrait& expert) {
      return expert.rows > 0 ? fmt::format(R"(style="fill:{}")", heat_colour(over_fair(expert)))
                             : std::string(R"(class="none")");
    });
    add(R"(<div class="legend"><span>a quarter of a fair share<span class="scale">)");
    for (int level = 0; level <= 8; ++level) {
      add(R"html(<i style="background:var(--h{})"></i>)html", level);
    }
    add("</span>four fair shares</span><span>a fair share is {}</span>{}</div>\n",
        percent(1.0 / static_cast<double>(layer_.num_experts)),
        layer_.num_unused > 0 ? R"(<span><i class="none"></i>without an input</span>)" : "");
  }

  void add_domains() {
    if (!layer_.has_domains) {
      return;
    }
    add("<h3>Domains: the commonest of each expert</h3>\n");
    // The fuller the colour, the larger the share.
    add_strip([&](const ExpertPortrait& expert) {
      return expert.domains.empty() ? std::string(R"(class="none")")
                                    : fmt::format(R"(style="fill:{}" fill-opacity="{}")",
                                                  colours_.at(expert.domains[0].name),
                                                  fixed(0.15 + 0.85 * expert.domains[0].share, 2));
    });
    add(R"(<div class="legend">)");
    for (size_t i = 0; i < std::min(order_.size(), kDomainColours); ++i) {
      const std::string& name = layer_.domains.names[order_[i]];
      add(R"(<span><i style="background:{}"></i>{} {}</span>)", colours_.at(name),
          html_escaped(name), percent(layer_.domains.shares[order_[i]]));
    }
    if (order_.size() > kDomainColours) {
      add(R"html(<span><i style="background:var(--d8)"></i>{} others</span>)html",
          order_.size() - kDomainColours);
    }
    add("</div>\n");
  }

  void add_index() {
    const bool is_whole = layer_.experts.size() <= kCellsInRow;
    const std::vector<int64_t> chosen =
        telling_experts(layer_, is_whole ? layer_.experts.size() : kIndexed);
    add("<h3>{}</h3>\n<ol class=\"index\">\n",
        is_whole ? "Index" : "Index of those that tell the most of their words");
    for (const int64_t e : chosen) {
      const ExpertPortrait& expert = layer_.experts[static_cast<size_t>(e)];
      std::string words;
      for (size_t i = 0; i < std::min(expert.words.size(), kWordsIndexed); ++i) {
        words += (i == 0 ? "" : " · ") + html_escaped(expert.words[i].word);
      }
      add("<li><b><a href=\"#{}\">{}</a></b><span>{}</span></li>\n", anchor(e), e,
          words.empty() ? "<small>no favoured word</small>" : words);
    }
    add("</ol>\n");
  }

  void add_spreads() {
    if (layer_.concentrated.empty()) {
      return;
    }
    add("<div class=\"pair\">\n");
    add_spread("Frequent words on few experts", layer_.concentrated);
    add_spread("… and on many", layer_.spread);
    add("</div>\n");
  }

  void add_spread(const char* name, const std::vector<WordSpread>& spreads) {
    add("<div><h3>{}</h3>\n", name);
    add(R"(<table class="spread"><tr><th>word</th>)"
        R"(<th class="r">times</th><th class="r">as if on</th><th>largest</th></tr>)");
    add("\n");
    for (const WordSpread& spread : spreads) {
      add(R"(<tr><td>{}</td><td class="r">{}</td><td class="r">{}</td><td>)",
          html_escaped(spread.word), grouped(spread.count / std::max<int64_t>(layer_.top_k, 1)),
          fixed(std::exp(spread.entropy), 1));
      for (const ExpertShare& share : spread.experts) {
        add(R"(<a href="#{}">{}</a> <small>{}</small> )", anchor(share.expert), share.expert,
            percent(share.share));
      }
      add("</td></tr>\n");
    }
    add("</table></div>\n");
  }

  /// The experts without an input: no cards, but anchors for the links.
  void add_unused() {
    if (layer_.num_unused == 0) {
      return;
    }
    add("<h3>Without an input</h3>\n<p class=\"unused\">");
    for (const ExpertPortrait& expert : layer_.experts) {
      if (expert.rows == 0) {
        add(R"(<span id="{}">{}</span> )", anchor(expert.expert), expert.expert);
      }
    }
    add("</p>\n");
  }

  void add_card(const ExpertPortrait& expert) {
    const std::string id = anchor(expert.expert);
    const double fair = 1.0 / static_cast<double>(layer_.num_experts);
    const double scale = std::max(most_share_, fair) * 1.02;
    add(R"(<article class="card" id="{}"><header><i style="background:{}"></i>)", id,
        heat_colour(over_fair(expert)));
    add(R"(<b><a href="#{}">Expert {}</a></b><span class="num">)", id, expert.expert);
    add("{} {}, {} · gate weight {} · specialisation {}</span></header>\n", grouped(expert.rows),
        expert.rows == 1 ? "input" : "inputs", percent(expert.row_share),
        percent(expert.gate_share), fixed(expert.specialisation, 2));
    add(R"(<div class="share" title="share of the inputs; the tick is a fair share">)");
    add("<b style=\"width:{}\"></b><u style=\"left:{}\"></u></div>\n",
        extent(expert.row_share / scale), extent(fair / scale));
    add_contexts(expert);
    add_words(expert);
    add(R"(<div class="foot">)");
    add_places(expert);
    add_domain_shares(expert);
    add("</div></article>\n");
  }

  void add_contexts(const ExpertPortrait& expert) {
    add("<table class=\"kwic\">\n");
    for (const ContextText& context : expert.contexts) {
      add(R"(<tr title="sentence {}"><td class="g" style="--w:{}">{}</td>)",
          grouped(context.sentence), extent(context.gate_weight), fixed(context.gate_weight, 3));
      add(R"(<td class="b"><span>{}</span></td><td class="w"><mark>{}</mark></td>)",
          html_escaped(context.before), html_escaped(context.word));
      add("<td class=\"a\">{}</td></tr>\n", html_escaped(context.after));
    }
    add("</table>\n");
  }

  void add_words(const ExpertPortrait& expert) {
    if (expert.words.empty()) {
      add("<p class=\"empty\">no word comes here often and more than elsewhere</p>\n");
      return;
    }
    const double most = expert.words[0].lift;
    add(R"(<ul class="words">)");
    for (const FavouredWord& word : expert.words) {
      add(R"(<li style="--w:{}">{}<small>×{} · {}</small></li>)", extent(word.lift / most),
          html_escaped(word.word), fixed(word.lift, 1), grouped(word.count));
    }
    add("</ul>\n");
  }

  /// Bars around the line of lift 1, on a logarithmic scale from a quarter to four.
  void add_places(const ExpertPortrait& expert) {
    constexpr double kMiddle = 21.0;
    constexpr double kReach = 18.0;
    add(R"(<svg viewBox="0 0 150 54" role="img"><title>places in the sentence, over chance)"
        "</title>");
    for (size_t i = 0; i < expert.place_lift.size(); ++i) {
      const double lift = expert.place_lift[i];
      const double level = lift > 0.0 ? std::clamp(std::log2(lift) / 2.0, -1.0, 1.0) : -1.0;
      const double height = std::max(0.6, std::abs(level) * kReach);
      const double x = 2.0 + 25.0 * static_cast<double>(i);
      add(R"(<rect x="{}" y="{}" width="21" height="{}" style="fill:{}">)", fixed(x, 0),
          fixed(level > 0.0 ? kMiddle - height : kMiddle, 1), fixed(height, 1), heat_colour(lift));
      add("<title>{}: ×{}</title></rect>", kPlaceNames[i], fixed(lift, 2));
      add(R"(<text x="{}" y="52">{}</text>)", fixed(x + 10.5, 1), kPlaceNames[i]);
    }
    add("<path d=\"M0 21H150\" style=\"stroke:var(--soft);stroke-width:.7\"/></svg>\n");
  }

  void add_domain_shares(const ExpertPortrait& expert) {
    if (expert.domains.empty()) {
      return;
    }
    add(R"(<div><div class="stack">)");
    for (const NamedShare& domain : expert.domains) {
      add(R"(<i style="width:{};background:{}" title="{} {}"></i>)", extent(domain.share),
          colours_.at(domain.name), html_escaped(domain.name), percent(domain.share));
    }
    add(R"(</div><div class="doms">)");
    for (size_t i = 0; i < std::min(expert.domains.size(), kDomainsNamed); ++i) {
      const NamedShare& domain = expert.domains[i];
      add("{}{} {} ×{}", i == 0 ? "" : " · ", html_escaped(domain.name), percent(domain.share),
          fixed(domain.lift, 1));
    }
    add("</div></div>\n");
  }

  const LayerReport& layer_;
  size_t number_;
  std::string text_;
  std::unordered_map<std::string, std::string> colours_;  // of the domains by name
  std::vector<size_t> order_;                             // of the domains, largest first
  double most_share_ = 0.0;
};

constexpr const char* kPageBegin = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{run}: what the experts do</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>What the experts do</h1>
<p class="soft">Run <b>{run}</b>, step {step}, split {split}: {words} words, perplexity {perplexity}</p>
)";

constexpr std::string_view kExplanation =
    "<p>An input is a word that the model has just read; the words after it were still to come. Of "
    "each expert: the inputs with the highest gate weights, one for each phrase; the words it gets "
    "more often than chance would have it (×, and how often); the places in the sentence, above or "
    "below chance.</p>\n";

constexpr std::string_view kPageEnd =
    "<footer>Made by Switchyard from the run's own checkpoint; shares are of (input, expert) "
    "pairs, information is in nats. Specialisation is how far an expert's words are from those of "
    "the whole text (Kullback and Leibler).</footer>\n</main>\n</body>\n</html>\n";

std::string navigation(const std::vector<LayerReport>& layers) {
  std::vector<std::string> links;
  for (size_t i = 0; i < layers.size(); ++i) {
    links.push_back(fmt::format("<a href=\"#l{}\">{}</a>", i, html_escaped(layers[i].layer)));
  }
  return links.size() > 1 ? fmt::format("<nav>{}</nav>\n", fmt::join(links, " · ")) : "";
}

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
  std::string page = fmt::format(
      kPageBegin, fmt::arg("run", html_escaped(report.run)), fmt::arg("style", kExpertReportStyle),
      fmt::arg("step", grouped(report.step)), fmt::arg("split", html_escaped(report.split)),
      fmt::arg("words", grouped(report.num_words)),
      fmt::arg("perplexity", fixed(std::exp(report.nll_per_word), 2)));
  page += kExplanation;
  page += navigation(report.layers);
  for (size_t i = 0; i < report.layers.size(); ++i) {
    page += LayerPage(report.layers[i], i).text();
  }
  page += kPageEnd;
  return page;
}

}  // namespace switchyard::analysis
