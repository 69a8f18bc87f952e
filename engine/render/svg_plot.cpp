#include "render/svg_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <figures/label_placement.h>
#include <string_view>

#include <fmt/core.h>

namespace switchyard::render {
namespace {

constexpr double kWidth = 760.0;
constexpr double kDrawingHeight = 330.0;
constexpr double kLeft = 74.0;
constexpr double kRight = 30.0;
constexpr double kPadding = 24.0;  // around text
constexpr double kLegendRow = 22.0;
constexpr double kBelow = 64.0;  // tick labels and title of the x axis
constexpr int kMaxXTicks = 9;
constexpr int kMaxYTicks = 7;
constexpr double kTickSize = 12.0;
constexpr double kLabelSize = 12.0;
constexpr double kDotRadius = 4.5;
constexpr size_t kNumColours = 8;

// Two palettes with the same hues: dark enough for white, light enough for black, and distinct for
// colour-blind readers (blue and orange come first).
constexpr std::array<const char*, kNumColours> kLight = {
    "#2166c4", "#d5620a", "#1f8a5b", "#8a4bc2", "#c2334d", "#0f8296", "#8c6d1f", "#5f6b7a"};
constexpr std::array<const char*, kNumColours> kDark = {"#6fb0ff", "#ffa057", "#5fd39b", "#c9a0ff",
                                                        "#ff8597", "#58d0e3", "#dcbd62", "#b3bdca"};

/// Escapes text for use between tags and in quotes; bytes that XML forbids become spaces.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return result;
}

std::string colour_rules(const std::array<const char*, kNumColours>& colours) {
  std::string rules;
  for (size_t i = 0; i < colours.size(); ++i) {
    rules +=
        fmt::format(".s{} path{{stroke:{}}}.s{} .dot{{fill:{}}}\n", i, colours[i], i, colours[i]);
  }
  return rules;
}

std::string style() {
  constexpr std::string_view kLightRules = R"css(
text{font-family:system-ui,-apple-system,"Segoe UI","Noto Sans","DejaVu Sans",Arial,sans-serif;fill:#1c2430}
.card{fill:#ffffff}.title{font-size:17px;font-weight:600}
.quiet{fill:#5b6675}.small{font-size:12px}.subtitle{font-size:13px}
.label{paint-order:stroke;stroke:#ffffff;stroke-width:3px;stroke-linejoin:round}
.grid{stroke:#e4e8ee;stroke-width:1}.axis{stroke:#8b95a3;stroke-width:1}
.curve{fill:none;stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round}
.dot{stroke:#ffffff;stroke-width:1.5}
)css";
  constexpr std::string_view kDarkRules = R"css(@media (prefers-color-scheme:dark){
text{fill:#e8ecf2}.card{fill:#12161d}.quiet{fill:#a3adbb}
.label{stroke:#12161d}.grid{stroke:#262d38}.axis{stroke:#6c7786}.dot{stroke:#12161d}
)css";
  return fmt::format("<style>{}{}{}{}}}\n</style>\n", kLightRules, colour_rules(kLight), kDarkRules,
                     colour_rules(kDark));
}

std::string text_element(double x, double y, const std::string& anchor, const std::string& classes,
                         const std::string& text) {
  return fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="{}" class="{}">{}</text>)"
                     "\n",
                     x, y, anchor, classes, escaped(text));
}

std::string line_element(double x1, double y1, double x2, double y2, const std::string& classes) {
  return fmt::format(R"(<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" class="{}"/>)"
                     "\n",
                     x1, y1, x2, y2, classes);
}

/// Circle, square, triangle and diamond in turn, so that series differ even without colour.
std::string dot_element(size_t series, double x, double y) {
  const double r = kDotRadius;
  const auto path = [&](const std::string& corners) {
    return fmt::format("<polygon class=\"dot\" points=\"{}\"/>\n", corners);
  };
  const auto corner = [&](double dx, double dy) {
    return fmt::format("{:.1f},{:.1f} ", x + dx * r, y + dy * r);
  };
  switch (series % 4) {
    case 1:
      return path(corner(-0.9, -0.9) + corner(0.9, -0.9) + corner(0.9, 0.9) + corner(-0.9, 0.9));
    case 2:
      return path(corner(0, -1.25) + corner(1.15, 0.85) + corner(-1.15, 0.85));
    case 3:
      return path(corner(0, -1.3) + corner(1.3, 0) + corner(0, 1.3) + corner(-1.3, 0));
    default:
      return fmt::format("<circle class=\"dot\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\"/>\n", x, y, r);
  }
}

/// The second eight series repeat the colours of the first, dashed.
std::string dashes_of(size_t series) {
  return series / kNumColours % 2 == 1 ? " stroke-dasharray=\"6 5\"" : "";
}

std::vector<double> values_of(const Plot& plot, double PlotPoint::* coordinate) {
  std::vector<double> values;
  for (const PlotSeries& series : plot.series) {
    for (const PlotPoint& point : series.points) {
      values.push_back(point.*coordinate);
    }
  }
  return values;
}

class Drawing {
 public:
  explicit Drawing(const Plot& plot)
      : plot_(plot),
        x_(plot.x_scale, values_of(plot, &PlotPoint::x)),
        y_(plot.y_scale, values_of(plot, &PlotPoint::y)) {}

  std::string text() {
    draw_head();
    draw_legend();
    draw_axes();
    for (size_t i = 0; i < plot_.series.size(); ++i) {
      draw_series(i);
    }
    draw_labels();
    const double height = top_ + kDrawingHeight + kBelow;
    return fmt::format(R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:.0f} {1:.0f}" )"
                       R"(width="{0:.0f}" height="{1:.0f}" role="img">)"
                       "\n<title>{2}</title>\n{3}"
                       R"(<rect class="card" width="100%" height="100%" rx="8"/>)"
                       "\n{4}</svg>\n",
                       kWidth, height, escaped(plot_.title), style(), body_);
  }

 private:
  [[nodiscard]] bool shows(const PlotPoint& point) const {
    return x_.takes(point.x) && y_.takes(point.y);
  }
  [[nodiscard]] double x_of(double value) const {
    return kLeft + x_.place(value) * (kWidth - kLeft - kRight);
  }
  [[nodiscard]] double y_of(double value) const {
    return top_ + (1.0 - y_.place(value)) * kDrawingHeight;
  }

  void draw_head() {
    top_ = kPadding + 14.0;
    body_ += text_element(kPadding, top_, "start", "title", plot_.title);
    if (!plot_.subtitle.empty()) {
      top_ += 21.0;
      body_ += text_element(kPadding, top_, "start", "subtitle quiet", plot_.subtitle);
    }
    top_ += 14.0;
  }

  /// In rows above the drawing, so that no curve runs behind them.
  void draw_legend() {
    constexpr double kKey = 26.0;
    constexpr double kGap = 22.0;
    double x = kPadding;
    bool is_any = false;
    for (size_t i = 0; i < plot_.series.size(); ++i) {
      const std::string& label = plot_.series[i].label;
      if (label.empty()) {
        continue;
      }
      const double width = kKey + figures::text_width(label, kTickSize + 1.0) + kGap;
      if (is_any && x + width > kWidth - kRight + kGap) {
        x = kPadding;
        top_ += kLegendRow;
      }
      const double y = top_ + 10.0;
      body_ += fmt::format("<g class=\"s{}\">\n", i % kNumColours);
      if (plot_.series[i].points.size() != 1) {  // a single point has no line
        body_ +=
            fmt::format("<path class=\"curve\"{} d=\"M{:.1f},{:.1f}h18\"/>\n", dashes_of(i), x, y);
      }
      if (plot_.marks == PlotMarks::kLinesAndDots) {
        body_ += dot_element(i, x + 9.0, y);
      }
      body_ += "</g>\n" + text_element(x + kKey, y + 4.5, "start", "subtitle", label);
      x += width;
      is_any = true;
    }
    top_ += is_any ? kLegendRow + 8.0 : 0.0;
  }

  void draw_axes() {
    top_ += 14.0;
    body_ += text_element(kPadding, top_, "start", "small quiet", plot_.y_title);
    top_ += 14.0;
    const double bottom = top_ + kDrawingHeight;
    const std::vector<double> y_ticks = y_.ticks(kMaxYTicks);
    const std::vector<std::string> y_texts = figures::tick_texts(y_ticks);
    for (size_t i = 0; i < y_ticks.size(); ++i) {
      const double y = y_of(y_ticks[i]);
      body_ += line_element(kLeft, y, kWidth - kRight, y, "grid");
      body_ += text_element(kLeft - 10.0, y + 4.0, "end", "small quiet", y_texts[i]);
    }
    const std::vector<double> x_ticks = x_.ticks(kMaxXTicks);
    const std::vector<std::string> x_texts = figures::tick_texts(x_ticks);
    for (size_t i = 0; i < x_ticks.size(); ++i) {
      const double x = x_of(x_ticks[i]);
      body_ += line_element(x, top_, x, bottom, "grid");
      body_ += line_element(x, bottom, x, bottom + 5.0, "axis");
      body_ += text_element(x, bottom + 20.0, "middle", "small quiet", x_texts[i]);
    }
    body_ += line_element(kLeft, bottom, kWidth - kRight, bottom, "axis");
    body_ += text_element((kLeft + kWidth - kRight) / 2.0, bottom + 44.0, "middle", "small quiet",
                          plot_.x_title);
    placement_ = figures::LabelPlacement({kLeft, top_, kWidth - kRight, bottom}, kLabelSize);
  }

  void draw_series(size_t index) {
    body_ += fmt::format("<g class=\"s{}\">\n", index % kNumColours);
    std::string path;
    std::string dots;
    const PlotPoint* before = nullptr;
    for (const PlotPoint& point : plot_.series[index].points) {
      if (!shows(point)) {
        continue;
      }
      const double x = x_of(point.x);
      const double y = y_of(point.y);
      path += fmt::format("{}{:.1f},{:.1f}", path.empty() ? "M" : "L", x, y);
      if (before != nullptr) {
        placement_.add_line({x_of(before->x), y_of(before->y)}, {x, y});
      }
      before = &point;
      if (plot_.marks == PlotMarks::kLinesAndDots) {
        dots += dot_element(index, x, y);
        placement_.add_dot({x, y}, kDotRadius);
      }
    }
    if (!path.empty()) {
      body_ += fmt::format("<path class=\"curve\"{} d=\"{}\"/>\n", dashes_of(index), path);
    }
    body_ += dots + "</g>\n";
  }

  /// Last, so that labels avoid everything else.
  void draw_labels() {
    for (const PlotSeries& series : plot_.series) {
      for (const PlotPoint& point : series.points) {
        if (point.label.empty() || !shows(point)) {
          continue;
        }
        const figures::PlacedLabel label =
            placement_.place({x_of(point.x), y_of(point.y)}, point.label);
        body_ += text_element(label.x, label.y, label.anchor, "small label", point.label);
      }
    }
  }

  const Plot& plot_;
  figures::PlotAxis x_;
  figures::PlotAxis y_;
  double top_ = 0.0;  // the end of what is drawn so far; later the top of the drawing
  figures::LabelPlacement placement_{{}, kLabelSize};
  std::string body_;
};

}  // namespace

std::string svg_text(const Plot& plot) {
  return Drawing(plot).text();
}

}  // namespace switchyard::render
