#include "process/checkpoint_name.h"

#include <gtest/gtest.h>

namespace switchyard::process {
namespace {

TEST(CheckpointName, ReadsBackWhatItWrites) {
  for (const int64_t step : {int64_t{0}, int64_t{200}, INT64_MAX}) {
    EXPECT_EQ(step_of_checkpoint(checkpoint_name(step)), step);
  }
  EXPECT_EQ(checkpoint_name(200), "step-200");
}

TEST(CheckpointName, TakesNothingElseForAStep) {
  for (const char* name : {"", "step-", "step-x", "step-1x", "step--1", "step-+1", "step-01",
                           "Step-1", " step-1", "step-9223372036854775808", "corrupt-step-7"}) {
    EXPECT_FALSE(step_of_checkpoint(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace switchyard::process
