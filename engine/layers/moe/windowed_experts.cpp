#include "layers/moe/windowed_experts.h"

#include <algorithm>
#include <utility>

#include "layers/gradient.h"
#include "ops/generic/affine.h"

namespace switchyard::layers {

using ops::moe::RowRange;
using tensor::DType;
using tensor::Tensor;

namespace {

int64_t largest_divisor(int64_t count, int64_t limit) {
  int64_t divisor = limit <= 0 || limit > count ? count : limit;
  while (count % divisor != 0) {
    --divisor;
  }
  return divisor;
}

tensor::Shape stacked_shape(const tensor::Parameter& parameter, int64_t count) {
  tensor::Shape shape = parameter.shape;
  shape[0] = count;
  return shape;
}

}  // namespace

WindowedExperts::WindowedExperts(const core::ComponentConfig& config, ComponentPlace place,
                                 const ExpertMemory& memory, ComponentFactory& factory,
                                 tensor::ParameterSet& parameters)
    : count_(place.num_local), at_once_(largest_divisor(count_, memory.experts_at_once)) {
  core::require(memory.weights == DType::kF32 || memory.update_in_backward,
                "{}: weights in bf16 are rounded when an expert is updated in backward; set "
                "model.moe.update_in_backward = true, or model.moe.weights = \"f32\"",
                place.name);
  place.num_local = static_cast<int32_t>(at_once_);
  experts_ = factory.make_experts(config, place, window_parameters_);
  register_stacked(memory, parameters);
}

void WindowedExperts::register_stacked(const ExpertMemory& memory,
                                       tensor::ParameterSet& parameters) {
  for (tensor::Parameter& window : window_parameters_.all()) {
    core::require(window.expert_dim == 0 && window.shape.dim() > 0 && window.shape[0] == at_once_,
                  "'{}' must be stacked over experts in its first axis to be worked through a few "
                  "experts at a time; set model.moe.experts_at_once = 0, "
                  "model.moe.update_in_backward = false and model.moe.weights = \"f32\"",
                  window.name);
    tensor::Parameter all = window;
    all.shape = stacked_shape(window, count_);
    all.updated_in_backward = memory.update_in_backward && !window.is_buffer;
    // Buffers keep their type: nothing rounds them.
    all.dtype = window.is_buffer || window.stays_f32 ? window.dtype : memory.weights;
    stacked_.push_back({.all = &parameters.add(std::move(all)), .window = &window});
  }
}

// Valid as long as the caller's scratch scope.
Tensor WindowedExperts::in_f32(const Tensor& resting, Pass& pass) {
  if (resting.dtype() == DType::kF32) {
    return resting;
  }
  const Tensor value = pass.scratch->take(DType::kF32, resting.shape());
  ops::generic::affine(pass.backend, resting, 1.0, 0.0, value);
  return value;
}

void WindowedExperts::bind_values(int64_t first, Pass& pass) {
  for (const Stacked& parameter : stacked_) {
    const Tensor resting = parameter.all->value.slice(0, first, first + at_once_);
    parameter.window->value = parameter.window->only_multiplied ? resting : in_f32(resting, pass);
  }
}

void WindowedExperts::bind_gradients(int64_t first, Pass& pass) {
  for (const Stacked& parameter : stacked_) {
    if (parameter.all->updated_in_backward) {
      parameter.window->grad = pass.scratch->take(DType::kF32, parameter.window->shape);
      parameter.window->drop_grad();
    } else if (!parameter.all->is_buffer) {
      parameter.window->grad =
          summed_grad(pass.backend, *parameter.all).slice(0, first, first + at_once_);
    }
  }
}

void WindowedExperts::update(int64_t first, Pass& pass) {
  for (const Stacked& parameter : stacked_) {
    if (parameter.all->updated_in_backward) {
      core::require(pass.slice_updater != nullptr,
                    "'{}' is updated in backward, and the pass has nothing to update it",
                    parameter.all->name);
      const tensor::ScratchScope scope(*pass.scratch);
      pass.slice_updater->update({.parameter = parameter.all,
                                  .first = first,
                                  .value = in_f32(parameter.window->value, pass),
                                  .grad = summed_grad(pass.backend, *parameter.window)});
    }
  }
}

StepMemory WindowedExperts::step_memory(int64_t num_rows) const {
  const int64_t windows = count_ / at_once_;
  StepMemory memory = experts_->step_memory((num_rows + windows - 1) / windows);
  memory.kept *= static_cast<double>(windows);
  double in_update = 0.0;  // one parameter after the other
  for (const Stacked& parameter : stacked_) {
    const double bytes = static_cast<double>(parameter.window->shape.count()) * sizeof(float);
    const bool becomes_f32 = parameter.all->dtype != DType::kF32;
    if (becomes_f32 && parameter.window->only_multiplied) {
      in_update = std::max(in_update, bytes);
    } else if (becomes_f32) {
      memory.scratch += bytes;
    }
    memory.scratch += parameter.all->updated_in_backward ? bytes : 0.0;
  }
  memory.scratch += in_update;
  return memory;
}

void WindowedExperts::forward(const Tensor& x, const ExpertRows& rows, const Tensor& y,
                              Pass& pass) {
  const int64_t token_base = pass.token_base;
  for (int64_t first = 0; first < count_; first += at_once_) {
    const tensor::ScratchScope scope(*pass.scratch);
    const RowRange window = rows.rows_of(first, at_once_);
    if (window.is_empty()) {
      continue;
    }
    bind_values(first, pass);
    // Each window has its own random numbers.
    pass.token_base = token_base + window.begin * pass.token_stride;
    experts_->forward(window.of(x), part_of(pass.backend, rows, first, at_once_, *pass.scratch),
                      window.of(y), pass);
  }
  pass.token_base = token_base;
}

// The reverse order of forward(), because the component restores what it saved.
void WindowedExperts::backward(const Tensor& x, const ExpertRows& rows, const Tensor& grad_y,
                               const Tensor& grad_x, Pass& pass) {
  const int64_t token_base = pass.token_base;
  for (int64_t first = count_ - at_once_; first >= 0; first -= at_once_) {
    const tensor::ScratchScope scope(*pass.scratch);
    const RowRange window = rows.rows_of(first, at_once_);
    bind_values(first, pass);
    bind_gradients(first, pass);
    if (!window.is_empty()) {
      pass.token_base = token_base + window.begin * pass.token_stride;
      experts_->backward(window.of(x), part_of(pass.backend, rows, first, at_once_, *pass.scratch),
                         window.of(grad_y), window.of(grad_x), pass);
    }
    update(first, pass);
  }
  pass.token_base = token_base;
}

}  // namespace switchyard::layers
