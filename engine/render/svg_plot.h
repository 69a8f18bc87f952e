#pragma once

#include <figures/plot_axis.h>
#include <string>
#include <vector>

namespace switchyard::render {

/// A value, and what it is called; "" = no text beside it.
struct PlotPoint {
  double x = 0.0;
  double y = 0.0;
  std::string label;
};

struct PlotSeries {
  std::string label;  // in the legend; "" = none
  std::vector<PlotPoint> points;
};

enum class PlotMarks { kLinesAndDots, kLines };

/// A picture of one or more series over two axes.
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

/// The plot as an SVG file of its own: no script, no font and no file beside it; light and, where
/// the reader prefers it, dark. The legend has rows of its own above the drawing; texts beside
/// points are put where they cover least. Points that an axis cannot show are left out. Equal plots
/// give equal bytes.
[[nodiscard]] std::string svg_text(const Plot& plot);

}  // namespace switchyard::render
