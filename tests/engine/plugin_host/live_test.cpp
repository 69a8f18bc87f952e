#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "layers/moe/two_level_gate.h"
#include "plugin_fixture.h"

namespace switchyard::plugin_host {
namespace {

using core::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kWhere = "model.moe.gate (run.toml:3)";

core::ComponentConfig counting(int64_t shift, int64_t padding = 0) {
  return {
      .plugin = "counting", .values = {{"shift", shift}, {"padding", padding}}, .where = kWhere};
}

// Gates of the counting plugin (plugins/counting_gate.cpp), whose field `shift` is live.
class LiveSettings : public testing::Test {
 protected:
  std::unique_ptr<layers::Gate> make(const std::string& name, int32_t experts = 4) {
    layers::ComponentPlace place;
    place.name = name;
    place.d_in = 1;
    place.num_experts = experts;
    return registry_.make_gate(counting(0), place, parameters_);
  }

  // Experts of the first of two tokens.
  std::vector<int32_t> first_choice(layers::Gate& gate, int64_t experts = 4) {
    layers::Routing routing = {.expert_index = zeros(tensor::DType::kI32, {2, gate.top_k()}),
                               .gate_weight = zeros(tensor::DType::kF32, {2, gate.top_k()}),
                               .importance = zeros(tensor::DType::kF32, {experts}),
                               .load = zeros(tensor::DType::kF32, {experts}),
                               .aux_loss = zeros(tensor::DType::kF32, {1})};
    gate.forward({.x = zeros(tensor::DType::kF32, {2, 1})}, routing, on_.pass);
    on_.pass.kept.clear();
    return routing.expert_index.slice(0, 0, 1).to_vector<int32_t>();
  }

  tensor::Tensor zeros(tensor::DType dtype, const tensor::Shape& shape) {
    return tensor::Tensor::zeros(dtype, shape, on_.device);
  }

  PassOnCpu on_;
  PluginRegistry registry_{search_in({"counting", "good"})};
  tensor::ParameterSet parameters_;
};

TEST_F(LiveSettings, ReachEveryInstanceMadeFromThem) {
  const auto first = make("moe0.gate");
  const auto second = make("moe1.gate");
  EXPECT_THAT(first_choice(*first), ElementsAre(0, 1));
  registry_.reconfigure(counting(2), ComponentKind::kGate);
  EXPECT_THAT(first_choice(*first), ElementsAre(2, 3));
  EXPECT_THAT(first_choice(*second), ElementsAre(2, 3));
  EXPECT_EQ(registry_.identities_in_use()[1].config, "padding = 0\nshift = 2\n");
}

TEST_F(LiveSettings, ReachBothLevelsOfATwoLevelGate) {
  layers::ComponentPlace place;
  place.name = "moe.gate";
  place.d_in = 1;
  place.num_experts = 8;
  layers::MoeConfig config;
  config.gate = counting(0);
  config.groups = 2;
  layers::TwoLevelGate gate(place, config, registry_, parameters_);
  // Groups 0 and 1, in each of them experts 0 and 1; each level goes one further.
  EXPECT_THAT(first_choice(gate, 8), ElementsAre(0, 1, 4, 5));
  registry_.reconfigure(counting(1), ComponentKind::kGate);
  EXPECT_THAT(first_choice(gate, 8), ElementsAre(5, 6, 1, 2));
}

TEST_F(LiveSettings, RefuseAFieldThatIsFixedByName) {
  const auto gate = make("moe.gate");
  const auto [code, text] =
      error_of([&] { registry_.reconfigure(counting(3, 7), ComponentKind::kGate); });
  EXPECT_EQ(code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(text,
            "model.moe.gate (run.toml:3): 'padding' cannot change while training; of gate "
            "'test.gate.counting' 1.0.0 at moe.gate only these can: 'shift'");
  EXPECT_THAT(first_choice(*gate), ElementsAre(0, 1)) << "nothing may have changed";
}

TEST_F(LiveSettings, AskEveryInstanceBeforeTheFirstChanges) {
  const auto large = make("moe0.gate", 4);
  const auto small = make("moe1.gate", 3);
  const auto [code, text] =
      error_of([&] { registry_.reconfigure(counting(3), ComponentKind::kGate); });
  EXPECT_EQ(code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(text, HasSubstr("shift must be below 3, got 3"));
  EXPECT_THAT(first_choice(*large), ElementsAre(0, 1));
}

TEST_F(LiveSettings, StayWhereTheComponentItselfRefuses) {
  const auto gate = make("moe.gate");
  registry_.reconfigure(counting(2), ComponentKind::kGate);
  const auto [code, text] =
      error_of([&] { registry_.reconfigure(counting(-1), ComponentKind::kGate); });
  EXPECT_EQ(code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(text, HasSubstr("at moe.gate: set failed (invalid): shift must be 0 or more"));
  EXPECT_THAT(first_choice(*gate), ElementsAre(2, 3));
}

TEST_F(LiveSettings, NeedAnInstanceAndAnExtension) {
  auto gone = make("moe.gate");
  gone.reset();
  EXPECT_EQ(error_of([&] { registry_.reconfigure(counting(1), ComponentKind::kGate); }).first,
            ErrorCode::kNotFound);
  const core::ComponentConfig momentum = {.plugin = "momentum", .values = {}, .where = "optimizer"};
  const auto optimizer = registry_.make_optimizer(momentum);
  const auto [code, text] =
      error_of([&] { registry_.reconfigure(momentum, ComponentKind::kOptimizer); });
  EXPECT_EQ(code, ErrorCode::kUnsupported);
  EXPECT_THAT(text, HasSubstr("at optimizer has no sy.live/1, so none of its settings can change"));
}

}  // namespace
}  // namespace switchyard::plugin_host
