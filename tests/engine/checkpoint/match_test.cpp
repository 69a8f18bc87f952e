#include "checkpoint/match.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/checkpoint/checkpoint_fixture.h"

namespace switchyard::checkpoint {
namespace {

using core::ErrorCode;
using tensor::Tensor;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(CopyInto, CopiesByNameInWhateverOrder) {
  const std::vector<NamedTensor> from = {{"a", Tensor::from<float>({2}, {1, 2})},
                                         {"b", Tensor::from<int32_t>({}, {3})}};
  const std::vector<NamedTensor> into = {{"b", Tensor::from<int32_t>({}, {0})},
                                         {"a", Tensor::from<float>({2}, {0, 0})}};
  copy_into(from, into, "model");
  EXPECT_THAT(into[0].tensor.to_vector<int32_t>(), ElementsAre(3));
  EXPECT_THAT(into[1].tensor.to_vector<float>(), ElementsAre(1, 2));
}

TEST(CopyInto, ComplainsAboutEverythingAtOnceAndCopiesNothing) {
  const std::vector<NamedTensor> from = {{"good", Tensor::from<float>({1}, {9})},
                                         {"old", Tensor::from<float>({1}, {1})},
                                         {"shape", Tensor::from<float>({1}, {1})},
                                         {"type", Tensor::from<float>({1}, {1})}};
  const std::vector<NamedTensor> into = {{"good", Tensor::from<float>({1}, {0})},
                                         {"new", Tensor::from<float>({1}, {0})},
                                         {"shape", Tensor::from<float>({1, 1}, {0})},
                                         {"type", Tensor::from<int32_t>({1}, {0})}};
  const core::Error error = error_of([&] { copy_into(from, into, "model of step-3"); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), HasSubstr("model of step-3 does not fit"));
  EXPECT_THAT(error.what(), HasSubstr("1 missing: new"));
  EXPECT_THAT(error.what(), HasSubstr("1 unexpected: old f32 [1]"));
  EXPECT_THAT(error.what(), HasSubstr("shape is f32 [1], wanted f32 [1, 1]"));
  EXPECT_THAT(error.what(), HasSubstr("type is f32 [1], wanted i32 [1]"));
  EXPECT_THAT(error.what(), Not(HasSubstr("good")));
  EXPECT_THAT(into[0].tensor.to_vector<float>(), ElementsAre(0));
}

TEST(CopyInto, NamesOnlyTheFirstOfVeryMany) {
  std::vector<NamedTensor> wanted;
  for (int i = 0; i < 50; ++i) {
    wanted.push_back({fmt::format("layer{}", i), Tensor::from<float>({1}, {0})});
  }
  EXPECT_THAT(error_of([&] { copy_into({}, wanted, "model"); }).what(),
              HasSubstr("50 missing: layer0; "));
  EXPECT_THAT(error_of([&] { copy_into({}, wanted, "model"); }).what(), HasSubstr("and 30 more"));
}

TEST(CopyInto, NeedsContiguousTensors) {
  const Tensor wide = Tensor::from<float>({2, 2}, {0, 0, 0, 0});
  const std::vector<NamedTensor> from = {{"a", Tensor::from<float>({2, 1}, {1, 2})}};
  const std::vector<NamedTensor> into = {{"a", wide.slice(1, 0, 1)}};
  EXPECT_EQ(error_of([&] { copy_into(from, into, "model"); }).code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace switchyard::checkpoint
