#include <numbers>
#include <optional>

#include <gtest/gtest.h>

#include "tests/plugins/gate_run.h"
#include "tests/plugins/noisy_topk_reference.h"

namespace switchyard::test {
namespace {

using Numbers = std::vector<double>;

struct Shape {
  std::vector<double> hidden;
  std::string activation = "relu";
  bool has_bias = false;
};

/// Experts of some shape with one batch: a loop over rows in double precision is the reference.
class ExpertRun {
 public:
  ExpertRun(const Shape& shape, std::vector<int32_t> offsets, bool recompute = false,
            int64_t spare_rows = 0)
      : host("expert_ffn"),
        shape_(shape),
        rows_(offsets.back() + spare_rows),
        x(sy::kF32, {rows_, kIn}),
        y(sy::kF32, {rows_, kOut}),
        dy(sy::kF32, {rows_, kOut}),
        dx(sy::kF32, {rows_, kIn}),
        offsets_(sy::kI32, {static_cast<int64_t>(offsets.size())}) {
    std::copy(offsets.begin(), offsets.end(), offsets_.i32());
    const auto experts = static_cast<int32_t>(offsets.size()) - 1;
    host.create(PluginTestHost::layer(kIn, kOut, experts),
                host.config()
                    .set_list("hidden", shape.hidden)
                    .set_text("activation", shape.activation)
                    .set("bias", shape.has_bias)
                    .set("recompute", recompute));
    SineFill fill;
    for (TestParameter& p : host.parameters()) {
      const Numbers v = fill.next(p.value.size(), 0.7);
      std::copy(v.begin(), v.end(), p.value.f32());
    }
    for (Buffer* b : {&x, &dy}) {
      const Numbers v = fill.next(b->size(), 1.0);
      std::copy(v.begin(), v.end(), b->f32());
    }
    widths_.push_back(kIn);
    widths_.insert(widths_.end(), shape.hidden.begin(), shape.hidden.end());
    widths_.push_back(kOut);
  }

  void forward() {
    sy_expert_io io = make_io();
    io.y = y.view();
    host.expert_forward(io);
  }
  void backward() {
    sy_expert_io io = make_io();
    io.dy = dy.view();
    io.dx = dx.view();
    host.expert_backward(io);
  }

  /// The parameters and the input in double precision, by name; "x" is the input.
  [[nodiscard]] std::map<std::string, Numbers> values() {
    std::map<std::string, Numbers> all{{"x", x.values()}};
    for (TestParameter& p : host.parameters()) {
      all[p.name] = p.value.values();
    }
    return all;
  }

  /// y [rows, kOut], with rows past the last offset zero.
  [[nodiscard]] Numbers reference(const std::map<std::string, Numbers>& v) {
    Numbers out(static_cast<size_t>(rows_ * kOut));
    for (int64_t e = 0; e + 1 < offsets_.size(); ++e) {
      for (int32_t r = offsets_.i32()[e]; r < offsets_.i32()[e + 1]; ++r) {
        const auto begin = v.at("x").begin() + r * kIn;
        const Numbers row = reference_row(v, e, {begin, begin + kIn});
        std::copy(row.begin(), row.end(), out.begin() + r * kOut);
      }
    }
    return out;
  }

  /// sum of y dy, whose gradient backward() computes.
  [[nodiscard]] double loss(const std::map<std::string, Numbers>& v) {
    const Numbers out = reference(v);
    double sum = 0.0;
    for (size_t i = 0; i < out.size(); ++i) {
      sum += out[i] * dy.f32()[i];
    }
    return sum;
  }

  static constexpr int64_t kIn = 3;
  static constexpr int64_t kOut = 4;
  PluginTestHost host;

 private:
  sy_expert_io make_io() {
    sy_expert_io io{};
    io.struct_size = sizeof(io);
    io.x = x.view();
    io.offsets = offsets_.view();
    return io;
  }

  [[nodiscard]] double activate(double v) const {
    if (shape_.activation == "relu") {
      return std::max(v, 0.0);
    }
    if (shape_.activation == "gelu") {
      return v * 0.5 * std::erfc(-v / std::numbers::sqrt2);
    }
    return shape_.activation == "silu" ? v / (1.0 + std::exp(-v)) : std::tanh(v);
  }

  [[nodiscard]] Numbers reference_row(const std::map<std::string, Numbers>& v, int64_t expert,
                                      Numbers row) const {
    const auto e = static_cast<size_t>(expert);
    for (size_t l = 0; l + 1 < widths_.size(); ++l) {
      const char digit = static_cast<char>('0' + l);
      const Numbers& w = v.at(std::string{'w', digit});
      const auto in = static_cast<size_t>(widths_[l]);
      const auto out = static_cast<size_t>(widths_[l + 1]);
      Numbers next(out);
      for (size_t j = 0; j < out; ++j) {
        next[j] = shape_.has_bias ? v.at(std::string{'b', digit})[e * out + j] : 0.0;
        for (size_t i = 0; i < in; ++i) {
          next[j] += row[i] * w[(e * in + i) * out + j];
        }
        next[j] = l + 2 < widths_.size() ? activate(next[j]) : next[j];
      }
      row = next;
    }
    return row;
  }

  Shape shape_;
  int64_t rows_;
  std::vector<double> widths_;

 public:
  Buffer x, y, dy, dx;

 private:
  Buffer offsets_;
};

void compare_with_reference(const Shape& shape) {
  SCOPED_TRACE(shape.activation + " " + std::to_string(shape.hidden.size()));
  ExpertRun run(shape, {0, 2, 2, 5});  // the middle expert has no row
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
    std::optional<Numbers> dx;
    std::optional<Numbers> dw;
    for (const Case c : {Case{false, SY_SAVE_ALL}, {true, SY_SAVE_ALL}, {false, SY_SAVE_NONE}}) {
      ExpertRun run({{5, 6}, activation, true}, {0, 3, 4}, c.recompute);
      run.host.save_policy = c.save_policy;
      run.forward();
      EXPECT_EQ(run.host.kept_something(), !c.recompute && c.save_policy == SY_SAVE_ALL);
      run.backward();
      const Numbers got_dw = run.host.parameter("w1").grad.values();
      EXPECT_GT(square_norm(got_dw), 0.0);
      EXPECT_EQ(run.dx.values(), dx.value_or(run.dx.values()));
      EXPECT_EQ(got_dw, dw.value_or(got_dw));
      dx = run.dx.values();
      dw = got_dw;
    }
  }
}

TEST(ExpertFfn, IgnoresGarbagePastTheLastOffset) {
  ExpertRun run({{5}, "relu", true}, {0, 1, 3}, false, 2);
  for (int64_t i = 3 * ExpertRun::kIn; i < run.x.size(); ++i) {
    run.x.f32()[i] = std::numeric_limits<float>::quiet_NaN();
  }
  for (int64_t i = 3 * ExpertRun::kOut; i < run.dy.size(); ++i) {
    run.dy.f32()[i] = std::numeric_limits<float>::quiet_NaN();
  }
  run.forward();
  run.backward();
  for (TestParameter& p : run.host.parameters()) {
    EXPECT_TRUE(std::isfinite(square_norm(p.grad.values()))) << p.name;
  }
  EXPECT_EQ(run.y.f32()[3 * ExpertRun::kOut], 0.0f) << "rows past the last offset are not written";
}

TEST(ExpertFfn, AcceptsAnEmptyBatch) {
  ExpertRun run({{5}}, {0, 0, 0});
  run.forward();
  run.backward();
  EXPECT_EQ(square_norm(run.host.parameter("w0").grad.values()), 0.0);
}

TEST(ExpertFfn, KeepsNothingInEvaluation) {
  ExpertRun run({{5}}, {0, 2, 3});
  run.host.flags = 0;
  run.forward();
  EXPECT_FALSE(run.host.kept_something());
}

TEST(ExpertFfn, AddsToGradients) {
  ExpertRun run({{5}}, {0, 2, 3});
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
}

TEST(ExpertFfn, RefusesTooManyHiddenLayers) {
  PluginTestHost host("expert_ffn");
  EXPECT_THROW(host.create(PluginTestHost::layer(2, 2, 1),
                           host.config().set_list("hidden", std::vector<double>(17, 2.0))),
               sy::Error);
}

}  // namespace
}  // namespace switchyard::test
