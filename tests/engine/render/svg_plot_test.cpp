#include "render/svg_plot.h"

#include <cmath>

#include <gtest/gtest.h>

namespace switchyard::render {
namespace {

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

Plot small_plot() {
  Plot plot;
  plot.title = "Perplexity <against> parameters & more";
  plot.x_title = "parameters";
  plot.y_title = "perplexity";
  plot.x_scale = figures::AxisScale::kLog10;
  plot.series = {{"mixture", {{1e6, 60, "4"}, {1e7, 50, "64"}}}, {"dense", {{1e6, 61, ""}}}};
  return plot;
}

TEST(SvgPlot, IsWholeAndEscaped) {
  const std::string svg = svg_text(small_plot());
  EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"")) << svg.substr(0, 80);
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_NE(svg.find("Perplexity &lt;against&gt; parameters &amp; more"), std::string::npos);
  EXPECT_EQ(count(svg, "<g "), count(svg, "</g>"));
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
}

TEST(SvgPlot, NeedsNothingBesideItself) {
  const std::string svg = svg_text(small_plot());
  for (const char* forbidden : {"href", "url(", "<script", "<image", "@import"}) {
    EXPECT_EQ(svg.find(forbidden), std::string::npos) << forbidden;
  }
}

TEST(SvgPlot, IsLegibleInTheDark) {
  EXPECT_NE(svg_text(small_plot()).find("prefers-color-scheme:dark"), std::string::npos);
}

TEST(SvgPlot, DrawsADotForEachValueAndOneForEachLegend) {
  const std::string svg = svg_text(small_plot());
  EXPECT_EQ(count(svg, "<circle class=\"dot\""), 3U);   // two values and the legend of "mixture"
  EXPECT_EQ(count(svg, "<polygon class=\"dot\""), 2U);  // one and that of "dense"
}

TEST(SvgPlot, LeavesOutWhatCannotBeShown) {
  Plot plot = small_plot();
  plot.series[0].points.push_back({0.0, 40.0, "no logarithm"});
  plot.series[0].points.push_back({1e6, NAN, "not measured"});
  const std::string svg = svg_text(plot);
  EXPECT_EQ(svg.find("no logarithm"), std::string::npos);
  EXPECT_EQ(svg.find("not measured"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
}

TEST(SvgPlot, IsAPictureWithoutValuesToo) {
  Plot plot;
  plot.title = "nothing yet";
  EXPECT_NE(svg_text(plot).find("nothing yet"), std::string::npos);
}

TEST(SvgPlot, GivesTheSameBytesTwice) {
  EXPECT_EQ(svg_text(small_plot()), svg_text(small_plot()));
}

}  // namespace
}  // namespace switchyard::render
