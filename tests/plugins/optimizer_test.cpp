// Optimizers against the formulas of their papers in double precision.
#include <gtest/gtest.h>

#include "tests/plugins/gate_run.h"

namespace switchyard::test {
namespace {

using Numbers = std::vector<double>;

constexpr double kClip = 0.5;  // grad_mult

/// An optimizer with one parameter [2, 3].
class OptimizerRun {
 public:
  OptimizerRun(const std::string& plugin, const std::vector<std::pair<std::string, double>>& values)
      : host(plugin), clip_(Buffer::of({1}, {static_cast<float>(kClip)})) {
    TestConfig config = host.config();
    for (const auto& [key, value] : values) {
      config.set(key, value);
    }
    host.create(PluginTestHost::layer(0, 0, 0), config);
    info.struct_size = sizeof(info);
    info.name = "kernel";
    info.ndim = 2;
    info.local[0] = info.global[0] = 2;
    info.local[1] = info.global[1] = 3;
    info.expert_dim = -1;
    info.dtype = sy::kF32;
    states = host.optimizer_plan(info);
    grads = {{0.3, -0.2, 1.5, 0.0, -4.0, 1e-4}, {-0.1, 0.4, 0.7, 0.2, 2.0, -1e-4}};
  }

  /// Two steps with the gradients `grads`.
  void step_twice(double lr, double weight_decay = 0.0) {
    for (size_t t = 0; t < grads.size(); ++t) {
      step(lr, weight_decay, static_cast<int64_t>(t) + 1, grads[t]);
    }
  }

  void step(double lr, double weight_decay, int64_t t, const Numbers& g) {
    std::copy(g.begin(), g.end(), grad.f32());
    std::vector<sy_tensor> views;
    for (TestState& s : states) {
      views.push_back(s.value.view());
    }
    sy_opt_item item{};
    item.struct_size = sizeof(item);
    item.n_state = static_cast<uint32_t>(views.size());
    item.info = &info;
    item.param = param.view();
    item.grad = grad.view();
    item.state = views.data();
    item.lr = lr;
    item.weight_decay = weight_decay;
    item.rows = rows_.shape().empty() ? sy_tensor{} : rows_.view();
    const sy_opt_item* items[] = {&item};
    sy_opt_step step{};
    step.struct_size = sizeof(step);
    step.n_items = 1;
    step.items = items;
    step.step = t;
    step.grad_mult = clip_.view();
    host.optimizer_step(step);
  }

  /// From now on the gradient is of this row alone: [1, 3].
  void touch_only(int32_t row) {
    rows_ = Buffer(sy::kI32, {1});
    rows_.i32()[0] = row;
    grad = Buffer(sy::kF32, {1, 3});
  }
  /// From now on no row has a gradient.
  void touch_nothing() {
    rows_ = Buffer(sy::kI32, {0});
    grad = Buffer(sy::kF32, {0, 3});
  }

  PluginTestHost host;
  sy_param_info info{};
  std::deque<TestState> states;
  std::vector<Numbers> grads;
  Buffer param = Buffer::of({2, 3}, {1.0f, -2.0f, 0.5f, 0.25f, 3.0f, -1.0f});
  Buffer grad{sy::kF32, {2, 3}};

 private:
  Buffer clip_;
  Buffer rows_{sy::kI32, {}};
};

/// The row that is touched moves as a parameter of its own would; the other one rests.
void expect_the_other_row_to_rest(const std::string& plugin,
                                  const std::vector<std::pair<std::string, double>>& values) {
  OptimizerRun dense(plugin, values);
  OptimizerRun by_row(plugin, values);
  dense.step_twice(0.01);
  by_row.step_twice(0.01);
  const Numbers before = by_row.param.values();
  by_row.touch_only(1);
  by_row.step(0.01, 0.0, 3, {0.5, -0.25, 2.0});
  dense.step(0.01, 0.0, 3, {9.0, 9.0, 9.0, 0.5, -0.25, 2.0});
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(by_row.param.values()[i], i < 3 ? before[i] : dense.param.values()[i]) << i;
    for (size_t s = 0; s < by_row.states.size(); ++s) {
      const Numbers state = by_row.states[s].value.values();
      EXPECT_EQ(state[i] == dense.states[s].value.values()[i], i >= 3)
          << by_row.states[s].name << " " << i;
    }
  }
  const Numbers after = by_row.param.values();
  by_row.touch_nothing();
  by_row.step(0.01, 0.0, 4, {});
  EXPECT_EQ(by_row.param.values(), after);
}

Numbers adam(Numbers p, const std::vector<Numbers>& grads, double lr, double decay) {
  Numbers m(p.size());
  Numbers v(p.size());
  for (size_t t = 1; t <= grads.size(); ++t) {
    for (size_t i = 0; i < p.size(); ++i) {
      const double g = kClip * grads[t - 1][i];
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.999 * v[i] + 0.001 * g * g;
      const double m_hat = m[i] / (1.0 - std::pow(0.9, t));
      const double v_hat = v[i] / (1.0 - std::pow(0.999, t));
      p[i] -= lr * (m_hat / (std::sqrt(v_hat) + 1e-8) + decay * p[i]);
    }
  }
  return p;
}

TEST(OptimizerAdam, AgreesWithThePapersFormula) {
  OptimizerRun run("optimizer_adam", {});
  ASSERT_EQ(run.states.size(), 2u);
  EXPECT_EQ(run.states[0].name, "m");
  EXPECT_EQ(run.states[1].name, "v");
  const Numbers want = adam(run.param.values(), run.grads, 0.01, 0.0);
  run.step_twice(0.01);
  EXPECT_LE(max_difference(run.param.values(), want), 5e-7);
}

TEST(OptimizerAdam, MovesByTheLearningRateInItsFirstStep) {
  OptimizerRun run("optimizer_adam", {{"eps", 0.0}});
  const Numbers before = run.param.values();
  run.step(0.01, 0.0, 1, {0.3, -0.2, 1.5, 7.0, -4.0, 1e-4});
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_NEAR(std::fabs(run.param.f32()[i] - before[i]), 0.01, 1e-6);
  }
}

TEST(OptimizerAdam, DecaysWeightsByItsOwnValueOrTheHosts) {
  OptimizerRun own("optimizer_adam", {{"weight_decay", 0.1}});
  const Numbers start = own.param.values();
  own.step_twice(0.01);
  EXPECT_LE(max_difference(own.param.values(), adam(start, own.grads, 0.01, 0.1)), 5e-7);
  OptimizerRun hosts("optimizer_adam", {{"weight_decay", 0.1}});
  hosts.step_twice(0.01, 0.3);
  EXPECT_LE(max_difference(hosts.param.values(), adam(start, own.grads, 0.01, 0.3)), 5e-7);
  OptimizerRun none("optimizer_adam", {{"weight_decay", 0.1}});
  none.info.flags = SY_PF_NO_DECAY;
  none.step_twice(0.01);
  EXPECT_LE(max_difference(none.param.values(), adam(start, own.grads, 0.01, 0.0)), 5e-7);
}

TEST(OptimizerAdam, LetsRowsWithoutGradientRest) {
  OptimizerRun run("optimizer_adam", {});
  EXPECT_NE(run.host.component().caps & SY_CAP_GRAD_ROWS, 0u);
  expect_the_other_row_to_rest("optimizer_adam", {{"weight_decay", 0.1}});
}

TEST(OptimizerAdam, RefusesStepZero) {
  OptimizerRun run("optimizer_adam", {});
  EXPECT_THROW(run.step(0.01, 0.0, 0, run.grads[0]), sy::Error);
}

Numbers sgd(Numbers p, const std::vector<Numbers>& grads, double lr, double momentum,
            double decay) {
  Numbers v(p.size());
  for (const Numbers& g : grads) {
    for (size_t i = 0; i < p.size(); ++i) {
      v[i] = momentum * v[i] + kClip * g[i];
      p[i] -= lr * (v[i] + decay * p[i]);
    }
  }
  return p;
}

TEST(OptimizerSgd, StepsAgainstTheGradientAndStoresNothing) {
  OptimizerRun run("optimizer_sgd", {});
  EXPECT_TRUE(run.states.empty());
  const Numbers want = sgd(run.param.values(), run.grads, 0.1, 0.0, 0.0);
  run.step_twice(0.1);
  EXPECT_LE(max_difference(run.param.values(), want), 5e-7);
}

TEST(OptimizerSgd, KeepsMomentumAndDecays) {
  OptimizerRun run("optimizer_sgd", {{"momentum", 0.9}, {"weight_decay", 0.2}});
  ASSERT_EQ(run.states.size(), 1u);
  EXPECT_EQ(run.states[0].name, "momentum");
  const Numbers want = sgd(run.param.values(), run.grads, 0.1, 0.9, 0.2);
  run.step_twice(0.1);
  EXPECT_LE(max_difference(run.param.values(), want), 5e-7);
}

TEST(OptimizerSgd, LetsRowsWithoutGradientRest) {
  expect_the_other_row_to_rest("optimizer_sgd", {});
  expect_the_other_row_to_rest("optimizer_sgd", {{"momentum", 0.9}, {"weight_decay", 0.2}});
}

TEST(OptimizerSgd, LeavesAParameterAloneWithoutLearningRate) {
  OptimizerRun run("optimizer_sgd", {{"momentum", 0.9}, {"weight_decay", 0.2}});
  const Numbers before = run.param.values();
  run.step_twice(0.0);
  EXPECT_EQ(run.param.values(), before);
}

}  // namespace
}  // namespace switchyard::test
