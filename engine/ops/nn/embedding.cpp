#include "ops/nn/embedding.h"

#include "ops/kernels.h"

namespace switchyard::ops::nn {

namespace {

EmbeddingDims dims(const char* op, const tensor::Tensor& table, const tensor::Tensor& tokens,
                   const tensor::Tensor& rows) {
  core::require(table.dim() == 2 && table.is_contiguous() && rows.dim() == 2 &&
                    rows.is_contiguous() && rows.size(1) == table.size(1),
                "{}: needs contiguous [vocab, d_model] and [tokens, d_model], got {} and {}", op,
                table.shape(), rows.shape());
  core::require(tokens.is_contiguous() && tokens.count() == rows.size(0),
                "{}: needs {} tokens, got {}", op, rows.size(0), tokens.shape());
  return {.T = rows.size(0), .D = table.size(1), .V = table.size(0)};
}

}  // namespace

void embedding(const Backend& backend, const tensor::Tensor& table, const tensor::Tensor& tokens,
               tensor::Out out) {
  const EmbeddingDims n = dims("embedding", table, tokens, out);
  const auto kernel = backend.kernels->nn.embedding;
  require_kernel(kernel != nullptr, "embedding", backend);
  kernel(backend.stream, n, table.data<float>(), tokens.data<int32_t>(), out->data<float>());
}

void embedding_grad(const Backend& backend, const tensor::Tensor& grad_out,
                    const tensor::Tensor& tokens, tensor::Out grad_table) {
  const EmbeddingDims n = dims("embedding_grad", grad_table, tokens, grad_out);
  const auto kernel = backend.kernels->nn.embedding_grad;
  require_kernel(kernel != nullptr, "embedding_grad", backend);
  kernel(backend.stream, n, grad_out.data<float>(), tokens.data<int32_t>(),
         grad_table->data<float>());
}

}  // namespace switchyard::ops::nn
