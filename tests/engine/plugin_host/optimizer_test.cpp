#include <array>
#include <cstdint>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_fixture.h"
#include "tests/support/error_matcher.h"
#include "tests/support/plugin_directory.h"

namespace switchyard::plugin_host {
namespace {

using core::ErrorCode;
using tensor::Tensor;
using testing::ElementsAre;
using testing::HasSubstr;

// Momentum (plugins/momentum_optimizer.c) on one matrix; a buffer beside it is not trained.
class Momentum : public testing::Test {
 protected:
  Momentum() {
    parameters_.add({.name = "a.w", .shape = {2, 3}});
    parameters_.add({.name = "a.count", .shape = {1}, .is_buffer = true});
    optimizer_ = registry_.make_optimizer({.plugin = "momentum", .values = {}, .where = ""});
    step_.backend = on_.pass.backend;
    step_.scratch = on_.pass.scratch;
    step_.step = 1;
    step_.learning_rate = 0.5;
    step_.grad_scale = Tensor::from<float>({1}, {2.0F});
  }

  PassOnCpu on_;
  PluginRegistry registry_{search_in({"good"})};
  tensor::ParameterSet parameters_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  optim::OptimizerStep step_;
};

TEST_F(Momentum, DeclaresItsStateByTheDimensionsItFollows) {
  optimizer_->plan(parameters_.trained());
  ASSERT_EQ(optimizer_->state().size(), 2U);
  const optim::StateTensor& v = *optimizer_->state()[0];
  EXPECT_EQ(v.name, "a.w/v");
  EXPECT_EQ(v.parameter, parameters_.find("a.w"));
  EXPECT_EQ(v.shape, (tensor::Shape{2, 3}));
  EXPECT_THAT(v.dim_map, ElementsAre(0, 1));
  const optim::StateTensor& rows = *optimizer_->state()[1];
  EXPECT_EQ(rows.name, "a.w/rows");
  EXPECT_EQ(rows.shape, (tensor::Shape{2, 1}));
  EXPECT_THAT(rows.dim_map, ElementsAre(0, -1));
  EXPECT_FALSE(rows.value.defined());
  optimizer_->allocate(on_.device.memory());
  EXPECT_THAT(v.value.to_vector<float>(), testing::Each(0.0F));
  EXPECT_THAT(rows.value.to_vector<float>(), ElementsAre(1.5F, 1.5F));
}

TEST_F(Momentum, StepsAsItsEquationsSay) {
  parameters_.allocate(on_.device.memory());
  optimizer_->plan(parameters_.trained());
  optimizer_->allocate(on_.device.memory());
  tensor::Parameter& w = *parameters_.find("a.w");
  for (int64_t i = 0; i < 6; ++i) {
    w.value.data<float>()[i] = 10.0F;
    w.grad.data<float>()[i] = static_cast<float>(i);
  }
  optimizer_->step(step_);  // v = 2 g, p = 10 - v / 2
  EXPECT_THAT(w.value.to_vector<float>(), ElementsAre(10, 9, 8, 7, 6, 5));
  EXPECT_THAT(optimizer_->state()[0]->value.to_vector<float>(), ElementsAre(0, 2, 4, 6, 8, 10));
  step_.step = 2;
  step_.learning_rate = 1.0;
  optimizer_->step(step_);  // v = v / 2 + 2 g = 3 g, p = p - v
  EXPECT_THAT(w.value.to_vector<float>(), ElementsAre(10, 6, 2, -2, -6, -10));
  EXPECT_THAT(parameters_.find("a.count")->value.to_vector<float>(), ElementsAre(0.0F));
}

// One row after the other gives what both at once give.
TEST_F(Momentum, UpdatesAParameterSliceBySlice) {
  tensor::Parameter& w = *parameters_.find("a.w");
  w.updated_in_backward = true;
  parameters_.allocate(on_.device.memory());
  EXPECT_FALSE(w.grad.defined());
  optimizer_->plan(parameters_.trained());
  optimizer_->allocate(on_.device.memory());
  std::fill_n(w.value.data<float>(), 6, 10.0F);
  optimizer_->step(step_);
  EXPECT_THAT(w.value.to_vector<float>(), testing::Each(10.0F));
  for (const int64_t row : {1, 0}) {
    const auto first = static_cast<float>(3 * row);
    optimizer_->step_slice(
        step_, {.parameter = &w,
                .first = row,
                .value = w.value.slice(0, row, row + 1),
                .grad = Tensor::from<float>({1, 3}, {first, first + 1.0F, first + 2.0F})});
  }
  EXPECT_THAT(w.value.to_vector<float>(), ElementsAre(10, 9, 8, 7, 6, 5));
  EXPECT_THAT(optimizer_->state()[0]->value.to_vector<float>(), ElementsAre(0, 2, 4, 6, 8, 10));
  tensor::Parameter stranger = w;
  EXPECT_ERROR(optimizer_->step_slice(step_, {.parameter = &stranger, .value = w.value}),
               ErrorCode::kNotFound, "must have seen 'a.w'");
}

TEST_F(Momentum, FollowsStateThatACheckpointReplaced) {
  parameters_.allocate(on_.device.memory());
  optimizer_->plan(parameters_.trained());
  optimizer_->allocate(on_.device.memory());
  optimizer_->step(step_);
  optimizer_->state()[0]->value = Tensor::from<float>({2, 3}, {2, 2, 2, 2, 2, 2});
  optimizer_->step(step_);
  EXPECT_THAT(parameters_.find("a.w")->value.to_vector<float>(), testing::Each(-0.5F));
}

// It lacks SY_CAP_GRAD_ROWS.
TEST_F(Momentum, GetsDenseGradientsOfWhatWouldBeKeptByRow) {
  tensor::Parameter& table =
      parameters_.add({.name = "table", .shape = {5, 2}, .touched_rows = {.per_token = 1}});
  optimizer_->plan(parameters_.trained());
  EXPECT_FALSE(table.touched_rows.is_sparse());
  parameters_.allocate(on_.device.memory());
  optimizer_->allocate(on_.device.memory());
  EXPECT_EQ(table.grad.shape(), table.shape);
  optimizer_->step(step_);
}

TEST_F(Momentum, WantsItsCallsInOrder) {
  EXPECT_EQ(error_of([&] { optimizer_->allocate(on_.device.memory()); }).first, ErrorCode::kState);
  optimizer_->plan(parameters_.trained());
  auto [code, text] = error_of([&] { optimizer_->plan(parameters_.trained()); });
  EXPECT_EQ(code, ErrorCode::kState);
  EXPECT_THAT(text, HasSubstr("optimizer 'test.optimizer.momentum' 1.0.0 at optimizer: plan() was "
                              "called before"));
  std::tie(code, text) = error_of([&] { optimizer_->step(step_); });
  EXPECT_THAT(text, HasSubstr("allocate() must come before step()"));
  optimizer_->allocate(on_.device.memory());
  std::tie(code, text) = error_of([&] { optimizer_->step(step_); });
  EXPECT_THAT(text, HasSubstr("the parameter 'a.w' has no memory yet"));
}

TEST_F(Momentum, ChecksItsSettings) {
  const auto [code, text] = error_of([&] {
    (void)registry_.make_optimizer(
        {.plugin = "momentum", .values = {{"mu", 1.5}}, .where = "optimizer (a.toml:3)"});
  });
  EXPECT_EQ(code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(text, "optimizer (a.toml:3): 'mu' must lie between 0 and 1, got 1.5");
}

// The shipped plugin on the engine's own services: the worked example of two steps for one expert,
// beside one that gets no gradient.
TEST(FactoredAdam, StepsExpertsWithAGradientAndLeavesOthersAlone) {
  // Signalling NaNs, which turn quiet in any arithmetic.
  const std::array<uint32_t, 4> odd = {0x7f800001U, 0xff800001U, 0x7f800002U, 0xff800002U};
  PassOnCpu on;
  PluginRegistry registry(tests::built_plugins());
  const auto optimizer =
      registry.make_optimizer({.plugin = "factored_adam", .values = {{"eps", 1e-30}}, .where = ""});
  tensor::ParameterSet parameters;
  tensor::Parameter& w = parameters.add({.name = "e.w", .shape = {2, 2, 2}, .expert_dim = 0});
  parameters.allocate(on.device.memory());
  optimizer->plan(parameters.trained());
  optimizer->allocate(on.device.memory());
  ASSERT_EQ(optimizer->state().size(), 2U);
  EXPECT_EQ(optimizer->state()[0]->name, "e.w/v_row");
  EXPECT_THAT(optimizer->state()[0]->dim_map, ElementsAre(0, 1));
  EXPECT_EQ(optimizer->state()[1]->name, "e.w/v_column");
  EXPECT_THAT(optimizer->state()[1]->dim_map, ElementsAre(0, 2));
  const std::vector<std::vector<float>> grads = {{1, 2, 3, 4, 0, 0, 0, 0},
                                                 {2, -1, .5F, 1, 0, 0, 0, 0}};
  const std::vector<std::vector<float>> moves = {
      {-.774596669F, -1.095445115F, -1.039230485F, -.979795897F},
      {-1.426475188F, .574083912F, -.220159729F, -.354412497F}};
  for (size_t t = 0; t < 2; ++t) {
    std::fill_n(w.value.data<float>(), 4, 0.0F);
    std::memcpy(w.value.data<float>() + 4, odd.data(), sizeof(odd));
    std::copy(grads[t].begin(), grads[t].end(), w.grad.data<float>());
    optimizer->step({.backend = on.pass.backend,
                     .scratch = on.pass.scratch,
                     .step = static_cast<int64_t>(t) + 1,
                     .learning_rate = 1.0,
                     .grad_scale = Tensor::from<float>({1}, {1.0F})});
    for (int64_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(w.value.data<float>()[i], moves[t][static_cast<size_t>(i)], 1e-6F);
    }
    EXPECT_EQ(std::memcmp(w.value.data<float>() + 4, odd.data(), sizeof(odd)), 0);
  }
}

}  // namespace
}  // namespace switchyard::plugin_host
