#include "layers/lstm.h"

#include <utility>

#include "layers/initialize.h"
#include "ops/nn/lstm.h"

namespace switchyard::layers {

using tensor::DType;
using tensor::Tensor;

Lstm::Lstm(std::string name, int64_t d_in, int64_t units, double init_scale,
           tensor::ParameterSet& parameters)
    : name_(std::move(name)),
      kernel_(&parameters.add({.name = name_ + ".kernel",
                               .shape = {d_in + units, 4 * units},
                               .init = uniform_fan_in(d_in + units, init_scale)})),
      bias_(&parameters.add(
          {.name = name_ + ".bias", .shape = {4 * units}, .role = tensor::Role::kBias})) {
}

Tensor Lstm::forward(const Tensor& x, const SequenceInfo& sequence, Pass& pass) {
  core::require(state_ != nullptr, name_, ": bind_state() before forward()");
  const int64_t B = sequence.num_streams;
  const int64_t S = sequence.num_steps;
  const int64_t U = units();
  const ops::nn::LstmTensors tensors = {.kernel = kernel_->value,
                                        .bias = bias_->value,
                                        .resets = sequence.resets,
                                        .xh = pass.take(DType::kF32, {B, S, kernel_->shape[0]}),
                                        .gates = pass.take(DType::kF32, {B, S, 4 * U}),
                                        .cell = pass.take(DType::kF32, {B, S + 1, U}),
                                        .y = pass.take(DType::kF32, {B, S, U}),
                                        .state_h = state_->h,
                                        .state_c = state_->c};
  ops::nn::lstm(pass.backend, x.reshape({B, S, x.size(1)}), tensors);
  pass.save(tensors.xh);
  pass.save(tensors.gates);
  pass.save(tensors.cell);
  pass.save(tensors.y);
  return tensors.y.reshape({B * S, U});
}

void Lstm::backward(const Tensor& grad_y, const SequenceInfo& sequence, const Tensor& grad_x,
                    Pass& pass) {
  ops::nn::LstmTensors tensors = {.kernel = kernel_->value,
                                  .bias = bias_->value,
                                  .resets = sequence.resets,
                                  .state_h = state_->h,
                                  .state_c = state_->c};
  tensors.y = pass.restore();
  tensors.cell = pass.restore();
  tensors.gates = pass.restore();
  tensors.xh = pass.restore();
  ops::nn::lstm_grad(
      pass.backend, grad_y, tensors,
      {.kernel = kernel_->grad,
       .bias = bias_->grad,
       .x = grad_x.reshape({sequence.num_streams, sequence.num_steps, grad_x.size(1)})},
      *pass.scratch);
}

double Lstm::madds_per_token() const {
  return static_cast<double>(kernel_->shape.count());
}

double Lstm::activation_bytes_per_token() const {
  const int64_t values = kernel_->shape[0] + 6 * units();  // xh, gates, cell, y
  return static_cast<double>(values) * sizeof(float);
}

}  // namespace switchyard::layers
