// The factored optimizer against the equations of Shazeer et al. 2017, appendix D, in double
// precision, and against numbers worked out by hand.
#include <cstring>

#include <gtest/gtest.h>

#include "tests/plugins/gate_run.h"

namespace switchyard::test {
namespace {

using Numbers = std::vector<double>;
using Shape = std::vector<int64_t>;
using Settings = std::vector<std::pair<std::string, double>>;

/// The plugin with one parameter; gradients are multiplied by `clip`.
class FactoredRun {
 public:
  FactoredRun(const Shape& shape, int32_t expert_dim, const Settings& settings = {})
      : host("optimizer_factored_adam"), param(sy::kF32, shape), grad(sy::kF32, shape) {
    TestConfig config = host.config();
    for (const auto& [key, value] : settings) {
      config.set(key, value);
    }
    host.create(PluginTestHost::layer(0, 0, 0), config);
    info.struct_size = sizeof(info);
    info.name = "kernel";
    info.ndim = static_cast<int32_t>(shape.size());
    std::copy(shape.begin(), shape.end(), info.local);
    std::copy(shape.begin(), shape.end(), info.global);
    info.expert_dim = expert_dim;
    info.dtype = sy::kF32;
    states = host.optimizer_plan(info);
  }

  void step(const Numbers& g, double lr, int64_t t, double clip = 1.0) {
    std::copy(g.begin(), g.end(), grad.f32());
    step(grad.view(), sy_tensor{}, lr, t, clip);
  }

  /// The gradient of some rows; g holds theirs one after another.
  void step_rows(const std::vector<int32_t>& rows, const Numbers& g, double lr, int64_t t,
                 double clip = 1.0) {
    Shape shape = param.shape();
    shape[0] = static_cast<int64_t>(rows.size());
    Buffer row_grad(sy::kF32, shape);
    std::copy(g.begin(), g.end(), row_grad.f32());
    Buffer indices(sy::kI32, {shape[0]});
    std::copy(rows.begin(), rows.end(), indices.i32());
    step(row_grad.view(), indices.view(), lr, t, clip);
  }

  PluginTestHost host;
  sy_param_info info{};
  std::deque<TestState> states;
  Buffer param;
  Buffer grad;

 private:
  void step(const sy_tensor& g, const sy_tensor& rows, double lr, int64_t t, double clip) {
    Buffer mult = Buffer::of({1}, {static_cast<float>(clip)});
    std::vector<sy_tensor> views;
    for (TestState& s : states) {
      views.push_back(s.value.view());
    }
    sy_opt_item item{};
    item.struct_size = sizeof(item);
    item.n_state = static_cast<uint32_t>(views.size());
    item.info = &info;
    item.param = param.view();
    item.grad = g;
    item.rows = rows;
    item.state = views.data();
    item.lr = lr;
    const sy_opt_item* items[] = {&item};
    sy_opt_step step{};
    step.struct_size = sizeof(step);
    step.n_items = 1;
    step.items = items;
    step.step = t;
    step.grad_mult = mult.view();
    host.optimizer_step(step);
  }
};

/// One matrix p x q after the equations, in double precision.
struct PlainMatrix {
  PlainMatrix(size_t height, size_t width) : p(height), q(width), row(p), column(q) {}

  /// V_ij, corrected for its bias.
  [[nodiscard]] double variance(size_t i, size_t j, int64_t t) const {
    double mean = 0.0;
    for (const double r : row) {
      mean += r / static_cast<double>(p);
    }
    return row[i] * column[j] / mean / (1.0 - std::pow(beta2, static_cast<double>(t)));
  }

  void step(Numbers& weights, const Numbers& g, double lr, int64_t t) {
    for (double& r : row) {
      r *= beta2;
    }
    for (double& c : column) {
      c *= beta2;
    }
    for (size_t i = 0; i < p; ++i) {
      for (size_t j = 0; j < q; ++j) {
        const double square = (1.0 - beta2) * g[i * q + j] * g[i * q + j];
        row[i] += square / static_cast<double>(q);
        column[j] += square / static_cast<double>(p);
      }
    }
    for (size_t i = 0; i < p; ++i) {
      for (size_t j = 0; j < q; ++j) {
        const double scale = g[i * q + j] == 0.0 ? 0.0 : std::sqrt(variance(i, j, t)) + eps;
        weights[i * q + j] -= scale == 0.0 ? 0.0 : lr * g[i * q + j] / scale;
      }
    }
  }

  size_t p, q;
  Numbers row, column;
  double beta2 = 0.999;
  double eps = 1e-8;
};

const Settings kNoEpsilon = {{"eps", 1e-30}};

TEST(FactoredAdam, KeepsRowsAndColumnsOfMatricesAndAllOfVectors) {
  const auto shapes = [](const Shape& shape, int32_t expert_dim) {
    const FactoredRun run(shape, expert_dim);
    std::vector<std::pair<std::string, Shape>> found;
    for (const TestState& s : run.states) {
      found.emplace_back(s.name, s.value.shape());
    }
    return found;
  };
  using Found = std::vector<std::pair<std::string, Shape>>;
  EXPECT_EQ(shapes({4, 3, 5}, 0), (Found{{"v_row", {4, 3}}, {"v_column", {4, 5}}}));
  EXPECT_EQ(shapes({3, 5}, -1), (Found{{"v_row", {3}}, {"v_column", {5}}}));
  EXPECT_EQ(shapes({4, 5}, 0), (Found{{"v", {4, 5}}})) << "one vector for each expert";
  EXPECT_EQ(shapes({5}, -1), (Found{{"v", {5}}}));
  EXPECT_EQ(shapes({7, 1}, -1), (Found{{"v", {7, 1}}})) << "a column has nothing to factor";
}

// g^2 = [[1, 4], [4, 16]] has rank 1: R = C = [2.5, 10], V is exact, so every weight moves by lr.
TEST(FactoredAdam, IsExactForAGradientOfRankOne) {
  FactoredRun run({2, 2}, -1, kNoEpsilon);
  run.step({1, -2, 2, 4}, 0.25, 1);
  for (size_t s = 0; s < 2; ++s) {
    EXPECT_NEAR(run.states[s].value.f32()[0] / 0.001, 2.5, 1e-5);
    EXPECT_NEAR(run.states[s].value.f32()[1] / 0.001, 10.0, 4e-5);
  }
  const Numbers moved = {-0.25, 0.25, -0.25, -0.25};
  EXPECT_LE(max_difference(run.param.values(), moved), 1e-6);
}

TEST(FactoredAdam, GivesTheWorkedExampleOverTwoSteps) {
  FactoredRun run({2, 2}, -1, kNoEpsilon);
  run.step({1, 2, 3, 4}, 1.0, 1);
  const Numbers first = run.param.values();
  EXPECT_LE(max_difference(first, {-.774596669, -1.095445115, -1.039230485, -.979795897}), 1e-6);
  run.param.zero();
  run.step({2, -1, .5, 1}, 1.0, 2);
  EXPECT_LE(
      max_difference(run.param.values(), {-1.426475188, .574083912, -.220159729, -.354412497}),
      1e-6);
  // V = [[1.965764771, 3.034235229], [5.157797010, 7.961262520]] has row means R.
  const double correction = 1.0 - 0.999 * 0.999;
  EXPECT_NEAR(run.states[0].value.f32()[0] / correction, (1.965764771 + 3.034235229) / 2, 1e-5);
  EXPECT_NEAR(run.states[0].value.f32()[1] / correction, (5.157797010 + 7.961262520) / 2, 1e-5);
  EXPECT_NEAR(run.states[1].value.f32()[0] / correction, (1.965764771 + 5.157797010) / 2, 1e-5);
}

TEST(FactoredAdam, AgreesWithAPlainLoopOverFiftySteps) {
  constexpr size_t kExperts = 3;
  constexpr size_t kP = 5;
  constexpr size_t kQ = 7;
  constexpr double kClip = 0.5;
  FactoredRun run({kExperts, kP, kQ}, 0);
  std::vector<PlainMatrix> plain(kExperts, PlainMatrix(kP, kQ));
  std::vector<Numbers> weights(kExperts, Numbers(kP * kQ));
  SineFill fill;
  for (int64_t t = 1; t <= 50; ++t) {
    Numbers g = fill.next(kExperts * kP * kQ, 1.0);
    for (size_t e = 0; e < kExperts; ++e) {
      const bool idle = (static_cast<size_t>(t) + e) % 3 == 0;  // an expert without rows
      const auto begin = g.begin() + static_cast<int64_t>(e * kP * kQ);
      std::transform(begin, begin + kP * kQ, begin, [&](double v) { return idle ? 0.0 : v; });
      Numbers its(begin, begin + kP * kQ);
      for (double& v : its) {
        v *= kClip;
      }
      plain[e].step(weights[e], its, 0.01, t);
    }
    run.step(g, 0.01, t, kClip);
  }
  Numbers want;
  for (const Numbers& w : weights) {
    want.insert(want.end(), w.begin(), w.end());
  }
  EXPECT_GT(square_norm(want), 0.01);
  EXPECT_LE(max_difference(run.param.values(), want), 5e-6);
}

TEST(FactoredAdam, EachExpertStandsAlone) {
  SineFill fill;
  const Numbers g = fill.next(3 * 2 * 4, 1.0);
  FactoredRun all({3, 2, 4}, 0);
  all.step(g, 0.1, 1);
  for (int64_t e = 0; e < 3; ++e) {
    FactoredRun one({1, 2, 4}, 0);
    one.step({g.begin() + e * 8, g.begin() + (e + 1) * 8}, 0.1, 1);
    EXPECT_EQ(std::memcmp(all.param.f32() + e * 8, one.param.f32(), 8 * sizeof(float)), 0) << e;
  }
}

// The exact rule: with g = 0 the update is 0 and the means decay.
TEST(FactoredAdam, LeavesExpertsWithoutAGradientAlone) {
  FactoredRun run({2, 2, 2}, 0);
  run.step({1, 2, 3, 4, 5, 6, 7, 8}, 0.1, 1);
  // A signalling NaN turns quiet in any arithmetic, so it shows whether a weight was touched.
  const uint32_t odd[] = {0x7f800001u, 0x80000000u, 0x00000001u, 0xff800001u};
  std::memcpy(run.param.f32() + 4, odd, sizeof(odd));
  const Numbers rows = run.states[0].value.values();
  const Numbers columns = run.states[1].value.values();
  const float before = run.param.f32()[0];
  run.step({1, 1, 1, 1, 0, 0, 0, 0}, 0.1, 2);
  EXPECT_EQ(std::memcmp(run.param.f32() + 4, odd, sizeof(odd)), 0);
  EXPECT_NE(run.param.f32()[0], before);
  for (size_t i = 2; i < 4; ++i) {
    EXPECT_NEAR(run.states[0].value.f32()[i], 0.999 * rows[i], 1e-8);
    EXPECT_NEAR(run.states[1].value.f32()[i], 0.999 * columns[i], 1e-8);
  }
}

TEST(FactoredAdam, StartsAnExpertLateWithoutADivisionByZero) {
  FactoredRun run({2, 2, 2}, 0);
  run.step({1, 2, 3, 4, 0, 0, 0, 0}, 0.1, 1);
  run.step({0, 0, 0, 0, 0, 2, 0, 0}, 0.1, 2);  // a row and a column never had a gradient
  EXPECT_TRUE(std::isfinite(square_norm(run.param.values())));
  EXPECT_EQ(run.param.f32()[4], 0.0f);
  EXPECT_LT(run.param.f32()[5], 0.0f);
}

TEST(FactoredAdam, DecaysAllWeightsIfToldTo) {
  FactoredRun run({2, 2, 2}, 0, {{"weight_decay", 0.5}});
  std::fill_n(run.param.f32(), 8, 2.0f);
  run.step({1, 1, 1, 1, 0, 0, 0, 0}, 0.1, 1);
  EXPECT_NEAR(run.param.f32()[0], 2.0 * (1.0 - 0.1 * 0.5) - 0.1, 1e-6);
  EXPECT_NEAR(run.param.f32()[4], 2.0 * (1.0 - 0.1 * 0.5), 1e-6) << "no gradient, but decay";
  run.info.flags = SY_PF_NO_DECAY;
  const Numbers before = run.param.values();
  run.step({0, 0, 0, 0, 0, 0, 0, 0}, 0.1, 2);
  EXPECT_EQ(run.param.values(), before);
}

TEST(FactoredAdam, StepsVectorsByTheirOwnMeanSquares) {
  FactoredRun run({3}, -1);
  Numbers w(3);
  Numbers v(3);
  SineFill fill;
  for (int64_t t = 1; t <= 50; ++t) {
    const Numbers g = fill.next(3, 1.0);
    run.step(g, 0.01, t, 0.5);
    for (size_t i = 0; i < 3; ++i) {
      v[i] = 0.999 * v[i] + 0.001 * 0.25 * g[i] * g[i];
      const double v_hat = v[i] / (1.0 - std::pow(0.999, static_cast<double>(t)));
      w[i] -= 0.01 * 0.5 * g[i] / (std::sqrt(v_hat) + 1e-8);
    }
  }
  EXPECT_LE(max_difference(run.param.values(), w), 5e-6);
}

// A gradient by row is a whole one with zeros in the other rows.
TEST(FactoredAdam, TakesAGradientByRowForAWholeOne) {
  for (const Settings& settings : {Settings{}, {{"weight_decay", 0.5}}}) {
    for (const Shape& shape : {Shape{6, 3}, {6}}) {
      FactoredRun whole(shape, -1, settings);
      FactoredRun by_row(shape, -1, settings);
      const int64_t width = shape.size() == 2 ? shape[1] : 1;
      SineFill fill;
      const std::vector<std::vector<int32_t>> touched = {{1, 4}, {0, 1, 5}, {}, {4}, {0, 2, 3, 5}};
      for (size_t i = 0; i < touched.size(); ++i) {
        const auto n = static_cast<int64_t>(touched[i].size());
        const Numbers g = fill.next(n * width, 1.0);
        Numbers all(static_cast<size_t>(6 * width));
        for (size_t j = 0; j < touched[i].size(); ++j) {
          std::copy_n(g.begin() + static_cast<int64_t>(j) * width, width,
                      all.begin() + touched[i][j] * width);
        }
        const auto t = static_cast<int64_t>(i) + 1;
        whole.step(all, 0.1, t, 0.5);
        by_row.step_rows(touched[i], g, 0.1, t, 0.5);
      }
      EXPECT_LE(max_difference(by_row.param.values(), whole.param.values()), 1e-6);
      for (size_t s = 0; s < whole.states.size(); ++s) {
        EXPECT_LE(max_difference(by_row.states[s].value.values(), whole.states[s].value.values()),
                  1e-8);
      }
    }
  }
}

TEST(FactoredAdam, LeavesRowsWithoutAGradientAlone) {
  FactoredRun run({3, 2}, -1);
  const uint32_t odd[] = {0x7f800001u, 0x80000000u};  // a signalling NaN, a negative zero
  std::memcpy(run.param.f32() + 2, odd, sizeof(odd));
  run.step_rows({0, 2}, {1, 2, 3, 4}, 0.1, 1);
  EXPECT_EQ(std::memcmp(run.param.f32() + 2, odd, sizeof(odd)), 0);
  EXPECT_LT(run.param.f32()[0], 0.0f);
  EXPECT_LT(run.param.f32()[5], 0.0f);
}

TEST(FactoredAdam, RefusesStepZero) {
  FactoredRun run({2, 2}, -1);
  EXPECT_THROW(run.step({1, 2, 3, 4}, 0.1, 0), sy::Error);
}

}  // namespace
}  // namespace switchyard::test
