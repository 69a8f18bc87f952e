#pragma once

#include <string>
#include <vector>

namespace switchyard::figures {

struct PlotPlace {
  double x = 0.0;
  double y = 0.0;
};

struct PlotRectangle {
  double left = 0.0;
  double top = 0.0;
  double right = 0.0;
  double bottom = 0.0;
};

/// A text on its baseline; the anchor as SVG names it.
struct PlacedLabel {
  double x = 0.0;
  double y = 0.0;
  std::string anchor;  // "start", "middle", "end"
  PlotRectangle box;
};

/// How wide a text is in a common sans-serif font, about.
[[nodiscard]] double text_width(const std::string& text, double font_size);

/// Finds places for texts beside points: each goes to the first side where it covers the least of
/// dots, lines and texts that are there already, and stays within the bounds.
class LabelPlacement {
 public:
  LabelPlacement(const PlotRectangle& bounds, double font_size)
      : bounds_(bounds), font_size_(font_size) {}

  void add_dot(const PlotPlace& at, double radius);
  void add_line(const PlotPlace& from, const PlotPlace& to);
  /// Chooses a place near `at` and keeps it free from then on.
  [[nodiscard]] PlacedLabel place(const PlotPlace& at, const std::string& text);

 private:
  [[nodiscard]] double cost_of(const PlotRectangle& box) const;

  PlotRectangle bounds_;
  double font_size_;
  std::vector<PlotRectangle> dots_;
  std::vector<PlotPlace> line_places_;
  std::vector<PlotRectangle> labels_;
};

}  // namespace switchyard::figures
