#pragma once

#include <figures/plot_axis.h>
#include <string>
#include <vector>

namespace switchyard::render {

/// A point and its label; an empty label is not drawn.
struct PlotPoint {
  double x = 0.0;
  double y = 0.0;
  std::string label;
};

/// Points of one colour, joined by a line.
struct PlotSeries {
  std::string label;  // in the legend; "" leaves it out
  std::vector<PlotPoint> points;
};

/// How a series is drawn.
enum class PlotMarks { kLinesAndDots, kLines };

/// A plot of one or more series over two axes.
struct Plot {
  std::string title;
  std::string subtitle;
  std::string x_title;
  std::string y_title;
  figures::AxisScale x_scale = figures::AxisScale::kLinear;
  figures::AxisScale y_scale = figures::AxisScale::kLinear;
  PlotMarks marks = PlotMarks::kLinesAndDots;
  std::vector<PlotSeries> series;
};

/// Draws the plot as a self-contained SVG file without scripts or fonts, light or, where the reader
/// prefers it, dark. The legend has its own rows above the drawing; labels go where they cover
/// least. Points that an axis cannot show are left out. Equal plots give equal bytes.
[[nodiscard]] std::string svg_text(const Plot& plot);

}  // namespace switchyard::render
