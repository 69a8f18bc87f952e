#include "layers/gradient.h"

#include <gtest/gtest.h>

namespace switchyard::layers {
namespace {

TEST(GradientBytes, OfADenseGradientAreThoseOfTheParameter) {
  tensor::Parameter kernel = {.name = "kernel", .shape = {30, 4}};
  EXPECT_EQ(gradient_bytes(kernel, 1000), 30 * 4 * 4.0);
  kernel.updated_in_backward = true;
  EXPECT_EQ(gradient_bytes(kernel, 1000), 0.0);
  const tensor::Parameter buffer = {.name = "bias", .shape = {30}, .is_buffer = true};
  EXPECT_EQ(gradient_bytes(buffer, 1000), 0.0);
}

TEST(GradientBytes, OfAGradientByRowFollowTheDifferentWords) {
  const tensor::Parameter table = {
      .name = "table", .shape = {1000, 4}, .touched_rows = {.per_token = 2, .fixed = 10}};
  const double row_bytes = 4 * 4.0;
  EXPECT_NEAR(gradient_bytes(table, 1), (1 + 10) * row_bytes, 1e-6);
  // The number of distinct words among 1,000 drawn by Zipf's law, averaged over 200 random texts.
  EXPECT_NEAR(gradient_bytes(table, 1000), (333.7 + 10) * row_bytes, 2 * row_bytes);
  EXPECT_EQ(gradient_bytes(table, 1000000), 1000 * row_bytes) << "never more than all rows";
}

}  // namespace
}  // namespace switchyard::layers
