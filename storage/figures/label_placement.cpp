#include "figures/label_placement.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

namespace switchyard::figures {
namespace {

constexpr double kGap = 9.0;       // between a dot's centre and its label
constexpr double kLineStep = 3.0;  // distance between the sampled points of a line

// The costs of covering something: a covered label is unreadable, a dot lost, a line only crossed.
constexpr double kLabelCost = 100.0;
constexpr double kDotCost = 60.0;
constexpr double kOutsideCost = 400.0;
constexpr double kLineCost = 1.0;
constexpr double kOrderCost = 0.1;

struct Side {
  double dx;
  double dy;
  const char* anchor;
};

constexpr std::array<Side, 8> kSides = {{{0.8, -0.7, "start"},
                                         {-0.8, 0.7, "end"},
                                         {0.8, 0.7, "start"},
                                         {-0.8, -0.7, "end"},
                                         {0.0, -1.2, "middle"},
                                         {0.0, 1.2, "middle"},
                                         {1.1, 0.0, "start"},
                                         {-1.1, 0.0, "end"}}};

bool meets(const PlotRectangle& a, const PlotRectangle& b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

bool holds(const PlotRectangle& box, const PlotPlace& place) {
  return place.x > box.left && place.x < box.right && place.y > box.top && place.y < box.bottom;
}

PlacedLabel label_at(const Side& side, const PlotPlace& at, double width, double font_size) {
  const double height = font_size;
  const double middle = at.y + side.dy * (kGap + (side.dx == 0.0 ? height / 4.0 : 0.0));
  PlacedLabel label;
  label.x = at.x + side.dx * kGap;
  label.y = middle + 0.35 * font_size;  // from the middle of the letters to their baseline
  label.anchor = side.anchor;
  const double left =
      label.anchor == "start" ? label.x : label.x - (label.anchor == "end" ? width : width / 2);
  label.box = {left, middle - height / 2.0, left + width, middle + height / 2.0};
  return label;
}

}  // namespace

double text_width(const std::string& text, double font_size) {
  constexpr std::string_view kNarrow = "iljtf.,:;'|!()[]I ";
  constexpr std::string_view kWide = "mwMW%@";
  double width = 0.0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0U) == 0x80U) {
      continue;  // a continuation byte of a multi-byte letter
    }
    if (kNarrow.find(c) != std::string_view::npos) {
      width += 0.33;
    } else if (kWide.find(c) != std::string_view::npos) {
      width += 0.88;
    } else {
      width += c >= 'A' && c <= 'Z' ? 0.68 : 0.58;
    }
  }
  return width * font_size;
}

void LabelPlacement::add_dot(const PlotPlace& at, double radius) {
  dots_.push_back({at.x - radius, at.y - radius, at.x + radius, at.y + radius});
}

void LabelPlacement::add_line(const PlotPlace& from, const PlotPlace& to) {
  const double length = std::hypot(to.x - from.x, to.y - from.y);
  const auto count = static_cast<int>(std::ceil(length / kLineStep));
  for (int i = 1; i < count; ++i) {
    const double share = static_cast<double>(i) / count;
    line_places_.push_back({from.x + share * (to.x - from.x), from.y + share * (to.y - from.y)});
  }
}

double LabelPlacement::cost_of(const PlotRectangle& box) const {
  double cost = 0.0;
  for (const PlotRectangle& label : labels_) {
    cost += meets(box, label) ? kLabelCost : 0.0;
  }
  for (const PlotRectangle& dot : dots_) {
    cost += meets(box, dot) ? kDotCost : 0.0;
  }
  for (const PlotPlace& place : line_places_) {
    cost += holds(box, place) ? kLineCost : 0.0;
  }
  const bool is_inside = box.left >= bounds_.left && box.right <= bounds_.right &&
                         box.top >= bounds_.top && box.bottom <= bounds_.bottom;
  return is_inside ? cost : cost + kOutsideCost;
}

PlacedLabel LabelPlacement::place(const PlotPlace& at, const std::string& text) {
  const double width = text_width(text, font_size_);
  PlacedLabel best;
  double lowest = std::numeric_limits<double>::infinity();
  double order = 0.0;
  for (const Side& side : kSides) {
    const PlacedLabel label = label_at(side, at, width, font_size_);
    const double cost = cost_of(label.box) + order;
    order += kOrderCost;
    if (cost < lowest) {
      lowest = cost;
      best = label;
    }
  }
  labels_.push_back(best.box);
  return best;
}

}  // namespace switchyard::figures
