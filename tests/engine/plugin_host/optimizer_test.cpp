#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_fixture.h"
#include "tests/support/error_matcher.h"

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
    step_.scratch = &on_.scratch;
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
  optimizer_->plan(parameters_);
  ASSERT_EQ(optimizer_->state().size(), 2U);
  const optim::StateTensor& v = optimizer_->state()[0];
  EXPECT_EQ(v.name, "a.w/v");
  EXPECT_EQ(v.parameter, parameters_.find("a.w"));
  EXPECT_EQ(v.shape, (tensor::Shape{2, 3}));
  EXPECT_THAT(v.dim_map, ElementsAre(0, 1));
  const optim::StateTensor& rows = optimizer_->state()[1];
  EXPECT_EQ(rows.name, "a.w/rows");
  EXPECT_EQ(rows.shape, (tensor::Shape{2, 1}));
  EXPECT_THAT(rows.dim_map, ElementsAre(0, -1));
  EXPECT_FALSE(rows.value.defined());
  optimizer_->allocate(on_.allocator);
  EXPECT_THAT(v.value.to_vector<float>(), testing::Each(0.0F));
  EXPECT_THAT(rows.value.to_vector<float>(), ElementsAre(1.5F, 1.5F));
}

TEST_F(Momentum, StepsAsItsEquationsSay) {
  parameters_.allocate(on_.allocator);
  optimizer_->plan(parameters_);
  optimizer_->allocate(on_.allocator);
  tensor::Parameter& w = *parameters_.find("a.w");
  for (int64_t i = 0; i < 6; ++i) {
    w.value.data<float>()[i] = 10.0F;
    w.grad.data<float>()[i] = static_cast<float>(i);
  }
  optimizer_->step(step_);  // v = 2 g, p = 10 - v / 2
  EXPECT_THAT(w.value.to_vector<float>(), ElementsAre(10, 9, 8, 7, 6, 5));
  EXPECT_THAT(optimizer_->state()[0].value.to_vector<float>(), ElementsAre(0, 2, 4, 6, 8, 10));
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
  parameters_.allocate(on_.allocator);
  EXPECT_FALSE(w.grad.defined());
  optimizer_->plan(parameters_);
  optimizer_->allocate(on_.allocator);
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
  EXPECT_THAT(optimizer_->state()[0].value.to_vector<float>(), ElementsAre(0, 2, 4, 6, 8, 10));
  tensor::Parameter stranger = w;
  EXPECT_ERROR(optimizer_->step_slice(step_, {.parameter = &stranger, .value = w.value}),
               ErrorCode::kNotFound, "must have seen 'a.w'");
}

TEST_F(Momentum, FollowsStateThatACheckpointReplaced) {
  parameters_.allocate(on_.allocator);
  optimizer_->plan(parameters_);
  optimizer_->allocate(on_.allocator);
  optimizer_->step(step_);
  optimizer_->state()[0].value = Tensor::from<float>({2, 3}, {2, 2, 2, 2, 2, 2});
  optimizer_->step(step_);
  EXPECT_THAT(parameters_.find("a.w")->value.to_vector<float>(), testing::Each(-0.5F));
}

// It lacks SY_CAP_GRAD_ROWS.
TEST_F(Momentum, GetsDenseGradientsOfWhatWouldBeKeptByRow) {
  tensor::Parameter& table =
      parameters_.add({.name = "table", .shape = {5, 2}, .touched_rows = {.per_token = 1}});
  optimizer_->plan(parameters_);
  EXPECT_FALSE(table.touched_rows.is_sparse());
  parameters_.allocate(on_.allocator);
  optimizer_->allocate(on_.allocator);
  EXPECT_EQ(table.grad.shape(), table.shape);
  optimizer_->step(step_);
}

TEST_F(Momentum, WantsItsCallsInOrder) {
  EXPECT_EQ(error_of([&] { optimizer_->allocate(on_.allocator); }).first, ErrorCode::kState);
  optimizer_->plan(parameters_);
  auto [code, text] = error_of([&] { optimizer_->plan(parameters_); });
  EXPECT_EQ(code, ErrorCode::kState);
  EXPECT_THAT(text, HasSubstr("optimizer 'test.optimizer.momentum' 1.0.0 at optimizer: plan() was "
                              "called before"));
  std::tie(code, text) = error_of([&] { optimizer_->step(step_); });
  EXPECT_THAT(text, HasSubstr("allocate() must come before step()"));
  optimizer_->allocate(on_.allocator);
  std::tie(code, text) = error_of([&] { optimizer_->step(step_); });
  EXPECT_THAT(text, HasSubstr("the parameter 'a.w' has no memory yet"));
}

TEST_F(Momentum, ChecksItsSettings) {
  const auto [code, text] = error_of([&] {
    (void)registry_.make_optimizer(
        {.plugin = "momentum", .values = {{"mu", 1.5}}, .where = "optimizer (a.toml:3)"});
  });
  EXPECT_EQ(code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(text, "optimizer (a.toml:3): mu must be in 0 ... 1, got 1.5");
}

}  // namespace
}  // namespace switchyard::plugin_host
