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

Tensor Lstm::forward(const Tensor& x, const SequenceInfo& sequence, Pass& pass) {
  core::require(sequence.state != nullptr, "{}: forward() needs the layer's state", name_);
  const int64_t B = sequence.num_streams;
  const int64_t S = sequence.num_steps;
  const int64_t U = units();
  const int64_t P = outputs();
  const ops::nn::LstmTensors tensors = {
      .kernel = kernel_->value,
      .bias = bias_->value,
      .projection = projection_ ? projection_->value : Tensor(),
      .resets = sequence.resets,
      .xm = pass.take(DType::kF32, {S, B, kernel_->shape[0]}),
      .gates = pass.take(DType::kF32, {S, B, 4 * U}),
      .cell = pass.take(DType::kF32, {S + 1, B, U}),
      .hidden = projection_ ? pass.take(DType::kF32, {S, B, U}) : Tensor(),
      .y = pass.take(DType::kF32, {B, S, P}),
      .state_m = sequence.state->h,
      .state_c = sequence.state->c,
      .forget_bias = forget_bias_};
  ops::nn::lstm(pass.backend, x.reshape({B, S, x.size(1)}), tensors, *pass.scratch);
  pass.keep(tensors);
  return tensors.y.reshape({B * S, P});
}

void Lstm::backward(const Tensor& grad_y, const SequenceInfo& sequence, const Tensor& grad_x,
                    Pass& pass) {
  const auto tensors = pass.restore<ops::nn::LstmTensors>();
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
  // Gradients of the carried state, the packed kernel, and, with few streams, the inputs that
  // multiply with it outside the steps.
  int64_t scratch = B * (P + U) + kernel_->shape.count() + rows * (kernel_->shape[0] - P);
  if (projection_ != nullptr) {
    kept += rows * U;
    scratch += rows * P + B * U + U + U * P;
  }
  return {.kept = static_cast<double>(kept) * sizeof(float),
          .scratch = static_cast<double>(scratch) * sizeof(float)};
}

}  // namespace switchyard::layers
