// SPDX-License-Identifier: Apache-2.0
// Programs of sy.ew/1, written so that they read like the equations they compute.
#pragma once

#include <array>

#include <switchyard/call.hpp>

namespace sy {

/// Builds a program for Call::elementwise(). Values are registers, of which there are
/// SY_EW_REGISTERS; tensors and constants are numbered in the order in which they are added.
///
///     Program p;
///     auto x = p.load(p.tensor(x_tensor));
///     p.store(p.mul(x, x), p.tensor(y_tensor));
///     p.run(call);
class Program {
 public:
  struct Register {
    uint8_t index;
  };
  struct Slot {
    uint8_t index;
  };

  /// Adds a tensor; the first one sets the number of elements. At most kMaxTensors.
  Slot tensor(const sy_tensor& t) {
    room(num_io_ < kMaxTensors, "tensors");
    io_[num_io_] = t;
    return {static_cast<uint8_t>(num_io_++)};
  }
  /// The same for a tensor of which run(call, rows) uses the given rows alone.
  Slot by_row(const sy_tensor& t) {
    by_row_ |= uint32_t{1} << static_cast<uint32_t>(num_io_);
    return tensor(t);
  }

  Register load(Slot slot) { return emit(SY_EW_LOAD, fresh(), slot.index, 0); }
  /// The one element of a tensor [1], the same for all.
  Register scalar(Slot slot) { return emit(SY_EW_SCALAR, fresh(), slot.index, 0); }
  Register constant(double value) { return set(fresh(), value); }
  void store(Register value, Slot slot) { emit(SY_EW_STORE, value, slot.index, 0); }

  Register add(Register a, Register b) { return emit(SY_EW_ADD, fresh(), a.index, b.index); }
  Register sub(Register a, Register b) { return emit(SY_EW_SUB, fresh(), a.index, b.index); }
  Register mul(Register a, Register b) { return emit(SY_EW_MUL, fresh(), a.index, b.index); }
  Register div(Register a, Register b) { return emit(SY_EW_DIV, fresh(), a.index, b.index); }
  Register max(Register a, Register b) { return emit(SY_EW_MAX, fresh(), a.index, b.index); }
  Register min(Register a, Register b) { return emit(SY_EW_MIN, fresh(), a.index, b.index); }
  Register exp(Register a) { return emit(SY_EW_EXP, fresh(), a.index, 0); }
  Register log(Register a) { return emit(SY_EW_LOG, fresh(), a.index, 0); }
  Register tanh(Register a) { return emit(SY_EW_TANH, fresh(), a.index, 0); }
  Register abs(Register a) { return emit(SY_EW_ABS, fresh(), a.index, 0); }
  /// 1 / sqrt(a).
  Register rsqrt(Register a) { return emit(SY_EW_RSQRT, fresh(), a.index, 0); }
  Register sqrt(Register a) { return emit(SY_EW_SQRT, fresh(), a.index, 0); }
  /// -1, 0 or 1.
  Register sign(Register a) { return emit(SY_EW_SIGN, fresh(), a.index, 0); }
  /// other = condition > 0 ? value : other, in place.
  Register select(Register other, Register condition, Register value) {
    return emit(SY_EW_SELECT, other, condition.index, value.index);
  }
  /// sum += a b, in place.
  Register fma(Register sum, Register a, Register b) {
    return emit(SY_EW_FMA, sum, a.index, b.index);
  }
  /// a *= b, in place.
  Register multiply_by(Register a, Register b) { return emit(SY_EW_MUL, a, a.index, b.index); }
  /// Puts another constant into a register that is no longer needed.
  Register set(Register r, double value) { return emit(SY_EW_CONST, r, new_constant(value), 0); }

  /// Nothing where the first tensor has no element.
  void run(Call& call) const {
    if (num_io_ > 0 && num_elements(io_[0]) > 0) {
      call.elementwise(code_.data(), num_code_, io_.data(), num_io_, constants_.data(),
                       num_constants_);
    }
  }
  /// Over matrices: the first tensor is [G,P,Q], one that is loaded may have size 1 along an axis.
  /// Leaves matrix g alone where active[g] is 0; `active` is f32 [G], or null for all.
  void run_matrices(Call& call, const sy_tensor* active = nullptr) const {
    if (num_io_ > 0 && num_elements(io_[0]) > 0) {
      call.elementwise_matrices(code_.data(), num_code_, io_.data(), num_io_, constants_.data(),
                                num_constants_, active);
    }
  }
  /// The same over rows (i32 [n]) of the tensors added with by_row(); the others have n rows. Null
  /// rows: over all elements of all tensors.
  void run(Call& call, const sy_tensor* rows) const {
    if (!rows) {
      run(call);
    } else if (num_elements(*rows) > 0) {
      call.elementwise_rows(code_.data(), num_code_, io_.data(), num_io_, constants_.data(),
                            num_constants_, *rows, by_row_);
    }
  }

 private:
  static constexpr int32_t kMaxTensors = 12;
  static constexpr int32_t kMaxConstants = 12;
  static constexpr int32_t kMaxCode = 48;

  static void room(bool ok, const char* what) {
    if (!ok) {
      fail(SY_E_INTERNAL, "elementwise program: too many ", what,
           ": reuse registers with set() and multiply_by(), or cut the program in two");
    }
  }

  uint8_t new_constant(double value) {
    room(num_constants_ < kMaxConstants, "constants");
    constants_[num_constants_] = static_cast<float>(value);
    return static_cast<uint8_t>(num_constants_++);
  }

  Register fresh() {
    room(num_registers_ < SY_EW_REGISTERS, "registers");
    return {static_cast<uint8_t>(num_registers_++)};
  }

  Register emit(int32_t op, Register d, uint8_t a, uint8_t b) {
    room(num_code_ < kMaxCode, "instructions");
    code_[num_code_++] = {static_cast<uint8_t>(op), d.index, a, b};
    return d;
  }

  std::array<sy_ew_ins, kMaxCode> code_;
  std::array<sy_tensor, kMaxTensors> io_;
  std::array<float, kMaxConstants> constants_;
  int32_t num_code_ = 0;
  int32_t num_io_ = 0;
  int32_t num_constants_ = 0;
  int32_t num_registers_ = 0;
  uint32_t by_row_ = 0;  // bit i: io_[i] was added with by_row()
};

}  // namespace sy
