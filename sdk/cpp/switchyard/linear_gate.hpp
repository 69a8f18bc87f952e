// SPDX-License-Identifier: Apache-2.0
// Shared by gates that score experts by one matrix, x W_g: the setting k and its check, the matrix
// and its gradients, and the gradient that chosen weights get. Each of them adds how it chooses.
#pragma once

#include <switchyard/balance.hpp>

namespace sy {

/// The setting "k", which LinearGate reads. Flag it SY_FF_SHAPE where it is the number of slots.
[[nodiscard]] constexpr Field k_field(int64_t def) noexcept {
  return int_field("k", "Experts per token", def)
      .range(1, 1024, 1)
      .section("Routing")
      .help("How many experts each token visits; at most the number of experts.");
}

/// The setting "w_importance", the weight of a BalanceTerm of the importance.
[[nodiscard]] constexpr Field w_importance_field(double def) noexcept {
  return float_field("w_importance", "Weight of the importance loss", def)
      .range(0, 1e6, 0.01)
      .section("Balance")
      .flags(SY_FF_LIVE)
      .help("Coefficient of CV^2(importance): evens out the sum of gate weights.");
}

/// Derive from it to write a gate over the logits x W_g.
class LinearGate : public Gate {
 public:
  /// Defaults that a derived class may override.
  static constexpr uint32_t kStateVersion = 1;
  static constexpr uint32_t kCaps = SY_CAP_CUDA | SY_CAP_DETERMINISTIC | SY_CAP_COMM;

  /// Throws Error(SY_E_INVALID) if k is above the number of experts. [any]
  static void check(const sy_layer_info& layer, const Config& config) {
    require(config.integer("k") <= layer.n_experts, "k must be at most the number of experts, ",
            "got k = ", config.integer("k"), " for ", layer.n_experts, " experts");
  }

  /// Registers "w_gate" [d_in, experts], zero at first. [load]
  void build(const Builder& builder) override { add_w_gate(builder, 0.0); }

  [[nodiscard]] int32_t k_max() const override { return static_cast<int32_t>(k_); }

 protected:
  using Transpose = Call::Transpose;

  /// Reads the setting k; throws as check() does.
  LinearGate(const sy_layer_info& layer, const Config& config)
      : d_in_(layer.d_in), num_experts_(layer.n_experts), k_(config.integer("k")) {
    check(layer, config);
  }

  /// Registers "w_gate" with that Parameter::fan_in().
  void add_w_gate(const Builder& builder, double init_scale) {
    w_gate_ = add_matrix(builder, "w_gate", init_scale);
  }

  /// Registers another matrix [d_in, experts] and returns its handle.
  uint32_t add_matrix(const Builder& builder, const char* name, double init_scale) const {
    return builder.add(
        Parameter(name, {d_in_, num_experts_}).flags(SY_PF_FP32).fan_in(init_scale, d_in_));
  }

  /// y [T, experts] = x W_g; returns y.
  sy_tensor logits(Call& call, const sy_tensor& x, const sy_tensor& y) const {
    return product(call, x, w_gate_, y);
  }

  /// The same with another matrix.
  sy_tensor product(Call& call, const sy_tensor& x, uint32_t matrix, const sy_tensor& y) const {
    call.gemm(Transpose::kNone, Transpose::kNone, 1.0, x, call.param(matrix), 0.0, y);
    return y;
  }

  /// The gradient of logits(): adds x^T grad_y to that of W_g and grad_y W_g^T to grad_x.
  void add_grad_of_logits(Call& call, const sy_tensor& x, const sy_tensor& grad_y,
                          const sy_tensor& grad_x) const {
    add_grad_of_product(call, x, w_gate_, grad_y, grad_x);
  }

  /// The same with another matrix.
  void add_grad_of_product(Call& call, const sy_tensor& x, uint32_t matrix, const sy_tensor& grad_y,
                           const sy_tensor& grad_x) const {
    call.gemm(Transpose::kYes, Transpose::kNone, 1.0, x, grad_y, 1.0, call.param_grad(matrix));
    call.gemm(Transpose::kNone, Transpose::kYes, 1.0, grad_y, call.param(matrix), 1.0, grad_x);
  }

  /// [T, experts]: the gradients of the chosen experts [T, k] where they belong, 0 elsewhere.
  [[nodiscard]] sy_tensor spread(Call& call, const sy_tensor& of_chosen,
                                 const sy_tensor& ids) const {
    const sy_tensor all = call.scratch({ids.shape[0], num_experts_});
    call.fill(0.0, all);
    call.put_add(of_chosen, ids, all);
    return all;
  }

  /// d(loss)/d(importance) [experts]: of the importance's own loss and of what the host asks.
  [[nodiscard]] sy_tensor grad_of_importance(Call& call, const BalanceTerm& importance,
                                             const sy_gate_out& out,
                                             const sy_gate_grad& grad) const {
    const sy_tensor gradient = call.scratch({num_experts_});
    importance.gradient(call, out.importance, grad.daux, asked_of_importance(grad), gradient);
    return gradient;
  }

  /// d(loss)/d(weights) [T, k]: of the task, and of each chosen expert's importance.
  [[nodiscard]] sy_tensor grad_of_weights(Call& call, const BalanceTerm& importance,
                                          const sy_gate_out& out, const sy_gate_grad& grad) const {
    if (importance.is_idle(asked_of_importance(grad))) {
      return grad.dweights;
    }
    const int64_t rows = out.ids.shape[0];
    const int64_t entries = rows * k_;
    const sy_tensor of_importance = grad_of_importance(call, importance, out, grad);
    const sy_tensor sum = call.scratch({rows, k_});
    call.gather_rows(View::reshape(of_importance, {num_experts_, 1}),
                     View::reshape(out.ids, {entries}), View::reshape(sum, {entries, 1}));
    call.binary(SY_B_ADD, sum, grad.dweights, sum);
    return sum;
  }

  int64_t d_in_;
  int64_t num_experts_;
  int64_t k_;

 private:
  uint32_t w_gate_ = 0;
};

}  // namespace sy
