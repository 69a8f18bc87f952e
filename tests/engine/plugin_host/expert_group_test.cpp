#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_fixture.h"

namespace switchyard::plugin_host {
namespace {

using tensor::Tensor;
using testing::ElementsAre;

// Three experts y = x s_e (plugins/scale_expert.c), the second one without rows.
class ScaleExperts : public testing::Test {
 protected:
  ScaleExperts() {
    layers::ComponentPlace place;
    place.name = "moe.experts0";
    place.d_in = 2;
    place.d_out = 2;
    place.num_experts = 5;
    place.first_expert = 2;
    place.num_local = 3;
    experts_ =
        registry_.make_experts({.plugin = "scale", .values = {}, .where = ""}, place, parameters_);
    parameters_.allocate(on_.device.memory());
    s_ = parameters_.find("moe.experts0.s");
    for (int64_t i = 0; i < 6; ++i) {
      s_->value.data<float>()[i] = static_cast<float>(i + 1);
    }
  }

  PassOnCpu on_;
  PluginRegistry registry_{search_in({"good"})};
  tensor::ParameterSet parameters_;
  std::unique_ptr<layers::ExpertGroup> experts_;
  tensor::Parameter* s_ = nullptr;
  Tensor x_ = Tensor::from<float>({3, 2}, {1, 1, 2, 3, 10, 10});
  layers::ExpertRows rows_{.offsets = Tensor::from<int32_t>({4}, {0, 2, 2, 3}), .host_offsets = {}};
};

TEST_F(ScaleExperts, RegisterTheirSliceAndSayTheirCost) {
  EXPECT_EQ(s_->shape, (tensor::Shape{3, 2}));
  EXPECT_EQ(s_->role, tensor::Role::kExpert);
  EXPECT_EQ(s_->expert_dim, 0);
  EXPECT_EQ(s_->init.kind, tensor::InitKind::kConstant);
  EXPECT_EQ(experts_->madds_per_row(), 2.0);
  EXPECT_EQ(experts_->step_memory(1000).kept, 0.0);
}

TEST_F(ScaleExperts, TreatEachRowWithItsExpert) {
  const Tensor y = Tensor::zeros(tensor::DType::kF32, {3, 2}, on_.device.memory());
  experts_->forward(x_, rows_, y, on_.pass);
  EXPECT_THAT(y.to_vector<float>(), ElementsAre(1, 2, 2, 6, 50, 60));
  const std::vector<int32_t> host = {0, 0, 3, 3};
  layers::ExpertRows second = rows_;
  second.host_offsets = host;  // read back by the caller: these are believed
  experts_->forward(x_, second, y, on_.pass);
  EXPECT_THAT(y.to_vector<float>(), ElementsAre(3, 4, 6, 12, 30, 40));
}

TEST_F(ScaleExperts, AddToTheirGradients) {
  const Tensor y = Tensor::zeros(tensor::DType::kF32, {3, 2}, on_.device.memory());
  const Tensor dx = Tensor::zeros(tensor::DType::kF32, {3, 2}, on_.device.memory());
  const Tensor dy = Tensor::from<float>({3, 2}, {1, 1, 1, 2, 3, 4});
  for (int pass = 1; pass <= 2; ++pass) {
    experts_->forward(x_, rows_, y, on_.pass);
    experts_->backward(x_, rows_, dy, dx, on_.pass);
    const auto n = static_cast<float>(pass);
    EXPECT_THAT(s_->grad.to_vector<float>(), ElementsAre(3 * n, 7 * n, 0, 0, 30 * n, 40 * n));
    EXPECT_THAT(dx.to_vector<float>(), ElementsAre(1, 2, 1, 4, 15, 24));
  }
}

}  // namespace
}  // namespace switchyard::plugin_host
