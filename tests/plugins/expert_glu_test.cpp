#include <optional>

#include <gtest/gtest.h>

#include "tests/plugins/expert_run.h"
#include "tests/plugins/noisy_topk_reference.h"

namespace switchyard::test {
namespace {

using Numbers = std::vector<double>;

constexpr size_t kHidden = 5;

/// Experts of 3 inputs, 5 hidden units and 4 outputs.
class GluRun : public ExpertRun {
 public:
  GluRun(const std::string& activation, const std::vector<int32_t>& offsets, bool recompute = false,
         int64_t spare_rows = 0)
      : ExpertRun(
            "expert_glu",
            [&](TestConfig& config) {
              config.set("hidden", kHidden)
                  .set_text("activation", activation)
                  .set("recompute", recompute);
            },
            [activation](const Values& v, size_t expert, const Numbers& row) {
              Numbers hidden = times_matrix(row, v.at("w_up"), expert, kHidden);
              const Numbers gate = times_matrix(row, v.at("w_gate"), expert, kHidden);
              for (size_t j = 0; j < kHidden; ++j) {
                hidden[j] *= activate(activation, gate[j]);
              }
              return times_matrix(hidden, v.at("w_down"), expert, kOut);
            },
            offsets, spare_rows) {}
};

TEST(ExpertGlu, AgreesWithAPlainLoopForEveryActivation) {
  for (const char* activation : {"silu", "gelu", "sigmoid", "relu", "identity"}) {
    SCOPED_TRACE(activation);
    GluRun run(activation, {0, 2, 2, 5});  // the middle expert has no row
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
}

TEST(ExpertGlu, RecomputesToTheSameBits) {
  struct Case {
    bool recompute;
    uint32_t save_policy;
  };
  for (const char* activation : {"silu", "identity"}) {
    std::optional<Numbers> first;
    for (const Case c : {Case{false, SY_SAVE_ALL}, {true, SY_SAVE_ALL}, {false, SY_SAVE_NONE}}) {
      GluRun run(activation, {0, 3, 4}, c.recompute);
      run.host.save_policy = c.save_policy;
      run.forward();
      EXPECT_EQ(run.host.kept_something(), !c.recompute && c.save_policy == SY_SAVE_ALL);
      run.backward();
      const Numbers got = run.gradients();
      EXPECT_GT(square_norm(got), 0.0);
      EXPECT_EQ(got, first.value_or(got));
      first = got;
    }
  }
}

TEST(ExpertGlu, IgnoresGarbagePastTheLastOffset) {
  GluRun run("silu", {0, 1, 3}, false, 2);
  run.spoil_spare_rows();
  run.forward();
  run.backward();
  for (TestParameter& p : run.host.parameters()) {
    EXPECT_TRUE(std::isfinite(square_norm(p.grad.values()))) << p.name;
  }
  EXPECT_EQ(run.y.f32()[3 * ExpertRun::kOut], 0.0f) << "rows past the last offset are not written";
}

TEST(ExpertGlu, AcceptsAnEmptyBatchAndKeepsNothingInEvaluation) {
  GluRun empty("silu", {0, 0, 0});
  empty.forward();
  empty.backward();
  EXPECT_EQ(square_norm(empty.gradients()), 0.0);
  GluRun evaluated("silu", {0, 2, 3});
  evaluated.host.flags = 0;
  evaluated.host.save_policy = SY_SAVE_NONE;
  evaluated.forward();
  EXPECT_FALSE(evaluated.host.kept_something());
}

TEST(ExpertGlu, AddsToGradients) {
  GluRun run("gelu", {0, 2, 3});
  run.forward();
  run.backward();
  const Numbers once = run.host.parameter("w_up").grad.values();
  run.backward();
  Numbers twice = run.host.parameter("w_up").grad.values();
  for (double& v : twice) {
    v /= 2.0;
  }
  EXPECT_LE(max_difference(once, twice), 1e-7);
}

TEST(ExpertGlu, CostsThreeProductsAndKeepsTwoHiddenRows) {
  PluginTestHost host("expert_glu");
  host.create(PluginTestHost::layer(512, 512, 2), host.config().set("hidden", 640));
  double madds = 0.0;
  double bytes = 0.0;
  host.expert_cost(&madds, &bytes);
  EXPECT_EQ(madds, 3.0 * 512 * 640);
  EXPECT_EQ(bytes, 2.0 * 640 * 4);
  ASSERT_EQ(host.parameters().size(), 3u);
  EXPECT_EQ(host.parameter("w_gate").value.shape(), (std::vector<int64_t>{2, 512, 640}));
  EXPECT_EQ(host.parameter("w_down").value.shape(), (std::vector<int64_t>{2, 640, 512}));
  for (const auto& [name, fan_in] : {std::pair{"w_gate", 512.0}, {"w_down", 640.0}}) {
    EXPECT_NEAR(host.parameter(name).desc.b, std::sqrt(3.0 / fan_in), 1e-12);
    EXPECT_EQ(host.parameter(name).desc.expert_dim, 0);
  }
  PluginTestHost frugal("expert_glu");
  frugal.create(PluginTestHost::layer(512, 512, 2), frugal.config().set("recompute", true));
  frugal.expert_cost(&madds, &bytes);
  EXPECT_EQ(bytes, 0.0);
}

}  // namespace
}  // namespace switchyard::test
