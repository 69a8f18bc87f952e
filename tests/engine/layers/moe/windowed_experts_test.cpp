#include "layers/moe/windowed_experts.h"

#include <bit>

#include <gtest/gtest.h>

#include "layers/workspace.h"
#include "ops/generic/affine.h"
#include "tests/support/error_matcher.h"
#include "tests/support/fixed_components.h"

namespace switchyard::layers {
namespace {

using tensor::DType;
using tensor::Tensor;

constexpr int64_t kE = 6;
constexpr int64_t kD = 3;
constexpr int64_t kRows = 9;

// Keeps the gradients that it was handed and leaves the values alone.
class SliceRecorder final : public tensor::SliceUpdater {
 public:
  void update(const tensor::ParameterSlice& slice) override {
    EXPECT_EQ(slice.value.dtype(), DType::kF32);
    firsts.push_back(slice.first);
    const std::vector<float> grad = slice.grad.to_vector<float>();
    std::copy(grad.begin(), grad.end(),
              grads.begin() + slice.first * (slice.grad.count() / slice.grad.size(0)));
  }
  std::vector<int64_t> firsts;
  std::vector<float> grads = std::vector<float>(kE * kD * kD, -1.0F);
};

struct Outcome {
  std::vector<float> y;
  std::vector<float> grad_x;
  std::vector<float> grad_w;

  [[nodiscard]] bool operator==(const Outcome&) const = default;
};

class WindowedExpertsTest : public ::testing::Test {
 protected:
  static ComponentPlace place() {
    return {.name = "moe.experts0", .d_in = kD, .d_out = kD, .num_experts = kE, .num_local = kE};
  }

  std::unique_ptr<ExpertGroup> make(const ExpertMemory& memory) {
    parameters_ = std::make_unique<tensor::ParameterSet>();
    std::unique_ptr<ExpertGroup> experts;
    if (memory.is_plain()) {
      experts = factory_.make_experts({}, place(), *parameters_);
    } else {
      experts = std::make_unique<WindowedExperts>(core::ComponentConfig{}, place(), memory,
                                                  factory_, *parameters_);
    }
    parameters_->allocate(allocator_);
    initialize(ops::backend_on(device_), *parameters_, 5);
    return experts;
  }

  Outcome run(ExpertGroup& experts) { return run(experts, &updater_); }
  Outcome run(ExpertGroup& experts, tensor::SliceUpdater* updater) {
    Pass& pass = workspace_.begin(Mode::kTrain, 0, 0);
    pass.token_base = 100;
    pass.slice_updater = updater;
    const ExpertRows rows = {.offsets = offsets_,
                             .host_offsets = {offsets_.data<int32_t>(), size_t{kE} + 1}};
    const Tensor y = tests::zero_tensor({kRows, kD});
    const Tensor grad_x = tests::zero_tensor({kRows, kD});
    experts.forward(x_, rows, y, pass);
    experts.backward(x_, rows, grad_y_, grad_x, pass);
    EXPECT_EQ(pass.token_base, 100);
    const tensor::Parameter& w = parameters_->all().front();
    return {y.to_vector<float>(), grad_x.to_vector<float>(),
            w.grad.defined() ? w.grad.to_vector<float>() : updater_.grads};
  }

  core::ThreadPool threads_{2};
  tensor::CpuDevice device_{threads_};
  tensor::CpuAllocator allocator_;
  Workspace workspace_{ops::backend_on(device_)};
  SliceRecorder updater_;
  tests::FixedFactory factory_;
  std::unique_ptr<tensor::ParameterSet> parameters_;
  Tensor x_ = tests::random_tensor({kRows, kD}, 1);
  Tensor grad_y_ = tests::random_tensor({kRows, kD}, 2);
  // Experts 0, 2 and 3 have no rows, so with windows of two one window has none.
  Tensor offsets_ = Tensor::from<int32_t>({kE + 1}, {0, 0, 4, 4, 4, 5, 9});
};

TEST_F(WindowedExpertsTest, GivesTheSameBitsForEveryNumberOfExpertsAtOnce) {
  const Outcome plain = run(*make({}));
  for (const int64_t at_once : {1, 2, 3, 6}) {
    EXPECT_EQ(run(*make({.experts_at_once = at_once})), plain) << at_once;
  }
}

TEST_F(WindowedExpertsTest, HandsEveryGradientToTheUpdaterWindowByWindow) {
  const Outcome plain = run(*make({}));
  const auto experts = make({.update_in_backward = true, .experts_at_once = 2});
  EXPECT_FALSE(parameters_->all().front().grad.defined());
  EXPECT_EQ(run(*experts), plain);
  EXPECT_EQ(updater_.firsts, (std::vector<int64_t>{4, 2, 0}));
}

TEST_F(WindowedExpertsTest, TakesTheLargestWindowThatDividesTheGroup) {
  (void)run(*make({.update_in_backward = true, .experts_at_once = 5}));
  EXPECT_EQ(updater_.firsts, (std::vector<int64_t>{3, 0}));
}

TEST_F(WindowedExpertsTest, WeightsInBf16WorkAsTheSameWeightsInF32) {
  const auto in_bf16 =
      make({.weights = DType::kBf16, .update_in_backward = true, .experts_at_once = 2});
  const Tensor rounded = parameters_->all().front().value;
  ASSERT_EQ(rounded.dtype(), DType::kBf16);
  const Outcome outcome = run(*in_bf16);
  const auto in_f32 = make({});
  ops::generic::affine(ops::backend_on(device_), rounded, 1.0, 0.0,
                       parameters_->all().front().value);
  EXPECT_EQ(run(*in_f32), outcome);
}

TEST_F(WindowedExpertsTest, WeightsThatAreOnlyMultipliedAreSeenAsTheyRest) {
  const ExpertMemory memory = {
      .weights = DType::kBf16, .update_in_backward = true, .experts_at_once = 2};
  const auto plain = make(memory);
  const Outcome in_f32 = run(*plain);
  EXPECT_EQ(factory_.linear->weight().value.dtype(), DType::kF32);
  factory_.use.only_multiplied = true;
  const auto multiplied = make(memory);
  EXPECT_EQ(run(*multiplied), in_f32);
  EXPECT_EQ(factory_.linear->weight().value.dtype(), DType::kBf16);
}

TEST_F(WindowedExpertsTest, WeightsThatStayF32DoNotRestInBf16) {
  factory_.use.stays_f32 = true;
  const auto experts = make({.weights = DType::kBf16, .update_in_backward = true});
  EXPECT_EQ(parameters_->all().front().dtype, DType::kF32);
  const Outcome outcome = run(*experts);
  EXPECT_EQ(run(*make({})), outcome);
}

TEST_F(WindowedExpertsTest, KeepsTheNamesAndFirstValuesOfThePlainGroup) {
  (void)make({});
  const std::string name = parameters_->all().front().name;
  const std::vector<float> plain = parameters_->all().front().value.to_vector<float>();
  (void)make({.experts_at_once = 2});
  EXPECT_EQ(parameters_->all().front().name, name);
  EXPECT_EQ(parameters_->all().front().value.to_vector<float>(), plain);
}

TEST_F(WindowedExpertsTest, WithoutAnUpdaterBackwardSaysSo) {
  const auto experts = make({.update_in_backward = true});
  EXPECT_ERROR((void)run(*experts, nullptr), core::ErrorCode::kInvalidArgument,
               "nothing to update it");
}

TEST_F(WindowedExpertsTest, Bf16NeedsUpdatesInBackward) {
  EXPECT_ERROR((void)make({.weights = DType::kBf16}), core::ErrorCode::kInvalidArgument,
               "moe.experts0: weights in bf16 are rounded when an expert is updated in backward");
}

}  // namespace
}  // namespace switchyard::layers
