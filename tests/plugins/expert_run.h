#pragma once

#include <functional>
#include <map>
#include <numbers>
#include <string>
#include <vector>

#include "tests/plugins/gate_run.h"

namespace switchyard::test {

/// An expert plugin with one batch, and beside it a loop over rows in double precision.
class ExpertRun {
 public:
  using Numbers = std::vector<double>;
  using Values = std::map<std::string, Numbers>;  // parameters by name; "x" is the input
  /// y of one row for one expert.
  using Reference = std::function<Numbers(const Values&, size_t expert, const Numbers& x)>;

  static constexpr int64_t kIn = 3;
  static constexpr int64_t kOut = 4;

  ExpertRun(const std::string& plugin, const std::function<void(TestConfig&)>& configure,
            Reference reference, const std::vector<int32_t>& offsets, int64_t spare_rows = 0)
      : host(plugin),
        reference_(std::move(reference)),
        rows_(offsets.back() + spare_rows),
        x(sy::kF32, {rows_, kIn}),
        y(sy::kF32, {rows_, kOut}),
        dy(sy::kF32, {rows_, kOut}),
        dx(sy::kF32, {rows_, kIn}),
        offsets_(sy::kI32, {static_cast<int64_t>(offsets.size())}) {
    std::copy(offsets.begin(), offsets.end(), offsets_.i32());
    TestConfig config = host.config();
    configure(config);
    host.create(PluginTestHost::layer(kIn, kOut, static_cast<int32_t>(offsets.size()) - 1), config);
    SineFill fill;
    for (TestParameter& p : host.parameters()) {
      store(fill.next(p.value.size(), 0.7), p.value);
    }
    for (Buffer* b : {&x, &dy}) {
      store(fill.next(b->size(), 1.0), *b);
    }
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

  [[nodiscard]] Values values() {
    Values all{{"x", x.values()}};
    for (TestParameter& p : host.parameters()) {
      all[p.name] = p.value.values();
    }
    return all;
  }

  /// y [rows, kOut], with rows past the last offset zero.
  [[nodiscard]] Numbers reference(const Values& v) {
    Numbers out(static_cast<size_t>(rows_ * kOut));
    for (int64_t e = 0; e + 1 < offsets_.size(); ++e) {
      for (int32_t r = offsets_.i32()[e]; r < offsets_.i32()[e + 1]; ++r) {
        const auto begin = v.at("x").begin() + r * kIn;
        const Numbers row = reference_(v, static_cast<size_t>(e), {begin, begin + kIn});
        std::copy(row.begin(), row.end(), out.begin() + r * kOut);
      }
    }
    return out;
  }

  /// sum of y dy, whose gradient backward() computes.
  [[nodiscard]] double loss(const Values& v) {
    const Numbers out = reference(v);
    double sum = 0.0;
    for (size_t i = 0; i < out.size(); ++i) {
      sum += out[i] * dy.f32()[i];
    }
    return sum;
  }

  /// All that backward() wrote, one after another.
  [[nodiscard]] Numbers gradients() {
    Numbers all = dx.values();
    for (TestParameter& p : host.parameters()) {
      const Numbers grad = p.grad.values();
      all.insert(all.end(), grad.begin(), grad.end());
    }
    return all;
  }

  /// Puts NaN into the rows of x and dy that belong to no expert.
  void spoil_spare_rows() {
    const int64_t used = offsets_.i32()[offsets_.size() - 1];
    std::fill(x.f32() + used * kIn, x.f32() + x.size(), std::nanf(""));
    std::fill(dy.f32() + used * kOut, dy.f32() + dy.size(), std::nanf(""));
  }

  PluginTestHost host;

 private:
  static void store(const Numbers& values, Buffer& to) {
    std::copy(values.begin(), values.end(), to.f32());
  }

  sy_expert_io make_io() {
    sy_expert_io io{};
    io.struct_size = sizeof(io);
    io.x = x.view();
    io.offsets = offsets_.view();
    return io;
  }

  Reference reference_;
  int64_t rows_;

 public:
  Buffer x, y, dy, dx;

 private:
  Buffer offsets_;
};

/// An activation by its name in the schemas.
[[nodiscard]] inline double activate(const std::string& name, double v) {
  if (name == "relu") {
    return std::max(v, 0.0);
  }
  if (name == "gelu") {
    return v * 0.5 * std::erfc(-v / std::numbers::sqrt2);
  }
  if (name == "silu") {
    return v / (1.0 + std::exp(-v));
  }
  if (name == "sigmoid") {
    return 1.0 / (1.0 + std::exp(-v));
  }
  return name == "tanh" ? std::tanh(v) : v;
}

/// x W for the matrix [in, out] of one expert in a stack.
[[nodiscard]] inline std::vector<double> times_matrix(const std::vector<double>& x,
                                                      const std::vector<double>& stack,
                                                      size_t expert, size_t out) {
  std::vector<double> y(out);
  for (size_t i = 0; i < x.size(); ++i) {
    for (size_t j = 0; j < out; ++j) {
      y[j] += x[i] * stack[(expert * x.size() + i) * out + j];
    }
  }
  return y;
}

}  // namespace switchyard::test
