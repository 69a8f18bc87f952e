#include "optim/grouped_optimizer.h"

#include <deque>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/error_matcher.h"

namespace switchyard::optim {
namespace {

using tensor::Role;
using testing::ElementsAre;

// State outside of tensors; only its address counts.
class Kept final : public core::OpaqueState {
 public:
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] uint32_t version() const override { return 0; }
  [[nodiscard]] std::vector<uint8_t> save() const override { return {}; }
  void load(std::span<const uint8_t> /*bytes*/, uint32_t /*saved_version*/) override {}

 private:
  std::string name_;
};

// Records its calls; its state has the given name.
class Recording final : public Optimizer {
 public:
  explicit Recording(std::string state_name) : state_name_(std::move(state_name)) {}

  void plan(std::span<tensor::Parameter* const> parameters) override {
    for (const tensor::Parameter* parameter : parameters) {
      names.push_back(parameter->name);
      StateTensor one;
      one.name = parameter->name + "/" + state_name_;
      state_.push_back(one);
    }
  }
  void allocate(tensor::Allocator& /*allocator*/) override { is_allocated = true; }
  void step(const OptimizerStep& step) override { rates.push_back(step.learning_rate); }
  void step_slice(const OptimizerStep& step, const tensor::ParameterSlice& slice) override {
    names.push_back("slice of " + slice.parameter->name);
    rates.push_back(step.learning_rate);
  }
  std::vector<StateTensor*> state() override {
    std::vector<StateTensor*> all;
    for (StateTensor& one : state_) {
      all.push_back(&one);
    }
    return all;
  }

  std::vector<core::OpaqueState*> opaque_states() override { return kept; }

  std::vector<core::OpaqueState*> kept;
  std::vector<std::string> names;
  std::vector<double> rates;
  bool is_allocated = false;

 private:
  std::string state_name_;
  std::deque<StateTensor> state_;
};

class Grouped : public testing::Test {
 protected:
  Grouped() {
    parameters_.add({.name = "embedding.table", .shape = {5, 2}, .role = Role::kEmbedding});
    parameters_.add({.name = "layers.0.kernel", .shape = {2, 2}});
    parameters_.add({.name = "layers.0.bias", .shape = {2}, .role = Role::kBias});
    parameters_.add({.name = "layers.1.gate.w", .shape = {2, 2}, .role = Role::kGate});
    parameters_.add({.name = "layers.1.gate.count", .shape = {2}, .is_buffer = true});
    parameters_.add({.name = "layers.1.experts0.w0", .shape = {4, 2, 2}, .role = Role::kExpert});
    parameters_.add({.name = "layers.1.experts1.w0", .shape = {4, 2, 2}, .role = Role::kExpert});
  }

  // Adds a group and returns its record of calls.
  Recording* add(ParameterSelection selection, double scale = 1.0) {
    auto made = std::make_unique<Recording>("v");
    Recording* group = made.get();
    groups_.push_back({.selection = std::move(selection),
                       .optimizer = std::move(made),
                       .learning_rate_scale = scale,
                       .where = "optimizer.groups[" + std::to_string(groups_.size()) + "]"});
    return group;
  }
  Recording* make() {
    auto rest = std::make_unique<Recording>("m");
    Recording* of_rest = rest.get();
    optimizer_ = std::make_unique<GroupedOptimizer>(std::move(groups_), std::move(rest));
    return of_rest;
  }

  tensor::ParameterSet parameters_;
  std::vector<OptimizerGroup> groups_;
  std::unique_ptr<GroupedOptimizer> optimizer_;
};

TEST_F(Grouped, GivesAParameterToTheFirstGroupThatSelectsIt) {
  const Recording* second_layer = add({.roles = {Role::kExpert}, .match = "*experts1*"});
  const Recording* experts = add({.roles = {Role::kExpert, Role::kGate}});
  const Recording* rest = make();
  optimizer_->plan(parameters_.trained());
  EXPECT_THAT(second_layer->names, ElementsAre("layers.1.experts1.w0"));
  EXPECT_THAT(experts->names, ElementsAre("layers.1.gate.w", "layers.1.experts0.w0"));
  EXPECT_THAT(rest->names, ElementsAre("embedding.table", "layers.0.kernel", "layers.0.bias"));
}

TEST_F(Grouped, ScalesTheLearningRateAndNamesStateAsItsMembersDo) {
  const Recording* experts = add({.match = "layers.*.experts*"}, 0.25);
  const Recording* rest = make();
  optimizer_->plan(parameters_.trained());
  tensor::CpuAllocator allocator;
  optimizer_->allocate(allocator);
  EXPECT_TRUE(experts->is_allocated && rest->is_allocated);
  OptimizerStep step;
  step.learning_rate = 0.5;
  optimizer_->step(step);
  EXPECT_THAT(experts->rates, ElementsAre(0.125));
  EXPECT_THAT(rest->rates, ElementsAre(0.5));
  std::vector<std::string> names;
  for (const StateTensor* state : optimizer_->state()) {
    names.push_back(state->name);
  }
  EXPECT_THAT(names,
              ElementsAre("layers.1.experts0.w0/v", "layers.1.experts1.w0/v", "embedding.table/m",
                          "layers.0.kernel/m", "layers.0.bias/m", "layers.1.gate.w/m"));
}

TEST_F(Grouped, ShowsWhatItsMembersKeepOutsideOfTensors) {
  Kept of_experts;
  Kept of_rest;
  add({.roles = {Role::kExpert}})->kept = {&of_experts};
  make()->kept = {&of_rest};
  EXPECT_THAT(optimizer_->opaque_states(), ElementsAre(&of_experts, &of_rest));
}

TEST_F(Grouped, HandsASliceToTheGroupOfItsParameter) {
  const Recording* experts = add({.roles = {Role::kExpert}}, 0.25);
  make();
  optimizer_->plan(parameters_.trained());
  OptimizerStep step;
  step.learning_rate = 0.5;
  optimizer_->step_slice(step, {.parameter = parameters_.find("layers.1.experts1.w0")});
  EXPECT_EQ(experts->names.back(), "slice of layers.1.experts1.w0");
  EXPECT_THAT(experts->rates, ElementsAre(0.125));
  tensor::Parameter stranger = {.name = "stranger"};
  EXPECT_ERROR(optimizer_->step_slice(step, {.parameter = &stranger}), core::ErrorCode::kNotFound,
               "must have seen 'stranger'");
}

TEST_F(Grouped, RefusesAGroupThatGetsNoParameter) {
  add({.roles = {Role::kNorm}, .match = "layers.7.*"});
  make();
  EXPECT_ERROR(optimizer_->plan(parameters_.trained()), core::ErrorCode::kInvalidArgument,
               "optimizer.groups[0]: no parameter has role norm, name 'layers.7.*'; this model has "
               "roles bias, dense, embedding, expert, gate; parameters embedding.table, "
               "layers.0.kernel");
}

TEST_F(Grouped, RefusesAGroupWhoseParametersAreAllTaken) {
  add({.roles = {Role::kExpert}});
  add({.match = "*.experts1.*"});
  make();
  EXPECT_ERROR(optimizer_->plan(parameters_.trained()), core::ErrorCode::kInvalidArgument,
               "optimizer.groups[1]: all 1 parameters of name '*.experts1.*' belong to groups");
}

TEST(ParameterSelection, MatchesWholeNames) {
  EXPECT_TRUE(matches("layers.*.experts*", "layers.1.experts0.w0"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("a*b*c", "a.b.b.c"));
  EXPECT_TRUE(matches("a?c", "abc"));
  EXPECT_TRUE(matches("abc**", "abc"));
  EXPECT_FALSE(matches("a?c", "ac"));
  EXPECT_FALSE(matches("a*b", "a.b.c"));
  EXPECT_FALSE(matches("experts*", "layers.1.experts0.w0"));
  EXPECT_FALSE(matches("", "a"));
}

}  // namespace
}  // namespace switchyard::optim
