#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "core/opaque_state.h"
#include "tensor/row_gradient.h"
#include "tensor/tensor.h"

namespace switchyard::tensor {

/// The purpose of a parameter. The values are those of SY_ROLE_*.
enum class Role : uint32_t { kDense, kGate, kExpert, kEmbedding, kNorm, kBias };

/// "expert", as configurations and messages name it.
[[nodiscard]] std::string_view name_of(Role role);

/// How initial values are distributed.
enum class InitKind : uint32_t { kZero, kConstant, kNormal, kTruncatedNormal, kUniform };

/// How a parameter is filled at step 0. The kinds are those of SY_INIT_*.
struct Init {
  InitKind kind = InitKind::kZero;
  double a = 0.0;  // value, mean or lower end
  double b = 0.0;  // standard deviation or upper end
};

/// The largest number of gradient rows (indices of axis 0) that one step touches. Both 0: any
/// number.
struct TouchedRows {
  int64_t per_token = 0;
  int64_t fixed = 0;

  /// Whether the gradient is kept by row, in a RowGradient.
  [[nodiscard]] bool is_sparse() const { return per_token > 0 || fixed > 0; }
};

/// A trained tensor and its gradient, dense or by row. Buffers have no gradient.
struct Parameter {
  std::string name;  // "moe.experts0.w0": key in checkpoints, key of its random numbers
  Shape shape;
  DType dtype = DType::kF32;
  Role role = Role::kDense;
  Init init;
  int expert_dim = -1;  // the axis that counts experts, or -1
  uint32_t flags = 0;   // SY_PF_*
  bool is_buffer = false;
  bool stays_f32 = false;            // whatever the run's weight type
  bool only_multiplied = false;      // as weights of grouped_matmul, so it is read as stored
  bool updated_in_backward = false;  // never has a gradient as a whole; see SliceUpdater
  TouchedRows touched_rows;
  Tensor value;  // defined after ParameterSet::allocate()
  Tensor grad;   // of the parameter's shape; defined unless touched_rows.is_sparse()
  RowGradient row_grad;
  bool grad_is_dropped = false;  // the content of `grad` is stale; the next sum overwrites it

  [[nodiscard]] bool has_grad() const { return grad.defined() || row_grad.defined(); }
  /// Every value of the gradient that may not be zero: all of `grad`, or the rows of `row_grad`.
  [[nodiscard]] Tensor grad_values() const { return row_grad.defined() ? row_grad.values() : grad; }
  /// Drops the gradient. A dense one keeps its stale content until the next sum overwrites it.
  void drop_grad();
  /// The factor by which a caller that adds to all of `grad` at once multiplies the old content: 0
  /// if it was dropped, else 1. The caller must then add.
  [[nodiscard]] float take_grad_beta();
};

/// A range of a parameter's first axis, with the gradient of just that range.
struct ParameterSlice {
  Parameter* parameter = nullptr;
  int64_t first = 0;
  Tensor value;  // f32 [count, ...]; the parameter's own memory if that is f32
  Tensor grad;   // f32 [count, ...]
};

/// Updates parameters slice by slice, as soon as backward has computed a slice's gradient, so that
/// the gradient of a whole parameter never exists.
class SliceUpdater {
 public:
  virtual ~SliceUpdater() = default;
  /// Updates slice.value, and stores it in the parameter where that is not the same memory.
  virtual void update(const ParameterSlice& slice) = 0;
};

/// All parameters of one model, in the order of their registration. Layers register while they are
/// built; memory is taken afterwards, so that a model can be described without it.
class ParameterSet {
 public:
  /// Registers a parameter and returns it; the reference stays valid.
  /// Throws Error(kInvalidArgument) if the name is taken.
  Parameter& add(Parameter parameter);

  /// Takes zeroed memory for every value, and for every gradient that is held as a whole.
  void allocate(Allocator& allocator);
  /// Takes memory for the values only: enough for a model that is not trained.
  void allocate_values(Allocator& allocator);
  /// Takes memory for the gradients only.
  void allocate_gradients(Allocator& allocator);

  [[nodiscard]] std::deque<Parameter>& all() { return parameters_; }
  [[nodiscard]] const std::deque<Parameter>& all() const { return parameters_; }
  /// All but the buffers, in the same order.
  [[nodiscard]] std::vector<Parameter*> trained();
  /// The parameter of this name, or null.
  [[nodiscard]] Parameter* find(std::string_view name);
  /// Number of trained values, without buffers.
  [[nodiscard]] int64_t count() const;

  /// Registers state that the owner of parameters keeps outside of tensors. It must outlive this
  /// set.
  void keep(core::OpaqueState& state) { opaque_states_.push_back(&state); }
  [[nodiscard]] const std::vector<core::OpaqueState*>& opaque_states() const {
    return opaque_states_;
  }

 private:
  std::deque<Parameter> parameters_;
  std::vector<core::OpaqueState*> opaque_states_;
};

}  // namespace switchyard::tensor
