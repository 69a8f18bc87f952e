// The gate of arXiv:2408.15664 against its equations in double precision and finite differences.
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "tests/plugins/gate_run.h"
#include "tests/plugins/noisy_topk_reference.h"

namespace switchyard::test {
namespace {

using Numbers = std::vector<double>;

/// sum_t sum_i G_ti e_ti + w CV^2(importance), chosen by s + b, weighted by s.
struct Reference {
  int tokens, d, experts, k;
  bool is_normalized;
  double scale, w_importance;
  Numbers x, w, bias, e;

  [[nodiscard]] double loss() const {
    return loss_of_weights([this](int t) { return weights(t); }, tokens, e, w_importance);
  }

  [[nodiscard]] Numbers weights(int t) const {
    Numbers s(static_cast<size_t>(experts));
    for (size_t i = 0; i < s.size(); ++i) {
      double logit = 0.0;
      for (int j = 0; j < d; ++j) {
        logit += x[static_cast<size_t>(t * d + j)] * w[static_cast<size_t>(j) * s.size() + i];
      }
      s[i] = 1.0 / (1.0 + std::exp(-logit));
    }
    std::vector<size_t> order(s.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::sort(order.begin(), order.end(),
              [&](size_t a, size_t b) { return s[a] + bias[a] > s[b] + bias[b]; });
    Numbers g(s.size());
    double sum = 0.0;
    for (size_t j = 0; j < static_cast<size_t>(k); ++j) {
      g[order[j]] = scale * s[order[j]];
      sum += s[order[j]];
    }
    for (double& v : g) {
      v /= is_normalized ? sum : 1.0;
    }
    return g;
  }
};

/// A gate with a batch of sines, and the reference of the same.
struct Case {
  GateRun run;
  Reference ref;

  Case(int k, bool is_normalized, double scale, double bias, bool host_balances = false,
       uint32_t save_policy = SY_SAVE_ALL)
      : run("gate_sigmoid", 7, 3, 5), ref{7, 3, 5, k, is_normalized, scale, 0.0, {}, {}, {}, {}} {
    SineFill fill;
    ref.x = fill.next(21, 1.0);
    ref.w = fill.next(15, 0.8);
    ref.e = fill.next(35, 1.0);
    ref.bias = fill.next(5, bias);
    if (host_balances) {
      run.balance_by_host();
    }
    run.create(run.host.config()
                   .set("k", k)
                   .set("normalize", is_normalized)
                   .set("scale", scale)
                   .set("bias_rate", 0.25));
    run.host.save_policy = save_policy;
    run.set_x(ref.x);
    run.set("w_gate", ref.w);
    run.set("bias", ref.bias);
    run.forward();
  }
};

void compare_with_reference(int k, bool is_normalized, double scale, uint32_t save_policy) {
  SCOPED_TRACE(testing::Message() << "k " << k << ' ' << is_normalized);
  Case c(k, is_normalized, scale, 0.3, false, save_policy);
  c.run.backward(c.ref.e);
  const Numbers g = c.run.dense_weights();
  for (int t = 0; t < 7; ++t) {
    EXPECT_LE(max_difference({g.begin() + t * 5, g.begin() + (t + 1) * 5}, c.ref.weights(t)), 1e-6);
  }
  const auto loss = [&] { return c.ref.loss(); };
  EXPECT_LE(max_difference(c.run.grad("w_gate"), finite_differences(c.ref.w, loss)), 2e-6);
  EXPECT_LE(max_difference(c.run.dx.values(), finite_differences(c.ref.x, loss)), 2e-6);
}

TEST(GateSigmoid, AgreesWithItsEquationsAndTheirGradients) {
  for (const uint32_t policy : {uint32_t{SY_SAVE_ALL}, uint32_t{SY_SAVE_NONE}}) {
    compare_with_reference(2, true, 1.0, policy);
    compare_with_reference(3, true, 2.5, policy);
    compare_with_reference(2, false, 1.0, policy);
    compare_with_reference(1, false, 2.5, policy);
    compare_with_reference(5, true, 1.0, policy);
  }
}

TEST(GateSigmoid, HasNoTaskGradientWithOneNormalizedExpert) {
  Case c(1, true, 1.0, 0.3);
  c.run.backward(c.ref.e);
  EXPECT_LE(square_norm(c.run.grad("w_gate")), 1e-12);
}

TEST(GateSigmoid, ChoosesTheLargestLogitsWithoutABias) {
  Case c(2, true, 1.0, 0.0);
  for (size_t t = 0; t < 7; ++t) {
    Numbers logits(5);
    for (size_t i = 0; i < 5; ++i) {
      for (size_t j = 0; j < 3; ++j) {
        logits[i] += c.ref.x[t * 3 + j] * c.ref.w[j * 5 + i];
      }
    }
    const auto best = std::max_element(logits.begin(), logits.end());
    EXPECT_EQ(c.run.ids.i32()[t * 2], best - logits.begin());
    *best = -1e9;
    EXPECT_EQ(c.run.ids.i32()[t * 2 + 1],
              std::max_element(logits.begin(), logits.end()) - logits.begin());
  }
}

TEST(GateSigmoid, LetsTheBiasDecideWhoButNotHowMuch) {
  GateRun run("gate_sigmoid", 1, 1, 3);
  run.create(run.host.config().set("k", 2));
  run.set_x({1});
  run.set("w_gate", {std::log(0.6 / 0.4), 0.0, std::log(0.2 / 0.8)});  // s = 0.6 0.5 0.2
  run.set("bias", {-0.5, 0.0, 0.4});
  run.forward();
  EXPECT_EQ(run.ids.indices(), (std::vector<int32_t>{2, 1}));
  EXPECT_LE(max_difference(run.weights.values(), {0.2 / 0.7, 0.5 / 0.7}), 1e-6);
  EXPECT_LE(max_difference(run.importance.values(), {0, 0.5 / 0.7, 0.2 / 0.7}), 1e-6);
  EXPECT_EQ(run.load.values(), (Numbers{0, 1, 1}));
  EXPECT_EQ(run.aux_loss.f32()[0], 0.0F);
}

TEST(GateSigmoid, MovesTheBiasAgainstTheLoadOfAStep) {
  GateRun run("gate_sigmoid", 3, 1, 3);
  run.create(run.host.config().set("k", 1).set("bias_rate", 0.25));
  run.set_x({1, 1, 1});
  run.set("w_gate", {2, 1, 0});
  run.set("bias", {0, 0, 0.125});
  const auto bias = [&] { return run.host.parameter("bias").value.values(); };
  run.forward();  // load 3 0 0
  EXPECT_EQ(bias(), (Numbers{0, 0, 0.125}));
  run.host.flags = SY_F_TRAINING | SY_F_RECOMPUTE;
  run.forward();  // counts once
  run.host.flags = 0;
  run.set("w_gate", {0, 0, 9});
  run.forward();  // evaluation does not count
  run.host.flags = SY_F_TRAINING;
  EXPECT_EQ(run.host.parameter("step_load").value.values(), (Numbers{3, 0, 0}));
  run.host.gate_step_end();
  EXPECT_EQ(bias(), (Numbers{-0.25, 0.25, 0.375}));
  EXPECT_EQ(run.host.parameter("step_load").value.values(), (Numbers{0, 0, 0}));

  run.host.gate_step_end();  // a step without tokens
  EXPECT_EQ(bias(), (Numbers{-0.25, 0.25, 0.375}));
  // Two microbatches: the sum of their loads 3 3 0 is what counts.
  run.set("bias", {0, 0, 0});
  run.set("w_gate", {9, 0, 0});
  run.forward();
  run.set("w_gate", {0, 9, 0});
  run.forward();
  run.host.gate_step_end();
  EXPECT_EQ(bias(), (Numbers{-0.25, -0.25, 0.25}));
}

TEST(GateSigmoid, EvensOutTheLoadOfASkewedStream) {
  constexpr int kTokens = 64;
  constexpr int kExperts = 8;
  SineFill fill;
  GateRun run("gate_sigmoid", kTokens, 4, kExperts);
  run.create(run.host.config().set("k", 2).set("bias_rate", 0.01));
  Numbers w = fill.next(4 * kExperts, 0.6);
  w[0] += 2.0;  // the first input is always 1: experts 0 and 1 have a head start
  w[1] += 1.5;
  run.set("w_gate", w);
  const auto skew = [&] {
    const Numbers load = run.load.values();
    return *std::max_element(load.begin(), load.end()) * kExperts / (2.0 * kTokens);
  };
  Numbers skews;
  for (int step = 0; step < 100; ++step) {
    Numbers x = fill.next(kTokens * 4, 1.0);
    for (size_t t = 0; t < kTokens; ++t) {
      x[t * 4] = 1.0;
    }
    run.set_x(x);
    run.forward();
    skews.push_back(skew());
    run.host.gate_step_end();
  }
  EXPECT_GT(skews.front(), 3.0);
  const double last = std::accumulate(skews.end() - 10, skews.end(), 0.0) / 10;
  EXPECT_LT(last, 1.5);
  RecordProperty("first", std::to_string(skews.front()));
  RecordProperty("last", std::to_string(last));
}

TEST(GateSigmoid, LeavesTheBiasAloneAtARateOfZero) {
  GateRun run("gate_sigmoid", 2, 1, 2);
  run.create(run.host.config().set("k", 1).set("bias_rate", 0.0));
  run.set_x({1, 1});
  run.forward();
  run.host.gate_step_end();
  EXPECT_EQ(run.host.parameter("bias").value.values(), (Numbers{0, 0}));
}

TEST(GateSigmoid, TakesTheGradientOfItsImportanceFromAHostThatAsksForIt) {
  for (const bool is_normalized : {false, true}) {
    Case c(2, is_normalized, 1.5, 0.3, true);
    c.ref.w_importance = 0.4;
    ask_for_balance(0.4, c.run.importance, c.run.dimportance);
    c.run.dload.poison();  // a hard count has no gradient
    c.run.backward(c.ref.e);
    const auto loss = [&] { return c.ref.loss(); };
    EXPECT_LE(max_difference(c.run.grad("w_gate"), finite_differences(c.ref.w, loss)), 3e-6);
    EXPECT_LE(max_difference(c.run.dx.values(), finite_differences(c.ref.x, loss)), 3e-6);
  }
}

TEST(GateSigmoid, LeavesPaddingOutOfEverything) {
  for (const bool is_normalized : {false, true}) {
    GateRun run("gate_sigmoid", 2, 1, 3);
    run.create(run.host.config().set("k", 2).set("normalize", is_normalized));
    run.set_x({5, 1});
    run.set("w_gate", {0, 2, 1});
    run.has_mask = true;
    run.mask.u8()[1] = 1;
    run.forward();
    run.backward({9, 9, 9, 1, 2, 3});
    EXPECT_EQ(run.ids.indices(), (std::vector<int32_t>{-1, -1, 1, 2}));
    EXPECT_EQ(run.weights.f32()[0], 0.0F);
    EXPECT_EQ(run.load.values(), (Numbers{0, 1, 1}));
    EXPECT_EQ(run.host.parameter("step_load").value.values(), (Numbers{0, 1, 1}));
    EXPECT_EQ(run.dx.f32()[0], 0.0F);
    EXPECT_NE(run.dx.f32()[1], 0.0F);
  }
}

TEST(GateSigmoid, AcceptsAnEmptyBatch) {
  GateRun run("gate_sigmoid", 0, 2, 4);
  run.create(run.host.config().set("k", 2));
  run.forward();
  run.backward({});
  run.host.gate_step_end();
  EXPECT_EQ(run.importance.values(), Numbers(4, 0.0));
  EXPECT_EQ(run.host.parameter("bias").value.values(), Numbers(4, 0.0));
}

TEST(GateSigmoid, KeepsNothingAndGetsTheSameBits) {
  Numbers gradients[2];
  for (const bool keeps : {true, false}) {
    Case c(2, true, 1.5, 0.3, false, keeps ? SY_SAVE_ALL : SY_SAVE_NONE);
    EXPECT_EQ(c.run.host.kept_something(), keeps);
    c.run.backward(c.ref.e);
    gradients[keeps] = c.run.grad("w_gate");
  }
  EXPECT_GT(square_norm(gradients[0]), 0.0);
  EXPECT_EQ(gradients[0], gradients[1]);
}

TEST(GateSigmoid, MovesTheBiasByTheLoadOfAllRanks) {
  GateRun run("gate_sigmoid", 2, 1, 2);
  run.create(run.host.config().set("k", 1).set("bias_rate", 0.5));
  run.set_x({1, 1});
  run.set("w_gate", {1, 0});
  run.host.num_ranks = 2;
  run.host.on_all_reduce = [](float* v, int64_t) { v[3] += 6; };  // importance and load in pairs
  run.forward();
  EXPECT_EQ(run.load.values(), (Numbers{2, 6}));
  run.host.gate_step_end();
  EXPECT_EQ(run.host.parameter("bias").value.values(), (Numbers{0.5, -0.5}));
}

TEST(GateSigmoid, KeepsItsBiasInBuffersThatNoOptimizerTouches) {
  GateRun run("gate_sigmoid", 2, 3, 4);
  run.create(run.host.config());
  ASSERT_EQ(run.host.parameters().size(), 3U);
  EXPECT_GT(square_norm(run.host.parameter("w_gate").value.values()), 0.0);
  for (const char* name : {"bias", "step_load"}) {
    EXPECT_NE(run.host.parameter(name).desc.flags & SY_PF_BUFFER, 0U) << name;
    EXPECT_EQ(run.host.parameter(name).value.values(), Numbers(4, 0.0)) << name;
  }
  EXPECT_EQ(run.host.gate_info().k_mean, 4.0);
}

TEST(GateSigmoid, RefusesMoreExpertsPerTokenThanThereAre) {
  expect_to_refuse_five_of_four("gate_sigmoid");
}

TEST(GateSigmoid, PassesOnTheFailureOfAnyServiceCall) {
  const auto create = [](GateRun& run) { run.create(run.host.config().set("k", 2)); };
  expect_to_pass_on_any_failure("gate_sigmoid", create, 20);
}

}  // namespace
}  // namespace switchyard::test
