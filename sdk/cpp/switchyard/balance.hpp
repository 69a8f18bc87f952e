// SPDX-License-Identifier: Apache-2.0
// Shared by most gates: padding, importance, and the balance loss w CV^2(v) of Shazeer et al.
// 2017, arXiv:1701.06538, section 4. Everything runs through the services, so on every device.
#pragma once

#include <switchyard/gate.hpp>
#include <switchyard/program.hpp>

namespace sy {

/// Which rows are real.
class Padding {
 public:
  /// The mask of `in` must outlive the padding.
  explicit Padding(const sy_gate_in& in) : mask_(in.mask) {}

  /// count [1] f32 = the number of real rows, `tokens` being all of them.
  void count_real(Call& call, int64_t tokens, const sy_tensor& count) const {
    if (is_supplied(mask_)) {
      const sy_tensor is_real = call.scratch({tokens});
      call.copy(mask_, is_real);
      call.reduce(SY_R_SUM, is_real, -1, 0.0, count);
    } else {
      call.fill(static_cast<double>(tokens), count);
    }
  }

  /// x [tokens, ...2-D] f32: rows of padding become 0.
  void clear(Call& call, const sy_tensor& x) const {
    if (is_supplied(mask_)) {
      call.where(rows(), x, call.number(kF32, 0.0), x);
    }
  }

  /// ids [tokens, k] i32, weights [tokens, k]: rows of padding become -1 and 0.
  void clear_choice(Call& call, const sy_tensor& ids, const sy_tensor& weights) const {
    if (is_supplied(mask_)) {
      call.where(rows(), ids, call.number(kI32, -1.0), ids);
      clear(call, weights);
    }
  }

 private:
  /// [tokens, 1], so that it broadcasts along a row.
  [[nodiscard]] View rows() const { return View::reshape(mask_, {mask_.shape[0], 1}); }

  sy_tensor mask_;  // u8 [tokens]: 1 or 0; not supplied: all rows are real
};

/// 0, 1, ... n - 1, [1, n].
[[nodiscard]] inline sy_tensor count_up(Call& call, sy_dtype dtype, int64_t n) {
  const sy_tensor numbers = call.scratch(dtype, {1, n});
  call.iota(numbers);
  return numbers;
}

/// importance [experts] = sum of the weights of each expert over these rows; ids -1 are skipped.
inline void sum_weights(Call& call, const sy_tensor& ids, const sy_tensor& weights,
                        const sy_tensor& importance) {
  const sy_tensor dense = call.scratch({ids.shape[0], importance.shape[0]});
  call.fill(0.0, dense);
  call.put_add(weights, ids, dense);
  call.reduce(SY_R_SUM, dense, 0, 0.0, importance);
}

/// Sums importance and load [experts] over the data group, with one collective: from here on they
/// speak of the whole batch.
inline void sum_over_ranks(Call& call, const sy_gate_out& out) {
  if (call.group_size(SY_GROUP_DATA) == 1) {
    return;
  }
  const int64_t experts = out.importance.shape[0];
  const sy_tensor both = call.scratch({experts, 2});
  const View importance = View::column(both, 0);
  const View load = View::column(both, 1);
  call.copy(out.importance, importance);
  call.copy(out.load, load);
  call.all_reduce(SY_GROUP_DATA, SY_R_SUM, both);
  call.copy(importance, out.importance);
  call.copy(load, out.load);
}

/// True where the host asks for balance: then a gate's own losses on importance and load have no
/// weight, and their gradients come with sy_gate_grad.
[[nodiscard]] inline bool host_balances(const sy_layer_info& layer) noexcept {
  return layer.struct_size >= offsetof(sy_layer_info, balance) + sizeof layer.balance &&
         layer.balance == SY_BALANCE_HOST;
}

/// Gradients that the host asks of importance and load, [experts]; not supplied: zero.
[[nodiscard]] inline sy_tensor asked_of_importance(const sy_gate_grad& grad) noexcept {
  const size_t needed = offsetof(sy_gate_grad, dimportance) + sizeof grad.dimportance;
  return grad.struct_size >= needed ? grad.dimportance : sy_tensor{};
}
[[nodiscard]] inline sy_tensor asked_of_load(const sy_gate_grad& grad) noexcept {
  const size_t needed = offsetof(sy_gate_grad, dload) + sizeof grad.dload;
  return grad.struct_size >= needed ? grad.dload : sy_tensor{};
}

/// One balance loss of a gate, weight CV^2(v), and the gradient that v = importance or load gets.
class BalanceTerm {
 public:
  /// A weight of 0 where the host balances: BalanceTerm(host_balances(layer), weight).
  BalanceTerm(bool by_host, double weight) noexcept
      : by_host_(by_host), weight_(by_host ? 0.0 : weight) {}

  /// Changes the weight, if it is not the host that balances.
  void set_weight(double weight) noexcept { weight_ = by_host_ ? 0.0 : weight; }

  /// loss [1] += weight CV^2(v), v [experts].
  void add_loss(Call& call, const sy_tensor& v, const sy_tensor& loss) const {
    if (weight_ != 0.0) {
      call.squared_variation(v, weight_, loss);
    }
  }

  /// True where gradient() would be zero.
  [[nodiscard]] bool is_idle(const sy_tensor& asked) const noexcept {
    return weight_ == 0.0 && !is_supplied(asked);
  }

  /// gradient [experts] = daux [1] weight dCV^2/dv, and what the host asked.
  void gradient(Call& call, const sy_tensor& v, const sy_tensor& daux, const sy_tensor& asked,
                const sy_tensor& gradient) const {
    if (weight_ != 0.0) {
      call.squared_variation_grad(v, weight_, daux, gradient);
    } else {
      call.fill(0.0, gradient);
    }
    if (is_supplied(asked)) {
      call.binary(SY_B_ADD, gradient, asked, gradient);
    }
  }

 private:
  bool by_host_;
  double weight_;
};

}  // namespace sy
