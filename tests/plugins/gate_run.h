#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/plugin_test_host.h"

namespace switchyard::test {

/// A gate plugin with one batch of T rows and the host's side of its calls.
class GateRun {
 public:
  GateRun(const std::string& plugin, int64_t tokens, int64_t d, int32_t experts)
      : host(plugin),
        tokens_(tokens),
        experts_(experts),
        layer_(PluginTestHost::layer(d, d, experts)),
        x(sy::kF32, {tokens, d}),
        mask(sy::kU8, {tokens}),
        importance(sy::kF32, {experts}),
        load(sy::kF32, {experts}),
        aux_loss(Buffer::of({1}, {0.0f})),
        daux(Buffer::of({1}, {1.0f})),
        dx(sy::kF32, {tokens, d}),
        dimportance(sy::kF32, {experts}),
        dload(sy::kF32, {experts}) {}

  /// Before create(): the host asks for balance, through dimportance and dload.
  void balance_by_host() {
    layer_.balance = SY_BALANCE_HOST;
    asks = true;
  }

  void create(const TestConfig& config) {
    host.create(layer_, config);
    const sy_gate_info info = host.gate_info();
    by_experts_ = info.layout == SY_EXPERT_CHOICE;
    k_ = info.k_max;
    k_mean_ = info.k_mean;
  }

  /// Makes room for the choice, as a host does, and lets the gate choose.
  void forward() {
    const int64_t rows = by_experts_ ? experts_ : tokens_;
    const int64_t columns = by_experts_ ? capacity() : k_;
    ids = Buffer(sy::kI32, {rows, columns});
    weights = Buffer(sy::kF32, {rows, columns});
    dweights = Buffer(sy::kF32, {rows, columns});
    for (Buffer* b : {&ids, &weights, &importance, &load, &aux_loss}) {
      b->zero();
    }
    host.gate_forward(in(), out());
  }

  /// Hands dweights[t, j] = e[t, ids[t, j]] to the gate; e [T, E] is <dy, E_i(x)> of the paper. An
  /// empty e gives zeros. Adds to the gradients.
  void backward(const std::vector<double>& e, double aux_scale = 1.0) {
    dweights.zero();
    for (int64_t i = 0; i < ids.size() && !e.empty(); ++i) {
      if (ids.i32()[i] >= 0) {
        dweights.f32()[i] = static_cast<float>(e[pair(i)]);
      }
    }
    daux.f32()[0] = static_cast<float>(aux_scale);
    sy_gate_grad grad{};
    grad.struct_size = sizeof(grad);
    grad.dweights = dweights.view();
    grad.daux = daux.view();
    grad.dx = dx.view();
    if (asks) {
      grad.dimportance = dimportance.view();
      grad.dload = dload.view();
    }
    host.gate_backward(in(), out(), grad);
  }

  void zero_grads() {
    host.zero_grads();
    dx.zero();
  }

  /// G [T, E]: the weights where they belong.
  [[nodiscard]] std::vector<double> dense_weights() {
    std::vector<double> g(static_cast<size_t>(tokens_ * experts_));
    for (int64_t i = 0; i < ids.size(); ++i) {
      if (ids.i32()[i] >= 0) {
        g[pair(i)] = weights.f32()[i];
      }
    }
    return g;
  }

  [[nodiscard]] std::vector<double> grad(const std::string& name) {
    return host.parameter(name).grad.values();
  }

  void set(const std::string& name, const std::vector<double>& values) {
    store(values, host.parameter(name).value);
  }

  void set_x(const std::vector<double>& values) { store(values, x); }

  PluginTestHost host;

 private:
  static void store(const std::vector<double>& values, Buffer& to) {
    sy::require(static_cast<int64_t>(values.size()) == to.size(), "the tensor has ", to.size(),
                " elements, got ", values.size());
    std::copy(values.begin(), values.end(), to.f32());
  }

  /// Columns of ids where experts choose, as component/gate.h says.
  [[nodiscard]] int64_t capacity() const {
    if (tokens_ == 0 || (host.flags & SY_F_TRAINING) == 0) {
      return tokens_;
    }
    const auto share = static_cast<int64_t>(k_mean_ * static_cast<double>(tokens_) / experts_);
    return std::max<int64_t>(1, share);
  }

  /// Where entry i of ids belongs in a matrix [T, E].
  [[nodiscard]] size_t pair(int64_t i) {
    const int64_t row = i / ids.shape()[1];
    const int64_t other = ids.i32()[i];
    return static_cast<size_t>(by_experts_ ? other * experts_ + row : row * experts_ + other);
  }

  sy_gate_in in() {
    sy_gate_in in{};
    in.struct_size = sizeof(in);
    in.n_experts = experts_;
    in.x = x.view();
    in.capacity = by_experts_ ? ids.shape()[1] : 0;
    if (has_mask) {
      in.mask = mask.view();
    }
    return in;
  }
  sy_gate_out out() {
    sy_gate_out out{};
    out.struct_size = sizeof(out);
    out.ids = ids.view();
    out.weights = weights.view();
    out.importance = importance.view();
    out.load = load.view();
    out.aux_loss = aux_loss.view();
    return out;
  }

  int64_t tokens_;
  int32_t experts_;
  int64_t k_ = 0;
  double k_mean_ = 0.0;
  bool by_experts_ = false;
  sy_layer_info layer_;

 public:
  bool has_mask = false;
  bool asks = false;  // passes dimportance and dload to backward()
  Buffer x, mask, ids, weights, importance, load, aux_loss, dweights, daux, dx, dimportance, dload;
};

/// A gate for which k = 5 of 4 experts is one too many.
inline void expect_to_refuse_five_of_four(const std::string& plugin) {
  GateRun run(plugin, 2, 2, 4);
  try {
    run.create(run.host.config().set("k", 5));
    FAIL() << "k = 5 of 4 experts was accepted";
  } catch (const sy::Error& error) {
    EXPECT_EQ(error.code(), SY_E_INVALID);
    EXPECT_NE(std::string(error.what()).find("k = 5 for 4 experts"), std::string::npos)
        << error.what();
  }
}

/// Lets each service call of a training step fail in turn, until a step needs no more calls; each
/// failure must come out as it went in. Two tokens, two features, four experts.
///
///   create  makes the gate of a GateRun
///   least   so many calls there are for certain
template <typename Create>
void expect_to_pass_on_any_failure(const std::string& plugin, const Create& create, int64_t least) {
  constexpr int64_t kMost = 500;
  for (int64_t n = 0; n < kMost; ++n) {
    GateRun run(plugin, 2, 2, 4);
    create(run);
    run.host.fail_after = n;
    try {
      run.forward();
      run.backward({});
      run.host.gate_step_end();
      EXPECT_GT(n, least);
      return;
    } catch (const sy::Error& error) {
      ASSERT_EQ(error.code(), SY_E_NOMEM) << error.what();
      ASSERT_STREQ(error.what(), "injected");
    }
  }
  FAIL() << "the gate never came to an end";
}

/// Numbers of the paper's fill rule: a counter runs over all tensors, entry = scale sin(counter).
class SineFill {
 public:
  std::vector<double> next(int64_t size, double scale) {
    std::vector<double> v(static_cast<size_t>(size));
    for (double& entry : v) {
      entry = scale * std::sin(++counter_);
    }
    return v;
  }

 private:
  int counter_ = 0;
};

/// weight dCV^2(v)/dv, as a host asks for it.
inline void ask_for_balance(double weight, Buffer& v, Buffer& gradient) {
  const std::vector<double> values = v.values();
  const auto n = static_cast<double>(values.size());
  double mean = 0.0;
  double variance = 0.0;
  for (const double x : values) {
    mean += x / n;
  }
  for (const double x : values) {
    variance += (x - mean) * (x - mean) / n;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    gradient.f32()[i] =
        static_cast<float>(weight * 2.0 / (n * mean * mean) * (values[i] - mean - variance / mean));
  }
}

[[nodiscard]] inline double max_difference(const std::vector<double>& a,
                                           const std::vector<double>& b) {
  double worst = a.size() == b.size() ? 0.0 : HUGE_VAL;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const double d = std::fabs(a[i] - b[i]);
    worst = d <= worst ? worst : d;  // keeps a NaN
  }
  return worst;
}

[[nodiscard]] inline double square_norm(const std::vector<double>& v) {
  double sum = 0.0;
  for (const double x : v) {
    sum += x * x;
  }
  return sum;
}

}  // namespace switchyard::test
