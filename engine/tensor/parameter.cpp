#include "tensor/parameter.h"

#include <array>

namespace switchyard::tensor {

namespace {

// Indexed by Role.
constexpr std::array<std::string_view, 6> kRoleNames = {"dense",     "gate", "expert",
                                                        "embedding", "norm", "bias"};

}  // namespace

std::string_view name_of(Role role) {
  return kRoleNames.at(static_cast<size_t>(role));
}

void Parameter::drop_grad() {
  grad_is_dropped = grad.defined();
  row_grad.clear();
}

float Parameter::take_grad_beta() {
  const float beta = grad_is_dropped ? 0.0F : 1.0F;
  grad_is_dropped = false;
  return beta;
}

Parameter& ParameterSet::add(Parameter parameter) {
  core::require(find(parameter.name) == nullptr, "ParameterSet: the name '{}' is taken",
                parameter.name);
  return parameters_.emplace_back(std::move(parameter));
}

void ParameterSet::allocate(Allocator& allocator) {
  allocate_values(allocator);
  allocate_gradients(allocator);
}

void ParameterSet::allocate_values(Allocator& allocator) {
  for (Parameter& parameter : parameters_) {
    parameter.value = Tensor::zeros(parameter.dtype, parameter.shape, allocator);
  }
}

void ParameterSet::allocate_gradients(Allocator& allocator) {
  for (Parameter& parameter : parameters_) {
    if (parameter.is_buffer || parameter.updated_in_backward) {
      continue;
    }
    if (parameter.touched_rows.is_sparse()) {
      parameter.row_grad = RowGradient(parameter.shape, allocator);
    } else {
      parameter.grad = Tensor::zeros(DType::kF32, parameter.shape, allocator);
    }
  }
}

std::vector<Parameter*> ParameterSet::trained() {
  std::vector<Parameter*> trained;
  for (Parameter& parameter : parameters_) {
    if (!parameter.is_buffer) {
      trained.push_back(&parameter);
    }
  }
  return trained;
}

Parameter* ParameterSet::find(std::string_view name) {
  for (Parameter& parameter : parameters_) {
    if (parameter.name == name) {
      return &parameter;
    }
  }
  return nullptr;
}

int64_t ParameterSet::count() const {
  int64_t total = 0;
  for (const Parameter& parameter : parameters_) {
    total += parameter.is_buffer ? 0 : parameter.shape.count();
  }
  return total;
}

}  // namespace switchyard::tensor
