#include <figures/label_placement.h>

#include <gtest/gtest.h>

namespace switchyard::figures {
namespace {

bool overlap(const PlotRectangle& a, const PlotRectangle& b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

TEST(LabelPlacement, KeepsTextsOfCloseDotsApart) {
  LabelPlacement placement({0, 0, 400, 300}, 12.0);
  const std::vector<PlotPlace> dots = {{200, 150}, {206, 154}, {194, 145}};
  for (const PlotPlace& dot : dots) {
    placement.add_dot(dot, 4.5);
  }
  std::vector<PlacedLabel> labels;
  for (const PlotPlace& dot : dots) {
    labels.push_back(placement.place(dot, "sixteen"));
  }
  for (size_t i = 0; i < labels.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      EXPECT_FALSE(overlap(labels[i].box, labels[j].box)) << i << " and " << j;
    }
  }
}

TEST(LabelPlacement, StaysWithinItsBounds) {
  const PlotRectangle bounds{0, 0, 400, 300};
  for (const PlotPlace& corner : {PlotPlace{2, 2}, {398, 2}, {2, 298}, {398, 298}}) {
    LabelPlacement placement(bounds, 12.0);
    const PlotRectangle box = placement.place(corner, "a long name").box;
    EXPECT_GE(box.left, bounds.left);
    EXPECT_LE(box.right, bounds.right);
    EXPECT_GE(box.top, bounds.top);
    EXPECT_LE(box.bottom, bounds.bottom);
  }
}

TEST(LabelPlacement, AvoidsTheCurve) {
  LabelPlacement placement({0, 0, 400, 300}, 12.0);
  placement.add_line({200, 150}, {400, 10});  // up and to the right, where it would go first
  const PlacedLabel label = placement.place({200, 150}, "name");
  EXPECT_NE(label.anchor + (label.y < 150 ? " above" : " below"), "start above");
}

TEST(LabelPlacement, CountsLettersNotBytes) {
  EXPECT_EQ(text_width("\xc3\xa4", 10.0), text_width("a", 10.0));
  EXPECT_GT(text_width("mmm", 10.0), text_width("iii", 10.0));
}

}  // namespace
}  // namespace switchyard::figures
