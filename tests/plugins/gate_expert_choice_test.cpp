// The gate of arXiv:2202.09368 against its equations in double precision and finite differences.
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "tests/plugins/gate_run.h"
#include "tests/plugins/noisy_topk_reference.h"

namespace switchyard::test {
namespace {

using Numbers = std::vector<double>;

constexpr int kTokens = 7;
constexpr int kWidth = 3;
constexpr int kExperts = 5;

/// sum over chosen pairs of S_te e_te + w_importance CV^2(importance), from the paper's equations.
struct Reference {
  int k;
  double w_importance;
  Numbers x, w, e;

  [[nodiscard]] Numbers scores() const {
    Numbers s(kTokens * kExperts);
    for (size_t t = 0; t < kTokens; ++t) {
      double sum = 0.0;
      for (size_t i = 0; i < kExperts; ++i) {
        double logit = 0.0;
        for (size_t j = 0; j < kWidth; ++j) {
          logit += x[t * kWidth + j] * w[j * kExperts + i];
        }
        sum += s[t * kExperts + i] = std::exp(logit);
      }
      for (size_t i = 0; i < kExperts; ++i) {
        s[t * kExperts + i] /= sum;
      }
    }
    return s;
  }

  /// G [T, E]: S where an expert chose a token, else 0.
  [[nodiscard]] Numbers weights() const {
    const Numbers s = scores();
    Numbers g(s.size(), 0.0);
    const auto m = static_cast<size_t>(k * kTokens / kExperts);
    for (size_t i = 0; i < kExperts; ++i) {
      std::vector<size_t> order(kTokens);
      std::iota(order.begin(), order.end(), size_t{0});
      std::sort(order.begin(), order.end(),
                [&](size_t a, size_t b) { return s[a * kExperts + i] > s[b * kExperts + i]; });
      for (size_t c = 0; c < m; ++c) {
        g[order[c] * kExperts + i] = s[order[c] * kExperts + i];
      }
    }
    return g;
  }

  [[nodiscard]] double loss() const {
    const Numbers g = weights();
    return loss_of_weights(
        [&](int t) { return Numbers(g.begin() + t * kExperts, g.begin() + (t + 1) * kExperts); },
        kTokens, e, w_importance);
  }
};

/// A gate with a batch of sines, and the reference of the same.
struct Case {
  GateRun run{"gate_expert_choice", kTokens, kWidth, kExperts};
  Reference ref;

  explicit Case(int k, uint32_t save_policy = SY_SAVE_ALL, bool host_balances = false)
      : ref{k, 0.0, {}, {}, {}} {
    SineFill fill;
    ref.x = fill.next(kTokens * kWidth, 1.0);
    ref.w = fill.next(kWidth * kExperts, 0.8);
    ref.e = fill.next(kTokens * kExperts, 1.0);
    if (host_balances) {
      run.balance_by_host();
    }
    run.create(run.host.config().set("k", k));
    run.host.save_policy = save_policy;
    run.set_x(ref.x);
    run.set("w_gate", ref.w);
    run.forward();
  }

  void expect_gradients_of_reference() {
    const auto loss = [this] { return ref.loss(); };
    EXPECT_LE(max_difference(run.grad("w_gate"), finite_differences(ref.w, loss)), 2e-6);
    EXPECT_LE(max_difference(run.dx.values(), finite_differences(ref.x, loss)), 2e-6);
  }
};

TEST(GateExpertChoice, AgreesWithItsEquationsAndTheirGradients) {
  for (const uint32_t policy : {uint32_t{SY_SAVE_ALL}, uint32_t{SY_SAVE_NONE}}) {
    for (const int k : {1, 2, 3, 5}) {
      SCOPED_TRACE(testing::Message() << "k " << k << " policy " << policy);
      Case c(k, policy);
      EXPECT_LE(max_difference(c.run.dense_weights(), c.ref.weights()), 1e-6);
      EXPECT_EQ(c.run.load.values(),
                Numbers(kExperts, static_cast<double>(k * kTokens / kExperts)));
      c.run.backward(c.ref.e);
      c.expect_gradients_of_reference();
    }
  }
}

TEST(GateExpertChoice, AnswersWhatTheHostAsksOfTheImportance) {
  Case c(2, SY_SAVE_ALL, true);
  c.ref.w_importance = 0.3;
  ask_for_balance(0.3, c.run.importance, c.run.dimportance);
  c.run.backward(c.ref.e);
  c.expect_gradients_of_reference();
}

TEST(GateExpertChoice, TakesTheBestTokensOfEachExpert) {
  GateRun run("gate_expert_choice", 4, 1, 2);
  run.create(run.host.config().set("k", 1));
  run.set_x({-1, 3, 1, -2});
  run.set("w_gate", {1, -1});
  run.forward();
  EXPECT_EQ(run.ids.indices(), (std::vector<int32_t>{1, 2, 3, 0}));
  const auto s = [](double logit) { return 1.0 / (1.0 + std::exp(-2.0 * logit)); };
  EXPECT_LE(max_difference(run.weights.values(), {s(3), s(1), s(2), s(1)}), 1e-6);
  EXPECT_LE(max_difference(run.importance.values(), {s(3) + s(1), s(2) + s(1)}), 1e-6);
  EXPECT_EQ(run.load.values(), (Numbers{2, 2}));
  EXPECT_EQ(run.aux_loss.f32()[0], 0.0F);
}

TEST(GateExpertChoice, TakesAsManyInEvaluationAndLeavesTheRestEmpty) {
  GateRun run("gate_expert_choice", 4, 1, 2);
  run.create(run.host.config().set("k", 1));
  run.host.flags = 0;
  run.host.save_policy = SY_SAVE_NONE;
  run.set_x({-1, 3, 1, -2});
  run.set("w_gate", {1, -1});
  run.forward();
  EXPECT_EQ(run.ids.indices(), (std::vector<int32_t>{1, 2, -1, -1, 3, 0, -1, -1}));
  EXPECT_FALSE(run.host.kept_something());
}

TEST(GateExpertChoice, TakesOneTokenIfItsShareIsLess) {
  GateRun run("gate_expert_choice", 1, 1, 3);
  run.create(run.host.config().set("k", 1));
  run.set_x({1});
  run.set("w_gate", {0, 1, 2});
  run.forward();
  EXPECT_EQ(run.ids.indices(), (std::vector<int32_t>{0, 0, 0}));
}

TEST(GateExpertChoice, LeavesPaddingOut) {
  GateRun run("gate_expert_choice", 4, 1, 2);
  run.create(run.host.config().set("k", 2));
  run.set_x({5, 1, -5, -1});
  run.set("w_gate", {1, -1});
  run.has_mask = true;
  run.mask.u8()[1] = run.mask.u8()[3] = 1;
  run.forward();
  run.backward({9, 9, 1, 2, 9, 9, 3, 4});
  EXPECT_EQ(run.ids.indices(), (std::vector<int32_t>{1, 3, -1, -1, 3, 1, -1, -1}));
  EXPECT_EQ(run.load.values(), (Numbers{2, 2}));
  EXPECT_EQ(run.dx.f32()[0], 0.0F);
  EXPECT_EQ(run.dx.f32()[2], 0.0F);
  EXPECT_NE(run.dx.f32()[1], 0.0F);
}

TEST(GateExpertChoice, AcceptsAnEmptyBatch) {
  GateRun run("gate_expert_choice", 0, 2, 4);
  run.create(run.host.config());
  run.forward();
  run.backward({});
  EXPECT_EQ(run.importance.values(), Numbers(4, 0.0));
}

TEST(GateExpertChoice, RefusesMoreExpertsThanThereAre) {
  expect_to_refuse_five_of_four("gate_expert_choice");
}

TEST(GateExpertChoice, PassesOnAnyFailureOfAService) {
  expect_to_pass_on_any_failure(
      "gate_expert_choice", [](GateRun& run) { run.create(run.host.config()); }, 10);
}

}  // namespace
}  // namespace switchyard::test
