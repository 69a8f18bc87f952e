#include <algorithm>
#include <cmath>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <switchyard/component.h>
#include <switchyard/service/mem.h>

#include "core/rng.h"
#include "plugin_fixture.h"
#include "tests/support/plugin_directory.h"

namespace switchyard::plugin_host {
namespace {

using core::ErrorCode;
using tensor::Tensor;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kTokens = 5;
constexpr int64_t kInputs = 3;
constexpr int64_t kExperts = 4;
constexpr int64_t kSlots = 2;
constexpr int64_t kMaxTokens = 40;

// The probing gate (plugins/probe_gate.c) in one mode, its parameters and the tensors of a call.
class ProbeGate : public testing::Test {
 protected:
  void make(const std::string& mode, bool balanced_by_caller = false) {
    layers::ComponentPlace place;
    place.balanced_by_caller = balanced_by_caller;
    place.name = "moe.gate";
    place.layer = 1;
    place.max_tokens = kMaxTokens;
    place.d_in = kInputs;
    place.num_experts = kExperts;
    gate_ = registry_.make_gate({.plugin = "probe", .values = {{"mode", mode}}, .where = ""}, place,
                                parameters_);
    parameters_.allocate(on_.device.memory());
    float* w = parameters_.find("moe.gate.w")->value.data<float>();
    for (int64_t i = 0; i < kInputs * kExperts; ++i) {
      w[i] = std::sin(static_cast<float>(3 * i + 1));
    }
    std::vector<float> x(kTokens * kInputs);
    for (size_t i = 0; i < x.size(); ++i) {
      x[i] = std::cos(static_cast<float>(2 * i));
    }
    input_.x = Tensor::from({kTokens, kInputs}, x);
    routing_.expert_index = zeros(tensor::DType::kI32, {kTokens, kSlots});
    routing_.gate_weight = zeros(tensor::DType::kF32, {kTokens, kSlots});
    routing_.importance = zeros(tensor::DType::kF32, {kExperts});
    routing_.load = zeros(tensor::DType::kF32, {kExperts});
    routing_.aux_loss = zeros(tensor::DType::kF32, {1});
  }

  Tensor zeros(tensor::DType dtype, const tensor::Shape& shape) {
    return Tensor::zeros(dtype, shape, on_.device);
  }
  void forward() { gate_->forward(input_, routing_, on_.pass); }
  /// sum over t, j of c[t, j] times the weight of slot j, the loss of the gradient's test.
  double loss(const std::vector<float>& c) {
    forward();
    on_.pass.kept.clear();
    const auto weights = routing_.gate_weight.to_vector<float>();
    return std::inner_product(c.begin(), c.end(), weights.begin(), 0.0);
  }

  PassOnCpu on_;
  PluginRegistry registry_{search_in({"good"})};
  tensor::ParameterSet parameters_;
  std::unique_ptr<layers::Gate> gate_;
  layers::GateInput input_;
  layers::Routing routing_;
};

TEST_F(ProbeGate, RegistersItsParametersUnderItsInstance) {
  make("plain");
  ASSERT_EQ(parameters_.all().size(), 2U);
  const tensor::Parameter& w = parameters_.all()[0];
  EXPECT_EQ(w.name, "moe.gate.w");
  EXPECT_EQ(w.shape, (tensor::Shape{kInputs, kExperts}));
  EXPECT_EQ(w.role, tensor::Role::kGate);
  EXPECT_EQ(w.init.kind, tensor::InitKind::kNormal);
  EXPECT_EQ(w.init.b, 0.25);
  EXPECT_EQ(w.expert_dim, 1);
  EXPECT_EQ(w.flags, uint32_t{SY_PF_NO_DECAY});
  EXPECT_FALSE(w.is_buffer);
  EXPECT_TRUE(parameters_.all()[1].is_buffer);
}

TEST_F(ProbeGate, RoutesAsAPlainLoopDoes) {
  make("plain");
  forward();
  const auto x = input_.x.to_vector<float>();
  const auto w = parameters_.find("moe.gate.w")->value.to_vector<float>();
  const auto ids = routing_.expert_index.to_vector<int32_t>();
  const auto weights = routing_.gate_weight.to_vector<float>();
  for (size_t t = 0; t < kTokens; ++t) {
    std::vector<double> p(kExperts, 0.0);
    for (size_t e = 0; e < kExperts; ++e) {
      for (size_t d = 0; d < kInputs; ++d) {
        p[e] += static_cast<double>(x[t * kInputs + d]) * w[d * kExperts + e];
      }
      p[e] = std::exp(p[e]);
    }
    const double sum = std::accumulate(p.begin(), p.end(), 0.0);
    const auto best = static_cast<int32_t>(std::max_element(p.begin(), p.end()) - p.begin());
    EXPECT_EQ(ids[t * kSlots], best);
    EXPECT_NEAR(weights[t * kSlots], p[static_cast<size_t>(best)] / sum, 1e-5);
  }
  const auto load = routing_.load.to_vector<float>();
  EXPECT_EQ(std::accumulate(load.begin(), load.end(), 0.0F), float{kTokens * kSlots});
  EXPECT_EQ(on_.pass.kept.size(), 1U);
}

TEST_F(ProbeGate, GivesTheGradientOfFiniteDifferences) {
  make("plain");
  const std::vector<float> c = {1, -2, 0.5, 3, -1, 0.25, 2, 1, -0.5, 1.5};
  forward();
  const Tensor dx = zeros(tensor::DType::kF32, {kTokens, kInputs});
  dx.data<float>()[0] = 100.0F;  // the gate adds
  const layers::GateGrad grad = {.grad_gate_weight = Tensor::from({kTokens, kSlots}, c),
                                 .grad_aux_loss = Tensor::from<float>({1}, {1.0F}),
                                 .grad_x = dx};
  tensor::Parameter& w = *parameters_.find("moe.gate.w");
  w.grad.data<float>()[0] = 100.0F;
  gate_->backward(input_, routing_, grad, on_.pass);
  EXPECT_TRUE(on_.pass.kept.empty());
  const auto compare = [&](const Tensor& value, const Tensor& gradient) {
    for (int64_t i = 0; i < value.count(); ++i) {
      // A small step, so that no token changes its order of experts on the way.
      float& at = value.data<float>()[i];
      const float before = at;
      at = before + 1e-3F;
      const double up = loss(c);
      at = before - 1e-3F;
      const double down = loss(c);
      at = before;
      const double added = i == 0 ? 100.0 : 0.0;
      EXPECT_NEAR(gradient.data<float>()[i] - added, (up - down) / 2e-3, 2e-3) << i;
    }
  };
  compare(w.value, w.grad);
  compare(input_.x, dx);
}

TEST_F(ProbeGate, KnowsWhoAsksForBalanceAndWhatIsAsked) {
  make("balance", true);
  forward();
  EXPECT_EQ(routing_.aux_loss.data<float>()[0], float{SY_BALANCE_HOST});
  layers::GateGrad grad = {.grad_x = zeros(tensor::DType::kF32, {kTokens, kInputs})};
  gate_->backward(input_, routing_, grad, on_.pass);
  grad.grad_importance = Tensor::from<float>({kExperts}, {5, 0, 0, 0});
  grad.grad_load = Tensor::from<float>({kExperts}, {7, 0, 0, 0});
  forward();
  gate_->backward(input_, routing_, grad, on_.pass);
  EXPECT_EQ(grad.grad_x.data<float>()[0], 4.0F);
  EXPECT_EQ(grad.grad_x.data<float>()[1], 6.0F);
}

TEST_F(ProbeGate, IsToldWhatItMayKeep) {
  make("policy");
  forward();
  EXPECT_EQ(routing_.aux_loss.data<float>()[0], float{SY_SAVE_ALL});
  on_.pass.mode = layers::Mode::kEvaluate;
  forward();
  EXPECT_EQ(routing_.aux_loss.data<float>()[0], float{SY_SAVE_NONE});
}

TEST_F(ProbeGate, IsToldHowManyRowsComeAndOfWhichSequence) {
  make("told");
  const auto told = [&] {
    forward();
    const auto weights = routing_.gate_weight.to_vector<float>();
    std::vector<float> sequence;
    for (size_t t = 0; t < kTokens; ++t) {
      sequence.push_back(weights[t * kSlots]);
    }
    return sequence;
  };
  EXPECT_THAT(told(), testing::Each(-1.0F));
  EXPECT_EQ(routing_.aux_loss.data<float>()[0], float{kMaxTokens});
  input_.sequence = Tensor::from<int32_t>({kTokens}, {0, 0, 1, 1, 2});
  EXPECT_THAT(told(), ElementsAre(0, 0, 1, 1, 2));
}

TEST_F(ProbeGate, KeepsNothingOutsideOfTraining) {
  make("plain");
  on_.pass.mode = layers::Mode::kEvaluate;
  forward();
  EXPECT_TRUE(on_.pass.kept.empty());
  EXPECT_EQ(on_.workspace.peak_memory().kept, 0.0);
  const auto mark = on_.pass.scratch->mark();
  forward();
  EXPECT_EQ(on_.pass.scratch->mark().used, mark.used) << "scratch was not taken back";
}

TEST_F(ProbeGate, TellsComponentInstanceAndCallOfAFailure) {
  make("fail");
  auto [code, text] = error_of([&] { forward(); });
  EXPECT_EQ(code, ErrorCode::kNumeric);
  EXPECT_EQ(text,
            "gate 'test.gate.probe' 1.2.0 at moe.gate: forward failed (numeric): the logits are "
            "broken");
  EXPECT_TRUE(on_.pass.kept.empty());
}

TEST_F(ProbeGate, HandsAHostsRefusalBackAndForth) {
  make("fault");
  const auto [code, text] = error_of([&] { forward(); });
  EXPECT_EQ(code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(text, HasSubstr("forward failed (invalid): "));
  EXPECT_THAT(text, HasSubstr("[5, 3]"));
}

TEST_F(ProbeGate, IsNotBelievedAnExpertThatIsNotThere) {
  make("bad_id");
  const auto [code, text] = error_of([&] { forward(); });
  EXPECT_EQ(code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(text, HasSubstr("forward gave expert 4 to row 0, it must be 0 ... 3, or -1"));
}

TEST_F(ProbeGate, FindsOnlyWhatForwardKept) {
  make("no_slot");
  forward();
  const auto backward = [&] { gate_->backward(input_, routing_, {}, on_.pass); };
  auto [code, text] = error_of(backward);
  EXPECT_EQ(code, ErrorCode::kNotFound);
  EXPECT_THAT(text,
              HasSubstr("backward failed (not found): saved: forward kept nothing in slot 3"));
  std::tie(code, text) = error_of(backward);
  EXPECT_THAT(text, HasSubstr("backward() without its forward()"));
}

TEST_F(ProbeGate, DrawsRandomNumbersByAddress) {
  make("random");
  forward();
  const core::RngKey key = core::rng_key(7, "moe.gate", 16 + 5);
  const auto weights = routing_.gate_weight.to_vector<float>();
  for (size_t i = 0; i < weights.size(); ++i) {
    const uint64_t element = 10 * kSlots + i;  // token_base rows of k numbers come first
    const uint32_t word = core::random_word(key, {.step = 3, .microbatch = 1}, element);
    EXPECT_EQ(weights[i], core::unit_float(word)) << i;
  }
}

// The rows of one step of a recurrent layer: three apart among those of all steps.
TEST_F(ProbeGate, DrawsTheRandomNumbersOfRowsWithAStride) {
  make("random");
  on_.pass.token_stride = 3;
  forward();
  const core::RngKey key = core::rng_key(7, "moe.gate", 16 + 5);
  const auto weights = routing_.gate_weight.to_vector<float>();
  for (size_t i = 0; i < weights.size(); ++i) {
    const uint64_t element = (10 + 3 * (i / kSlots)) * kSlots + i % kSlots;
    const uint32_t word = core::random_word(key, {.step = 3, .microbatch = 1}, element);
    EXPECT_EQ(weights[i], core::unit_float(word)) << i;
  }
}

TEST_F(ProbeGate, MayUseStridedViews) {
  make("strided");
  forward();
  const auto x = input_.x.to_vector<float>();
  const auto weights = routing_.gate_weight.to_vector<float>();
  for (size_t i = 0; i < weights.size(); ++i) {
    EXPECT_EQ(weights[i], x[(i % kTokens) * kInputs + i / kTokens]);
  }
}

TEST_F(ProbeGate, MayUseTheHostsThreads) {
  make("threads");
  forward();
  EXPECT_THAT(routing_.gate_weight.to_vector<float>(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST_F(ProbeGate, SeesOneRank) {
  make("comm");
  forward();
  EXPECT_THAT(routing_.gate_weight.to_vector<float>(), testing::Each(3.0F));
}

TEST_F(ProbeGate, IsRefusedWrongCallsOfServices) {
  make("plain");
  gate_->step_end(on_.pass);
  gate_->step_end(on_.pass);
  EXPECT_THAT(parameters_.find("moe.gate.steps")->value.to_vector<float>(), ElementsAre(2.0F));
}

TEST_F(ProbeGate, ReportsMetricsUnderItsInstance) {
  make("plain");
  forward();
  forward();
  EXPECT_THAT(registry_.drain_metrics(), ElementsAre(std::pair("moe.gate/aux", 0.25F)));
  EXPECT_TRUE(registry_.drain_metrics().empty());
}

TEST_F(ProbeGate, AcceptsAnEmptyBatch) {
  make("plain");
  input_.x = zeros(tensor::DType::kF32, {0, kInputs});
  routing_.expert_index = zeros(tensor::DType::kI32, {0, kSlots});
  routing_.gate_weight = zeros(tensor::DType::kF32, {0, kSlots});
  forward();
  EXPECT_THAT(routing_.load.to_vector<float>(), testing::Each(0.0F));
}

// The shipped expert choice gate, two of four experts per token, on x [8, 3].
class ExpertChoice : public testing::Test {
 protected:
  static constexpr int64_t kRows = 8;

  ExpertChoice() {
    layers::ComponentPlace place;
    place.name = "moe.gate";
    place.d_in = kInputs;
    place.num_experts = kExperts;
    gate_ = registry_.make_gate({.plugin = "expert_choice", .values = {}, .where = ""}, place,
                                parameters_);
    parameters_.allocate(on_.device.memory());
    w_ = parameters_.find("moe.gate.w_gate")->value;
    x_ = zeros(tensor::DType::kF32, {kRows, kInputs});
    const auto fill = [](const Tensor& t, float start) {
      for (int64_t i = 0; i < t.count(); ++i) {
        t.data<float>()[i] = std::sin(start + 1.7F * static_cast<float>(i));
      }
    };
    fill(x_, 0.0F);
    fill(w_, 0.4F);
  }
  Tensor zeros(tensor::DType dtype, const tensor::Shape& shape) {
    return Tensor::zeros(dtype, shape, on_.device);
  }
  layers::Routing forward() {
    layers::Routing routing = {.expert_index = zeros(tensor::DType::kI32, {kRows, gate_->top_k()}),
                               .gate_weight = zeros(tensor::DType::kF32, {kRows, gate_->top_k()}),
                               .importance = zeros(tensor::DType::kF32, {kExperts}),
                               .load = zeros(tensor::DType::kF32, {kExperts}),
                               .aux_loss = zeros(tensor::DType::kF32, {1})};
    gate_->forward({.x = x_}, routing, on_.pass);
    return routing;
  }
  // sum over tokens and chosen experts of (1 + expert + token / 2) weight.
  static double factor(int64_t token, int32_t expert) {
    return 1.0 + expert + 0.5 * static_cast<double>(token);
  }
  double loss() {
    const layers::Routing routing = forward();
    on_.pass.kept.clear();
    double sum = 0.0;
    for (int64_t i = 0; i < routing.expert_index.count(); ++i) {
      if (const int32_t expert = routing.expert_index.data<int32_t>()[i]; expert >= 0) {
        sum += factor(i / gate_->top_k(), expert) *
               static_cast<double>(routing.gate_weight.data<float>()[i]);
      }
    }
    return sum;
  }

  PassOnCpu on_;
  PluginRegistry registry_{tests::built_plugins()};
  tensor::ParameterSet parameters_;
  std::unique_ptr<layers::Gate> gate_;
  Tensor x_;
  Tensor w_;
};

TEST_F(ExpertChoice, GivesEveryExpertItsShareAndTokensTheirExperts) {
  EXPECT_EQ(gate_->experts_per_token(), 2.0);
  EXPECT_EQ(gate_->top_k(), kExperts);
  const layers::Routing routing = forward();
  EXPECT_THAT(routing.load.to_vector<float>(), testing::Each(4.0F));
  std::vector<double> importance(kExperts, 0.0);
  std::vector<int> load(kExperts, 0);
  for (int64_t row = 0; row < kRows; ++row) {
    int32_t last = -1;
    for (int64_t j = 0; j < kExperts; ++j) {
      const int32_t expert = routing.expert_index.data<int32_t>()[row * kExperts + j];
      const float weight = routing.gate_weight.data<float>()[row * kExperts + j];
      if (expert < 0) {
        EXPECT_EQ(weight, 0.0F);
        continue;
      }
      EXPECT_GT(expert, last);
      last = expert;
      ++load[static_cast<size_t>(expert)];
      importance[static_cast<size_t>(expert)] += static_cast<double>(weight);
    }
  }
  EXPECT_THAT(load, testing::Each(4));
  for (size_t e = 0; e < importance.size(); ++e) {
    EXPECT_NEAR(routing.importance.data<float>()[e], importance[e], 1e-5);
  }
}

TEST_F(ExpertChoice, GivesTheGradientOfFiniteDifferences) {
  const layers::Routing routing = forward();
  const Tensor of_weights = zeros(tensor::DType::kF32, {kRows, kExperts});
  for (int64_t i = 0; i < of_weights.count(); ++i) {
    const int32_t expert = routing.expert_index.data<int32_t>()[i];
    of_weights.data<float>()[i] =
        expert < 0 ? 99.0F : static_cast<float>(factor(i / kExperts, expert));
  }
  const Tensor dx = zeros(tensor::DType::kF32, {kRows, kInputs});
  gate_->backward({.x = x_}, routing,
                  {.grad_gate_weight = of_weights,
                   .grad_aux_loss = Tensor::from<float>({1}, {1.0F}),
                   .grad_x = dx},
                  on_.pass);
  EXPECT_TRUE(on_.pass.kept.empty());
  const Tensor dw = parameters_.find("moe.gate.w_gate")->grad;
  const auto expect_gradient = [&](const Tensor& value, const Tensor& gradient) {
    for (int64_t i = 0; i < value.count(); ++i) {
      float& v = value.data<float>()[i];
      const float old = v;
      constexpr float kH = 1e-2F;
      v = old + kH;
      const double above = loss();
      v = old - kH;
      EXPECT_NEAR(gradient.data<float>()[i], (above - loss()) / (2.0 * kH), 0.02) << i;
      v = old;
    }
  };
  expect_gradient(w_, dw);
  expect_gradient(x_, dx);
}

TEST_F(ExpertChoice, MeasuresItsMemory) {
  EXPECT_GT(gate_->step_memory(64).kept, 0.0);
}

TEST(ThrowingGate, BecomesAnError) {
  PassOnCpu on;
  PluginRegistry registry(search_in({"forward_throws"}));
  tensor::ParameterSet parameters;
  layers::ComponentPlace place;
  place.name = "moe.gate";
  place.num_experts = 2;
  const auto gate =
      registry.make_gate({.plugin = "faulty", .values = {}, .where = ""}, place, parameters);
  layers::Routing routing;
  const auto [code, text] = error_of([&] { gate->forward({}, routing, on.pass); });
  EXPECT_EQ(code, ErrorCode::kException);
  EXPECT_THAT(text, HasSubstr("forward failed (exception): it threw: forward went wrong"));
}

}  // namespace
}  // namespace switchyard::plugin_host
