#include <optional>

#include <gtest/gtest.h>

#include "tests/plugins/expert_run.h"
#include "tests/plugins/noisy_topk_reference.h"

namespace switchyard::test {
namespace {

using Numbers = std::vector<double>;

struct Shape {
  std::vector<double> hidden;
  std::string activation = "relu";
  bool has_bias = false;
};

void configure(TestConfig& config, const Shape& shape, bool recompute) {
  config.set_list("hidden", shape.hidden)
      .set_text("activation", shape.activation)
      .set("bias", shape.has_bias)
      .set("recompute", recompute);
}

Numbers reference_row(const Shape& shape, const ExpertRun::Values& v, size_t expert, Numbers row) {
  for (size_t l = 0; l <= shape.hidden.size(); ++l) {
    const bool is_last = l == shape.hidden.size();
    const char digit = static_cast<char>('0' + l);
    const auto out = is_last ? size_t{ExpertRun::kOut} : static_cast<size_t>(shape.hidden[l]);
    row = times_matrix(row, v.at(std::string{'w', digit}), expert, out);
    for (size_t j = 0; j < out; ++j) {
      row[j] += shape.has_bias ? v.at(std::string{'b', digit})[expert * out + j] : 0.0;
      row[j] = is_last ? row[j] : activate(shape.activation, row[j]);
    }
  }
  return row;
}

class FfnRun : public ExpertRun {
 public:
  FfnRun(const Shape& shape, const std::vector<int32_t>& offsets, bool recompute = false,
         int64_t spare_rows = 0)
      : ExpertRun(
            "expert_ffn", [&](TestConfig& config) { configure(config, shape, recompute); },
            [shape](const Values& v, size_t expert, const Numbers& row) {
              return reference_row(shape, v, expert, row);
            },
            offsets, spare_rows) {}
};

void compare_with_reference(const Shape& shape) {
  SCOPED_TRACE(shape.activation + " " + std::to_string(shape.hidden.size()));
  FfnRun run(shape, {0, 2, 2, 5});  // the middle expert has no row
  run.forward();
  run.backward();
  auto values = run.values();
  EXPECT_LE(max_difference(run.y.values(), run.reference(values)), 3e-6);
  const auto numeric = [&](const std::string& name) {
    return finite_differences(values.at(name), [&] { return run.loss(values); });
  };
  EXPECT_LE(max_difference(run.dx.values(), numeric("x")), 1e-5);
  for (TestParameter& p : run.host.parameters()) {
    EXPECT_LE(max_difference(p.grad.values(), numeric(p.name)), 1e-5) << p.name;
  }
}

TEST(ExpertFfn, AgreesWithAPlainLoopForEveryShape) {
  compare_with_reference({{}});
  compare_with_reference({{}, "relu", true});
  for (const char* activation : {"relu", "gelu", "silu", "tanh"}) {
    compare_with_reference({{6}, activation});
    compare_with_reference({{5, 6}, activation, true});
  }
}

TEST(ExpertFfn, RecomputesToTheSameBits) {
  struct Case {
    bool recompute;
    uint32_t save_policy;
  };
  for (const char* activation : {"relu", "gelu"}) {
    std::optional<Numbers> first;
    for (const Case c : {Case{false, SY_SAVE_ALL}, {true, SY_SAVE_ALL}, {false, SY_SAVE_NONE}}) {
      FfnRun run({{5, 6}, activation, true}, {0, 3, 4}, c.recompute);
      run.host.save_policy = c.save_policy;
      run.forward();
      EXPECT_EQ(run.host.kept_something(), !c.recompute && c.save_policy == SY_SAVE_ALL);
      run.backward();
      const Numbers got = run.gradients();  // of the input and of every parameter
      EXPECT_GT(square_norm(got), 0.0);
      EXPECT_EQ(got, first.value_or(got));
      first = got;
    }
  }
}

TEST(ExpertFfn, IgnoresGarbagePastTheLastOffset) {
  FfnRun run({{5}, "relu", true}, {0, 1, 3}, false, 2);
  run.spoil_spare_rows();
  run.forward();
  run.backward();
  for (TestParameter& p : run.host.parameters()) {
    EXPECT_TRUE(std::isfinite(square_norm(p.grad.values()))) << p.name;
  }
  EXPECT_EQ(run.y.f32()[3 * ExpertRun::kOut], 0.0f) << "rows past the last offset are not written";
}

TEST(ExpertFfn, AcceptsAnEmptyBatch) {
  FfnRun run({{5}}, {0, 0, 0});
  run.forward();
  run.backward();
  EXPECT_EQ(square_norm(run.host.parameter("w0").grad.values()), 0.0);
}

TEST(ExpertFfn, KeepsNothingInEvaluation) {
  FfnRun run({{5}}, {0, 2, 3});
  run.host.flags = 0;
  run.host.save_policy = SY_SAVE_NONE;
  run.forward();
  EXPECT_FALSE(run.host.kept_something());
}

TEST(ExpertFfn, AddsToGradients) {
  FfnRun run({{5}}, {0, 2, 3});
  run.forward();
  run.backward();
  const Numbers once = run.host.parameter("w0").grad.values();
  run.backward();
  Numbers twice = run.host.parameter("w0").grad.values();
  for (double& v : twice) {
    v /= 2.0;
  }
  EXPECT_LE(max_difference(once, twice), 1e-7);
}

TEST(ExpertFfn, StartsWithVarianceOneOverFanIn) {
  PluginTestHost host("expert_ffn");
  host.create(PluginTestHost::layer(48, 16, 4), host.config().set_list("hidden", {64}));
  ASSERT_EQ(host.parameters().size(), 2u);
  EXPECT_EQ(host.parameter("w0").value.shape(), (std::vector<int64_t>{4, 48, 64}));
  EXPECT_EQ(host.parameter("w1").value.shape(), (std::vector<int64_t>{4, 64, 16}));
  for (const auto& [name, fan_in] : {std::pair{"w0", 48.0}, {"w1", 64.0}}) {
    const TestParameter& p = host.parameter(name);
    EXPECT_EQ(p.desc.init, static_cast<uint32_t>(SY_INIT_UNIFORM));
    EXPECT_EQ(p.desc.expert_dim, 0);
    EXPECT_NEAR(p.desc.b, std::sqrt(3.0 / fan_in), 1e-12);
    EXPECT_EQ(p.desc.a, -p.desc.b);
  }
}

TEST(ExpertFfn, CostsWhatThePaperCounts) {
  // relu(x W1) W2 of 512 and 1024: one million multiply-and-adds.
  PluginTestHost host("expert_ffn");
  host.create(PluginTestHost::layer(512, 512, 1), host.config().set_list("hidden", {1024}));
  double madds = 0.0;
  double bytes = 0.0;
  host.expert_cost(&madds, &bytes);
  EXPECT_EQ(madds, 2.0 * 512 * 1024);
  EXPECT_EQ(bytes, 4096.0);
  PluginTestHost frugal("expert_ffn");
  frugal.create(PluginTestHost::layer(512, 512, 1), frugal.config().set("recompute", true));
  frugal.expert_cost(&madds, &bytes);
  EXPECT_EQ(madds, 2.0 * 512 * 1024);
  EXPECT_EQ(bytes, 0.0);
}

TEST(ExpertFfn, RefusesTooManyHiddenLayers) {
  PluginTestHost host("expert_ffn");
  EXPECT_THROW(host.create(PluginTestHost::layer(2, 2, 1),
                           host.config().set_list("hidden", std::vector<double>(17, 2.0))),
               sy::Error);
}

}  // namespace
}  // namespace switchyard::test
