#include "ops/loss/sampled_classes.h"

#include <gtest/gtest.h>

#include "ops/loss/sampled_softmax_cross_entropy.h"
#include "ops/loss/total.h"
#include "tests/support/error_matcher.h"

namespace switchyard::ops::loss {

namespace {

using tensor::Tensor;
using Ints = std::vector<int32_t>;

class SampledClasses : public testing::Test {
 protected:
  core::ThreadPool threads_{1};
  tensor::CpuDevice device_{threads_};
  Backend backend_ = backend_on(device_);
};

TEST_F(SampledClasses, FindsWhereTargetsAreInTheSample) {
  const Tensor sample = Tensor::from<int32_t>({3}, {2, 5, 9});
  const Tensor hits = Tensor::from<int32_t>({5}, {0, 0, 0, 0, 0});
  find_hits(backend_, sample, Tensor::from<int32_t>({5}, {9, 2, 3, -1, 11}), hits);
  EXPECT_EQ(hits.to_vector<int32_t>(),
            (Ints{2, 0, kTargetNotSampled, kTokenDoesNotCount, kTargetNotSampled}));
  EXPECT_ERROR(find_hits(backend_, sample, sample, hits), core::ErrorCode::kInvalidArgument,
               "got [3], [3], [5]");
}

TEST_F(SampledClasses, SubtractsLogCountsFromTheBiasOfEachClass) {
  const Tensor bias = Tensor::from<float>({3}, {1, 2, 4});
  const Tensor offsets = Tensor::from<float>({3}, {9, 9, 9});
  subtract_log_counts(backend_, bias, Tensor::from<int32_t>({3}, {2, -1, 0}),
                      Tensor::from<double>({3}, {0.5, 7.0, -1.0}), offsets);
  EXPECT_EQ(offsets.to_vector<float>(), (std::vector<float>{3.5F, 0.0F, 2.0F}));
  EXPECT_ERROR(subtract_log_counts(backend_, bias, Tensor::from<int32_t>({1}, {0}),
                                   Tensor::from<double>({1}, {0.0}), offsets),
               core::ErrorCode::kInvalidArgument, "got [3], [1], [1], [3]");
}

TEST_F(SampledClasses, TotalAddsInDouble) {
  const Tensor total = Tensor::from<double>({1}, {5.0});
  loss::total(backend_, Tensor::from<float>({3}, {1e8F, 1.0F, -1e8F}), total);
  EXPECT_EQ(total.to_vector<double>()[0], 1.0);
}

}  // namespace

}  // namespace switchyard::ops::loss
