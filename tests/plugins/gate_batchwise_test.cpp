// Section 13.6 and section 5 of the specification of Shazeer et al. 2017, and finite differences.
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "tests/plugins/batchwise_reference.h"
#include "tests/plugins/gate_run.h"
#include "tests/plugins/noisy_topk_reference.h"

namespace switchyard::test {
namespace {

using Numbers = std::vector<double>;

TestConfig config(GateRun& run, int k, double w_importance, double w_batchwise) {
  return run.host.config()
      .set("k", k)
      .set("w_importance", w_importance)
      .set("w_batchwise", w_batchwise);
}

/// M [T, E] from the slots, which must stand in the order of the experts.
Numbers mask_of(GateRun& run, int experts) {
  Numbers mask;
  for (const int32_t id : run.ids.indices()) {
    const auto slot = static_cast<int32_t>(mask.size()) % experts;
    EXPECT_TRUE(id == -1 || id == slot) << "slot " << slot << " holds expert " << id;
    mask.push_back(id >= 0 ? 1.0 : 0.0);
  }
  return mask;
}

/// Number of experts of each token.
std::vector<int> row_sums(const Numbers& mask, size_t experts) {
  std::vector<int> sums(mask.size() / experts);
  for (size_t i = 0; i < mask.size(); ++i) {
    sums[i / experts] += mask[i] > 0.0 ? 1 : 0;
  }
  return sums;
}

/// A gate with a batch of sines, and the reference of the same.
struct Case {
  GateRun run;
  BatchwiseReference ref;

  Case(int tokens, int d, int experts, int k, double w_importance = 0.0, double w_batchwise = 0.0,
       bool trains_gate = false, uint32_t save_policy = SY_SAVE_ALL)
      : run("gate_batchwise", tokens, d, experts),
        ref{tokens, d, experts, k, w_importance, w_batchwise, trains_gate, {}, {}, {}, {}, {}} {
    SineFill fill;
    ref.x = fill.next(int64_t{tokens} * d, 1.0);
    ref.w = fill.next(int64_t{d} * experts, 0.8);
    ref.e = fill.next(int64_t{tokens} * experts, 1.0);
    ref.threshold = fill.next(experts, 0.1);
    for (double& t : ref.threshold) {
      t = static_cast<float>(t + 1.0 / experts);
    }
    run.create(config(run, k, w_importance, w_batchwise).set("batchwise_to_gate", trains_gate));
    run.host.save_policy = save_policy;
    run.set_x(ref.x);
    run.set("w_gate", ref.w);
    run.set("threshold", ref.threshold);
    run.forward();
  }
};

/// The column of section 13.6 as the first of two experts, of which a token gets one on average:
/// m = 2. The other expert's threshold stands right.
void expect_column(double threshold, double loss, double gradient) {
  SCOPED_TRACE(testing::Message() << "T " << threshold);
  GateRun run("gate_batchwise", 4, 1, 2);
  run.create(config(run, 1, 0.0, 4.0));  // the loss is divided by the number of tokens
  Numbers x;
  for (const double p : {0.5, 0.1, 0.4, 0.2}) {
    x.push_back(std::log(p / (1.0 - p)));
  }
  run.set_x(x);
  run.set("w_gate", {1, 0});
  run.set("threshold", {threshold, 0.7});
  run.forward();
  run.backward({});
  EXPECT_EQ(mask_of(run, 2), (Numbers{1, 0, 0, 1, 1, 0, 0, 1}));
  EXPECT_NEAR(run.aux_loss.f32()[0], loss, 1e-6);
  EXPECT_NEAR(run.grad("threshold")[0], gradient, 1e-6);
  EXPECT_EQ(run.grad("threshold")[1], 0.0);
  EXPECT_EQ(run.dx.values(), (Numbers{0, 0, 0, 0})) << "the thresholds' loss stays with them";
}

TEST(GateBatchwise, ReproducesTheThresholdsLossOfOneColumn) {
  expect_column(0.15, 0.05, -1.0);
  expect_column(0.45, 0.05, 1.0);
  expect_column(0.25, 0.0, 0.0);
  expect_column(0.39, 0.0, 0.0);
}

void expect_balance(int tokens, int experts, int k) {
  SCOPED_TRACE(testing::Message() << tokens << " tokens, " << experts << " experts, k " << k);
  Case c(tokens, 5, experts, k);
  const Numbers mask = mask_of(c.run, experts);
  const Numbers p = c.ref.probabilities();
  EXPECT_EQ(mask, c.ref.mask(p));
  EXPECT_LE(max_difference(c.run.dense_weights(), c.ref.weights(p, mask)), 1e-6);
  const int m = k * tokens / experts;
  EXPECT_EQ(c.run.load.values(), Numbers(static_cast<size_t>(experts), m));
  EXPECT_EQ(std::accumulate(mask.begin(), mask.end(), 0.0), m * experts);
  Numbers importance(static_cast<size_t>(experts));
  for (size_t i = 0; i < mask.size(); ++i) {
    importance[i % importance.size()] += c.run.dense_weights()[i];
  }
  EXPECT_LE(max_difference(c.run.importance.values(), importance), 1e-5);
}

TEST(GateBatchwise, GivesEveryExpertItsShareOfTheBatchAndTokensKOnAverage) {
  expect_balance(24, 6, 2);  // 8 tokens each, 2 experts per token on average
  expect_balance(24, 6, 6);  // every expert takes all
  expect_balance(64, 4, 3);  // more than 32 per column
  expect_balance(7, 5, 3);   // 4.2 is rounded down
  expect_balance(9, 1, 1);
}

TEST(GateBatchwise, GivesNobodyAnythingWhereTheShareIsLessThanOneToken) {
  Case c(3, 2, 4, 1, 0.5, 3.0);
  c.run.backward(c.ref.e);
  EXPECT_EQ(c.run.ids.indices(), std::vector<int32_t>(12, -1));
  EXPECT_EQ(square_norm(c.run.weights.values()), 0.0);
  EXPECT_EQ(square_norm(c.run.grad("w_gate")), 0.0);
  EXPECT_NEAR(c.run.aux_loss.f32()[0], c.ref.loss(), 1e-6);
  EXPECT_LE(max_difference(c.run.grad("threshold"),
                           finite_differences(c.ref.threshold, [&] { return c.ref.loss(); })),
            2e-6);
}

TEST(GateBatchwise, SpreadsTheTiesOfAGateThatKnowsNothing) {
  GateRun run("gate_batchwise", 256, 3, 8);
  run.create(config(run, 2, 0.0, 0.0));
  run.set_x(SineFill().next(256 * 3, 1.0));
  run.forward();
  const Numbers mask = mask_of(run, 8);
  EXPECT_EQ(run.load.values(), Numbers(8, 64.0));
  // Independent choices leave (1 - k/n)^n = 10 % of the tokens without an expert, and give more
  // than 6 of 8 to 0.04 %. By index the first 64 tokens would get all experts.
  std::vector<int> tokens_with(9);
  for (const int sum : row_sums(mask, 8)) {
    ++tokens_with[static_cast<size_t>(sum)];
  }
  EXPECT_GT(tokens_with[0], 10);
  EXPECT_LT(tokens_with[0], 45);
  EXPECT_GT(tokens_with[2], 55);
  EXPECT_LE(tokens_with[7] + tokens_with[8], 2);

  run.forward();
  EXPECT_EQ(mask_of(run, 8), mask) << "the same step chooses the same";
  run.host.step = 2;
  run.forward();
  EXPECT_NE(mask_of(run, 8), mask) << "another step does not";
}

TEST(GateBatchwise, LetsOnlyEqualValuesBeToldApartByChance) {
  // Four kinds of tokens: within a kind all are equal.
  constexpr int kTokens = 60;
  constexpr int kExperts = 5;
  GateRun run("gate_batchwise", kTokens, 2, kExperts);
  run.create(config(run, 2, 0.0, 0.0));
  BatchwiseReference ref{kTokens, 2, kExperts, 2, 0, 0, false, {}, {}, {}, {}, {}};
  const Numbers kinds{1, 0.5, -0.5, 1, 0.25, -1, -1, 0.125};
  for (size_t t = 0; t < kTokens; ++t) {
    ref.x.push_back(kinds[t * 5 % 4 * 2]);
    ref.x.push_back(kinds[t * 5 % 4 * 2 + 1]);
  }
  ref.w = SineFill().next(2 * kExperts, 1.0);
  run.set_x(ref.x);
  run.set("w_gate", ref.w);
  run.forward();
  const Numbers mask = mask_of(run, kExperts);
  const Numbers p = ref.probabilities();
  for (size_t i = 0; i < kExperts; ++i) {
    double least_chosen = 2.0;
    double most_left = -1.0;
    for (size_t entry = i; entry < mask.size(); entry += kExperts) {
      if (mask[entry] > 0.0) {
        least_chosen = std::min(least_chosen, p[entry]);
      } else {
        most_left = std::max(most_left, p[entry]);
      }
    }
    EXPECT_GE(least_chosen, most_left - 1e-12) << "expert " << i;
  }
  EXPECT_NE(mask, ref.mask(p)) << "equal values were taken by their index";
  EXPECT_EQ(run.load.values(), Numbers(kExperts, 24.0));
}

/// Plugin against finite differences of the double-precision reference.
void expect_gradients(Case& c) {
  SCOPED_TRACE(testing::Message() << c.ref.w_importance << ' ' << c.ref.w_batchwise << ' '
                                  << c.ref.trains_gate << ' ' << c.run.host.save_policy);
  c.run.backward(c.ref.e);
  const auto loss = [&] { return c.ref.loss(); };
  EXPECT_LE(max_difference(c.run.grad("threshold"), finite_differences(c.ref.threshold, loss)),
            2e-6);
  EXPECT_LE(max_difference(c.run.grad("w_gate"), finite_differences(c.ref.w, loss)), 5e-6);
  EXPECT_LE(max_difference(c.run.dx.values(), finite_differences(c.ref.x, loss)), 5e-6);
}

TEST(GateBatchwise, HasTheGradientOfItsLosses) {
  struct Weights {
    double importance, batchwise;
    bool trains_gate;
  };
  for (const Weights w : {Weights{0.0, 0.0, false}, Weights{0.4, 0.0, false},
                          Weights{0.4, 0.7, false}, Weights{0.0, 0.7, true}}) {
    for (const uint32_t policy : {uint32_t{SY_SAVE_ALL}, uint32_t{SY_SAVE_NONE}}) {
      Case two(9, 3, 6, 2, w.importance, w.batchwise, w.trains_gate, policy);
      expect_gradients(two);
      Case one(10, 3, 5, 1, w.importance, w.batchwise, w.trains_gate, policy);
      expect_gradients(one);
    }
  }
}

TEST(GateBatchwise, HasNoWeightsAndNoGradientForATokenWithoutExperts) {
  Case c(10, 3, 5, 1, 0.3, 0.5);
  c.run.backward(c.ref.e);
  const std::vector<int> sums = row_sums(mask_of(c.run, 5), 5);
  EXPECT_EQ(std::count(sums.begin(), sums.end(), 0), 2);
  EXPECT_EQ(std::count(sums.begin(), sums.end(), 2), 2);
  for (size_t t = 0; t < sums.size(); ++t) {
    double norm = 0.0;
    double weight = 0.0;
    for (size_t j = 0; j < 3; ++j) {
      norm += std::fabs(c.run.dx.f32()[t * 3 + j]);
    }
    for (size_t i = 0; i < 5; ++i) {
      weight += c.run.weights.f32()[t * 5 + i];
    }
    EXPECT_EQ(norm > 0.0, sums[t] > 1) << "token " << t;
    EXPECT_NEAR(weight, sums[t] > 0 ? 1.0 : 0.0, 1e-6) << "token " << t;
  }
}

TEST(GateBatchwise, TakesTheGradientOfItsImportanceFromAHostThatAsksForIt) {
  Case c(9, 3, 6, 2, 0.4);
  GateRun run("gate_batchwise", 9, 3, 6);
  run.balance_by_host();
  run.create(config(run, 2, 5.0, 0.0));
  run.set_x(c.ref.x);
  run.set("w_gate", c.ref.w);
  run.forward();
  EXPECT_EQ(run.aux_loss.f32()[0], 0.0F);
  ask_for_balance(0.4, run.importance, run.dimportance);
  run.dload.poison();  // a hard count has no gradient
  run.backward(c.ref.e);
  const auto loss = [&] { return c.ref.loss(); };
  EXPECT_LE(max_difference(run.grad("w_gate"), finite_differences(c.ref.w, loss)), 5e-6);
  EXPECT_LE(max_difference(run.dx.values(), finite_differences(c.ref.x, loss)), 5e-6);
}

TEST(GateBatchwise, LeavesPaddingOutOfEverything) {
  // Five real rows, each behind a row of padding; k of the padded batch would be another.
  Case c(5, 3, 4, 2, 0.4, 0.7, true);
  c.run.backward(c.ref.e);
  GateRun run("gate_batchwise", 10, 3, 4);
  run.create(config(run, 2, 0.4, 0.7).set("batchwise_to_gate", 1));
  run.has_mask = true;
  Numbers x;
  Numbers e;
  Numbers ids;
  Numbers dx;
  for (size_t t = 0; t < 5; ++t) {
    run.mask.u8()[2 * t + 1] = 1;
    x.insert(x.end(), {7.0, -3.0, 5.0});
    x.insert(x.end(), &c.ref.x[t * 3], &c.ref.x[t * 3] + 3);
    e.insert(e.end(), 4, 9.0);
    e.insert(e.end(), &c.ref.e[t * 4], &c.ref.e[t * 4] + 4);
    ids.insert(ids.end(), 4, -1.0);
    ids.insert(ids.end(), &c.run.ids.i32()[t * 4], &c.run.ids.i32()[t * 4] + 4);
    dx.insert(dx.end(), 3, 0.0);
    dx.insert(dx.end(), &c.run.dx.f32()[t * 3], &c.run.dx.f32()[t * 3] + 3);
  }
  run.set_x(x);
  run.set("w_gate", c.ref.w);
  run.set("threshold", c.ref.threshold);
  run.forward();
  run.backward(e);
  const std::vector<int32_t> got = run.ids.indices();
  EXPECT_EQ(Numbers(got.begin(), got.end()), ids);
  EXPECT_EQ(run.load.values(), Numbers(4, 2.0));
  EXPECT_NEAR(run.aux_loss.f32()[0], c.run.aux_loss.f32()[0], 1e-6);
  EXPECT_LE(max_difference(run.importance.values(), c.run.importance.values()), 1e-6);
  EXPECT_LE(max_difference(run.grad("w_gate"), c.run.grad("w_gate")), 1e-6);
  EXPECT_LE(max_difference(run.grad("threshold"), c.run.grad("threshold")), 1e-6);
  EXPECT_LE(max_difference(run.dx.values(), dx), 1e-6);
}

TEST(GateBatchwise, PadsAWholeBatch) {
  GateRun run("gate_batchwise", 6, 2, 3);
  run.create(config(run, 2, 0.3, 0.7));
  run.has_mask = true;
  run.forward();
  run.backward({});
  EXPECT_EQ(run.ids.indices(), std::vector<int32_t>(18, -1));
  EXPECT_EQ(run.aux_loss.f32()[0], 0.0F);
  EXPECT_EQ(square_norm(run.grad("threshold")), 0.0);
}

TEST(GateBatchwise, AcceptsAnEmptyBatch) {
  for (const uint32_t policy : {uint32_t{SY_SAVE_ALL}, uint32_t{SY_SAVE_NONE}}) {
    GateRun run("gate_batchwise", 0, 2, 4);
    run.create(config(run, 2, 0.3, 0.7).set("batchwise_to_gate", 1));
    run.host.save_policy = policy;
    run.forward();
    run.backward({});
    EXPECT_EQ(run.importance.values(), Numbers(4, 0.0));
    EXPECT_EQ(run.load.values(), Numbers(4, 0.0));
    EXPECT_EQ(run.aux_loss.f32()[0], 0.0F);
    EXPECT_EQ(square_norm(run.grad("threshold")), 0.0);
  }
}

TEST(GateBatchwise, PassesThresholdsInEvaluation) {
  GateRun run("gate_batchwise", 3, 1, 2);
  run.create(config(run, 1, 0.0, 1.0));
  run.set_x({std::log(0.6 / 0.4), std::log(0.9 / 0.1), 0.0});
  run.set("w_gate", {1, 0});
  run.set("threshold", {0.55, 0.3});
  run.host.flags = 0;
  run.forward();
  EXPECT_EQ(run.ids.indices(), (std::vector<int32_t>{0, 1, 0, -1, -1, 1}));
  EXPECT_LE(max_difference(run.weights.values(), {0.6, 0.4, 1, 0, 0, 1}), 1e-6);
  EXPECT_EQ(run.load.values(), (Numbers{2, 2}));
  EXPECT_EQ(run.aux_loss.f32()[0], 0.0F);
  EXPECT_FALSE(run.host.kept_something());
  run.set("threshold", {1, 1});
  run.forward();
  EXPECT_EQ(run.ids.indices(), std::vector<int32_t>(6, -1));
  EXPECT_EQ(square_norm(run.weights.values()), 0.0);
}

TEST(GateBatchwise, LearnsThresholdsThatChooseAsTheBatchDid) {
  constexpr int kTokens = 120;
  constexpr int kExperts = 6;
  SineFill fill;
  GateRun run("gate_batchwise", kTokens, 4, kExperts);
  run.create(config(run, 2, 0.0, 1.0));
  run.set("w_gate", fill.next(4 * kExperts, 0.7));
  for (int step = 0; step < 120; ++step) {
    run.set_x(fill.next(kTokens * 4, 1.0));
    run.zero_grads();
    run.forward();
    run.backward({});
    TestParameter& t = run.host.parameter("threshold");
    for (int64_t i = 0; i < kExperts; ++i) {
      t.value.f32()[i] -= (step < 60 ? 0.1F : 0.01F) * t.grad.f32()[i];
    }
  }
  run.set_x(fill.next(kTokens * 4, 1.0));
  run.forward();
  const Numbers by_batch = mask_of(run, kExperts);
  run.host.flags = 0;
  run.forward();
  const Numbers by_threshold = mask_of(run, kExperts);
  int agreeing = 0;
  for (size_t i = 0; i < by_batch.size(); ++i) {
    agreeing += by_batch[i] == by_threshold[i] ? 1 : 0;
  }
  EXPECT_GT(agreeing, 0.95 * kTokens * kExperts);
  RecordProperty("agreeing", agreeing);
}

TEST(GateBatchwise, SumsOverRanksBeforeTheLoss) {
  // Two ranks with the same rows: losses as on one, gradients of a rank half as large.
  Case one(9, 3, 6, 2, 0.4, 0.7, true);
  one.run.backward({});
  GateRun run("gate_batchwise", 9, 3, 6);
  run.create(config(run, 2, 0.4, 0.7).set("batchwise_to_gate", 1));
  run.set_x(one.ref.x);
  run.set("w_gate", one.ref.w);
  run.set("threshold", one.ref.threshold);
  run.host.num_ranks = 2;
  run.host.on_all_reduce = [](float* v, int64_t size) {
    std::transform(v, v + size, v, [](float x) { return 2 * x; });
  };
  run.forward();
  run.backward({});
  EXPECT_NEAR(run.aux_loss.f32()[0], one.run.aux_loss.f32()[0], 1e-6);
  for (const char* name : {"w_gate", "threshold"}) {
    Numbers twice = run.grad(name);
    std::transform(twice.begin(), twice.end(), twice.begin(), [](double g) { return 2 * g; });
    EXPECT_LE(max_difference(twice, one.run.grad(name)), 1e-6) << name;
  }
}

TEST(GateBatchwise, KeepsNothingAndGetsTheSameBits) {
  Numbers gradients[2];
  for (const bool keeps : {true, false}) {
    Case c(9, 3, 6, 2, 0.1, 0.1, true, keeps ? SY_SAVE_ALL : SY_SAVE_NONE);
    EXPECT_EQ(c.run.host.kept_something(), keeps);
    c.run.backward(c.ref.e);
    gradients[keeps] = c.run.grad("w_gate");
    const Numbers of_thresholds = c.run.grad("threshold");
    gradients[keeps].insert(gradients[keeps].end(), of_thresholds.begin(), of_thresholds.end());
  }
  EXPECT_GT(square_norm(gradients[0]), 0.0);
  EXPECT_EQ(gradients[0], gradients[1]);
}

TEST(GateBatchwise, AddsToGradients) {
  Case c(9, 3, 6, 2, 0.1, 0.1, true);
  c.run.backward(c.ref.e);
  const Numbers once = c.run.grad("threshold");
  EXPECT_GT(square_norm(once), 0.0);
  c.run.backward(c.ref.e);
  Numbers twice = c.run.grad("threshold");
  for (double& v : twice) {
    v /= 2.0;
  }
  EXPECT_LE(max_difference(once, twice), 1e-7);
}

TEST(GateBatchwise, StartsWithoutAnOpinionAndWithOneSlotPerExpert) {
  GateRun run("gate_batchwise", 2, 3, 8);
  run.create(config(run, 2, 0.0, 0.0));
  ASSERT_EQ(run.host.parameters().size(), 2U);
  EXPECT_EQ(square_norm(run.host.parameter("w_gate").value.values()), 0.0);
  EXPECT_EQ(run.host.parameter("threshold").value.values(), Numbers(8, 0.125));
  EXPECT_NE(run.host.parameter("threshold").desc.flags & SY_PF_NO_DECAY, 0U);
  EXPECT_EQ(run.host.gate_info().k_max, 8);
  EXPECT_EQ(run.host.gate_info().k_mean, 2.0);
}

TEST(GateBatchwise, RefusesMoreExpertsPerTokenThanThereAre) {
  expect_to_refuse_five_of_four("gate_batchwise");
}

TEST(GateBatchwise, PassesOnTheFailureOfAnyServiceCall) {
  const auto create = [](GateRun& run) {
    run.create(config(run, 2, 0.1, 0.1).set("batchwise_to_gate", 1));
  };
  expect_to_pass_on_any_failure("gate_batchwise", create, 40);
}

}  // namespace
}  // namespace switchyard::test
