#include <numeric>

#include <gtest/gtest.h>

#include "tests/plugins/gate_run.h"
#include "tests/plugins/noisy_topk_reference.h"

namespace switchyard::test {
namespace {

using Numbers = std::vector<double>;

/// sum_t sum_i softmax(x W)_i e_ti + w CV^2(importance) over the k best, or over all with k = E.
struct Reference {
  int tokens, d, experts, k;
  double w_importance;
  Numbers x, w, e;

  [[nodiscard]] double loss() const {
    return loss_of_weights([this](int t) { return weights(t); }, tokens, e, w_importance);
  }

  [[nodiscard]] Numbers weights(int t) const {
    Numbers logits(static_cast<size_t>(experts));
    for (size_t i = 0; i < logits.size(); ++i) {
      for (int j = 0; j < d; ++j) {
        logits[i] +=
            x[static_cast<size_t>(t * d + j)] * w[static_cast<size_t>(j) * logits.size() + i];
      }
    }
    Numbers sorted = logits;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    double sum = 0.0;
    Numbers g(logits.size());
    for (size_t i = 0; i < g.size(); ++i) {
      g[i] = logits[i] >= sorted[static_cast<size_t>(k) - 1] ? std::exp(logits[i]) : 0.0;
      sum += g[i];
    }
    for (double& v : g) {
      v /= sum;
    }
    return g;
  }
};

void compare_with_reference(int k, double w_importance) {
  SCOPED_TRACE(testing::Message() << "k " << k);
  SineFill fill;
  Reference ref{6, 3, 5, k == 0 ? 5 : k, w_importance, {}, {}, {}};
  ref.x = fill.next(18, 1.0);
  ref.w = fill.next(15, 0.8);
  ref.e = fill.next(30, 1.0);
  GateRun run("gate_softmax", 6, 3, 5);
  run.create(run.host.config().set("k", k).set("w_importance", w_importance));
  run.set_x(ref.x);
  run.set("w_gate", ref.w);
  run.forward();
  run.backward(ref.e);
  const Numbers g = run.dense_weights();
  for (int t = 0; t < 6; ++t) {
    EXPECT_LE(max_difference({g.begin() + t * 5, g.begin() + (t + 1) * 5}, ref.weights(t)), 1e-6);
  }
  const auto loss = [&] { return ref.loss(); };
  EXPECT_LE(max_difference(run.grad("w_gate"), finite_differences(ref.w, loss)), 2e-6);
  EXPECT_LE(max_difference(run.dx.values(), finite_differences(ref.x, loss)), 2e-6);
}

TEST(GateSoftmax, AgreesWithItsEquationDenseAndWithSomeExperts) {
  compare_with_reference(0, 0.0);
  compare_with_reference(0, 0.4);
  compare_with_reference(2, 0.0);
  compare_with_reference(2, 0.4);
  compare_with_reference(5, 0.4);
}

// d(importance)/d(parameters) times what was asked, with its own loss left out.
TEST(GateSoftmax, TakesTheGradientOfItsImportanceFromAHostThatAsksForIt) {
  for (const int k : {0, 2}) {
    SineFill fill;
    Reference ref{6, 3, 5, k == 0 ? 5 : k, 0.4, {}, {}, {}};
    ref.x = fill.next(18, 1.0);
    ref.w = fill.next(15, 0.8);
    ref.e = fill.next(30, 1.0);
    GateRun run("gate_softmax", 6, 3, 5);
    run.balance_by_host();
    run.create(run.host.config().set("k", k).set("w_importance", 3.0));
    run.set_x(ref.x);
    run.set("w_gate", ref.w);
    run.forward();
    EXPECT_EQ(run.aux_loss.f32()[0], 0.0F);
    ask_for_balance(0.4, run.importance, run.dimportance);
    run.backward(ref.e);
    const auto loss = [&] { return ref.loss(); };
    EXPECT_LE(max_difference(run.grad("w_gate"), finite_differences(ref.w, loss)), 2e-6);
    EXPECT_LE(max_difference(run.dx.values(), finite_differences(ref.x, loss)), 2e-6);
  }
}

TEST(GateSoftmax, ListsAllExpertsInOrderWhenDense) {
  GateRun run("gate_softmax", 2, 1, 3);
  run.create(run.host.config());
  run.set_x({1, -1});
  run.set("w_gate", {0, 2, 1});
  run.forward();
  EXPECT_EQ(run.ids.indices(), (std::vector<int32_t>{0, 1, 2, 0, 1, 2}));
  EXPECT_EQ(run.load.values(), (Numbers{2, 2, 2}));
  EXPECT_NEAR(run.weights.f32()[1], std::exp(2.0) / (1 + std::exp(1.0) + std::exp(2.0)), 1e-6);
  EXPECT_EQ(run.aux_loss.f32()[0], 0.0f);
}

TEST(GateSoftmax, GivesTiesToTheLowestExperts) {
  GateRun run("gate_softmax", 2, 1, 4);
  run.create(run.host.config().set("k", 2));
  run.set_x({1, 2});
  run.forward();
  EXPECT_EQ(run.ids.indices(), (std::vector<int32_t>{0, 1, 0, 1}));
  EXPECT_EQ(run.weights.values(), (Numbers{0.5, 0.5, 0.5, 0.5}));
  EXPECT_EQ(run.load.values(), (Numbers{2, 2, 0, 0}));
}

TEST(GateSoftmax, LeavesPaddingOutWhenDenseAndWithOneExpert) {
  for (const int k : {0, 1}) {
    GateRun run("gate_softmax", 2, 1, 3);
    run.create(run.host.config().set("k", k).set("w_importance", 0.5));
    run.set_x({5, 1});
    run.set("w_gate", {0, 2, 1});
    run.has_mask = true;
    run.mask.u8()[1] = 1;
    run.forward();
    run.backward({9, 9, 9, 1, 2, 3});
    EXPECT_EQ(run.ids.i32()[0], -1);
    const Numbers load = run.load.values();
    EXPECT_EQ(std::accumulate(load.begin(), load.end(), 0.0), k == 0 ? 3.0 : 1.0);
    EXPECT_EQ(run.dx.f32()[0], 0.0f);
  }
}

TEST(GateSoftmax, AcceptsAnEmptyBatch) {
  GateRun run("gate_softmax", 0, 2, 4);
  run.create(run.host.config().set("w_importance", 1.0));
  run.forward();
  run.backward({});
  EXPECT_EQ(run.importance.values(), (Numbers{0, 0, 0, 0}));
  EXPECT_EQ(run.aux_loss.f32()[0], 0.0f);
}

TEST(GateSoftmax, RefusesMoreExpertsPerTokenThanThereAre) {
  expect_to_refuse_five_of_four("gate_softmax");
}

TEST(GateSoftmax, PassesOnTheFailureOfAnyServiceCall) {
  const auto create = [](GateRun& run) {
    run.create(run.host.config().set("k", 2).set("w_importance", 0.1));
  };
  expect_to_pass_on_any_failure("gate_softmax", create, 20);
}

}  // namespace
}  // namespace switchyard::test
