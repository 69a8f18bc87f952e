#pragma once

#include <string>
#include <vector>

namespace switchyard::figures {

/// A point of a drawing; y grows downwards.
struct PlotPlace {
  double x = 0.0;
  double y = 0.0;
};

/// A rectangle of a drawing.
struct PlotRectangle {
  double left = 0.0;
  double top = 0.0;
  double right = 0.0;
  double bottom = 0.0;
};

/// A label at its baseline, with its anchor as SVG names it.
struct PlacedLabel {
  double x = 0.0;
  double y = 0.0;
  std::string anchor;  // "start", "middle", "end"
  PlotRectangle box;
};

/// The approximate width of a text in a common sans-serif font.
[[nodiscard]] double text_width(const std::string& text, double font_size);

/// Finds places for labels beside points. A label goes to the first side where it stays within the
/// bounds and covers least of the dots, lines and labels already there.
class LabelPlacement {
 public:
  LabelPlacement(const PlotRectangle& bounds, double font_size)
      : bounds_(bounds), font_size_(font_size) {}

  void add_dot(const PlotPlace& at, double radius);
  void add_line(const PlotPlace& from, const PlotPlace& to);
  /// Chooses a place near `at` and reserves it.
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
