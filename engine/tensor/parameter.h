#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "tensor/tensor.h"

namespace switchyard::tensor {

/// What a parameter is for. The values are those of SY_ROLE_*.
enum class Role : uint32_t { kDense, kGate, kExpert, kEmbedding, kNorm, kBias };

enum class InitKind : uint32_t { kZero, kConstant, kNormal, kTruncatedNormal, kUniform };

/// How a parameter is filled at step 0. The kinds are those of SY_INIT_*.
struct Init {
  InitKind kind = InitKind::kZero;
  double a = 0.0;  // value, mean or lower end
  double b = 0.0;  // standard deviation or upper end
};

/// A trained tensor and its gradient. Buffers have no gradient.
struct Parameter {
  std::string name;  // "moe.experts0.w0": key in checkpoints, key of its random numbers
  Shape shape;
  DType dtype = DType::kF32;
  Role role = Role::kDense;
  Init init;
  int expert_dim = -1;  // the axis that counts experts, or -1
  uint32_t flags = 0;   // SY_PF_*
  bool is_buffer = false;
  Tensor value;  // defined after ParameterSet::allocate()
  Tensor grad;
};

/// All parameters of one model, in the order of their registration. Layers register while they are
/// built; memory is taken afterwards, so that a model can be described without it.
class ParameterSet {
 public:
  /// Registers a parameter and returns it; the reference stays valid.
  /// Throws Error(kInvalidArgument) if the name is taken.
  Parameter& add(Parameter parameter);

  /// Takes zeroed memory for every value and gradient.
  void allocate(Allocator& allocator);
  /// Sets every gradient to zero. CPU only.
  void zero_grad();

  [[nodiscard]] std::deque<Parameter>& all() { return parameters_; }
  [[nodiscard]] const std::deque<Parameter>& all() const { return parameters_; }
  /// Null if there is none of that name.
  [[nodiscard]] Parameter* find(std::string_view name);
  /// Number of trained values, buffers left out.
  [[nodiscard]] int64_t count() const;

 private:
  std::deque<Parameter> parameters_;
};

}  // namespace switchyard::tensor
