#include "ops/nn/residual_dropout.h"

#include "ops/kernels.h"

namespace switchyard::ops::nn {

namespace {

using tensor::Tensor;

DropoutDims dims(const DropoutSpec& spec, const Tensor& v, const Tensor& kept) {
  core::require(v.dim() == 2 && v.is_contiguous(),
                "residual_dropout: v must be contiguous [tokens, d_model], got {}", v.shape());
  core::require(spec.drop_probability >= 0.0 && spec.drop_probability < 1.0,
                "residual_dropout: drop_probability must be in [0, 1), got {}",
                spec.drop_probability);
  core::require(spec.drop_probability == 0.0 || kept.shape() == v.shape(),
                "residual_dropout: kept must have the shape of v {}, got {}", v.shape(),
                kept.shape());
  return {.count = v.count(),
          .first_element = spec.token_base * v.size(1),
          .drop_probability = static_cast<float>(spec.drop_probability),
          .activation = spec.activation,
          .key = spec.key,
          .position = spec.position};
}

uint8_t* data_or_null(const Tensor& kept) {
  return kept.defined() ? kept.data<uint8_t>() : nullptr;
}

}  // namespace

void residual_dropout(const Backend& backend, const DropoutSpec& spec, const Tensor& residual,
                      tensor::Out v, tensor::Out out, tensor::Out kept) {
  const DropoutDims n = dims(spec, v, kept);
  core::require(
      out->shape() == v->shape() && (!residual.defined() || residual.shape() == v->shape()),
      "residual_dropout: out and residual must have the shape of v {}", v->shape());
  const auto kernel = backend.kernels->nn.residual_dropout;
  require_kernel(kernel != nullptr, "residual_dropout", backend);
  kernel(backend.stream, n, residual.defined() ? residual.data<float>() : nullptr, v->data<float>(),
         out->data<float>(), data_or_null(kept));
}

void residual_dropout_grad(const Backend& backend, const DropoutSpec& spec, const Tensor& grad_out,
                           const Tensor& activated, const Tensor& kept, tensor::Out grad_v) {
  const DropoutDims n = dims(spec, activated, kept);
  core::require(grad_out.shape() == activated.shape() && grad_v->shape() == activated.shape(),
                "residual_dropout_grad: all tensors must have the shape {}", activated.shape());
  const auto kernel = backend.kernels->nn.residual_dropout_grad;
  require_kernel(kernel != nullptr, "residual_dropout_grad", backend);
  kernel(backend.stream, n, grad_out.data<float>(), activated.data<float>(), data_or_null(kept),
         grad_v->data<float>());
}

}  // namespace switchyard::ops::nn
