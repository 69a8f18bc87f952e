#include "layers/lstm.h"

#include <utility>

#include "layers/gradient.h"
#include "layers/initialize.h"

namespace switchyard::layers {

using tensor::DType;
using tensor::Tensor;

tensor::Init LstmConfig::weight_init(int64_t fan_in) const {
  return init_range > 0.0 ? uniform_within(init_range) : uniform_fan_in(fan_in, init_scale);
}

namespace {

// Rows of the kernel: inputs beside the outputs of the step before.
int64_t kernel_rows(const LstmConfig& config) {
  return config.d_in + config.outputs();
}

}  // namespace

Lstm::Lstm(std::string name, const LstmConfig& config, tensor::ParameterSet& parameters)
    : name_(std::move(name)),
      forget_bias_(static_cast<float>(config.forget_bias)),
      kernel_(&parameters.add({.name = name_ + ".kernel",
                               .shape = {kernel_rows(config), 4 * config.units},
                               .init = config.weight_init(kernel_rows(config))})),
      bias_(&parameters.add({.name = name_ + ".bias",
                             .shape = {4 * config.units},
                             .role = tensor::Role::kBias,
                             .init = uniform_within(config.init_range)})) {
  if (config.projection > 0) {
    projection_ = &parameters.add({.name = name_ + ".projection",
                                   .shape = {config.units, config.projection},
                                   .init = config.weight_init(config.units)});
  }
}

ops::nn::LstmTensors Lstm::parameter_tensors() const {
  return {.kernel = kernel_->value,
          .bias = bias_->value,
          .projection = projection_ ? projection_->value : Tensor(),
          .state_m = state_->h,
          .state_c = state_->c,
          .forget_bias = forget_bias_};
}

Tensor Lstm::forward(const Tensor& x, const SequenceInfo& sequence, Pass& pass) {
  core::require(state_ != nullptr, "{}: bind_state() before forward()", name_);
  const int64_t B = sequence.num_streams;
  const int64_t S = sequence.num_steps;
  const int64_t U = units();
  const int64_t P = outputs();
  ops::nn::LstmTensors tensors = parameter_tensors();
  tensors.resets = sequence.resets;
  tensors.xm = pass.take(DType::kF32, {S, B, kernel_->shape[0]});
  tensors.gates = pass.take(DType::kF32, {S, B, 4 * U});
  tensors.cell = pass.take(DType::kF32, {S + 1, B, U});
  tensors.hidden = projection_ ? pass.take(DType::kF32, {S, B, U}) : Tensor();
  tensors.y = pass.take(DType::kF32, {B, S, P});
  ops::nn::lstm(pass.backend, x.reshape({B, S, x.size(1)}), tensors, *pass.scratch);
  for (const Tensor& kept : {tensors.xm, tensors.gates, tensors.cell, tensors.hidden, tensors.y}) {
    pass.save(kept);
  }
  return tensors.y.reshape({B * S, P});
}

void Lstm::backward(const Tensor& grad_y, const SequenceInfo& sequence, const Tensor& grad_x,
                    Pass& pass) {
  ops::nn::LstmTensors tensors = parameter_tensors();
  tensors.resets = sequence.resets;
  tensors.y = pass.restore();
  tensors.hidden = pass.restore();
  tensors.cell = pass.restore();
  tensors.gates = pass.restore();
  tensors.xm = pass.restore();
  ops::nn::lstm_grad(
      pass.backend, grad_y, tensors,
      {.kernel = kernel_->grad,
       .bias = summed_grad(pass.backend, *bias_),
       .projection = projection_ ? projection_->grad : Tensor(),
       .x = grad_x.reshape({sequence.num_streams, sequence.num_steps, grad_x.size(1)}),
       .kernel_beta = kernel_->take_grad_beta(),
       .projection_beta = projection_ ? projection_->take_grad_beta() : 0.0F},
      *pass.scratch);
}

double Lstm::madds_per_token() const {
  return static_cast<double>(kernel_->shape.count() +
                             (projection_ ? projection_->shape.count() : 0));
}

StepMemory Lstm::step_memory(int64_t num_streams, int64_t num_steps) const {
  const int64_t B = num_streams;
  const int64_t rows = B * num_steps;
  const int64_t U = units();
  const int64_t P = outputs();
  // xm, gates, cell and y; with a projection h before it.
  int64_t kept = rows * (kernel_->shape[0] + 4 * U + P) + B * (num_steps + 1) * U;
  // Gradients of the carried state, the kernel as its products read it, and the inputs where few
  // streams multiply with it outside of the steps.
  int64_t scratch = B * (P + U) + kernel_->shape.count() + rows * (kernel_->shape[0] - P);
  if (projection_ != nullptr) {
    kept += rows * U;
    scratch += rows * P + B * U + U + U * P;
  }
  return {.kept = static_cast<double>(kept) * sizeof(float),
          .scratch = static_cast<double>(scratch) * sizeof(float)};
}

}  // namespace switchyard::layers
