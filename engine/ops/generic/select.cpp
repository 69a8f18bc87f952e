#include "ops/generic/select.h"

#include "ops/generic/checks.h"
#include "ops/kernels.h"

namespace switchyard::ops::generic {

using tensor::DType;
using tensor::Tensor;

namespace {

// Tensors of one row per token: `wide` over experts, `narrow` and idx over choices.
void require_choices(const char* op, const Backend& backend, const Named& wide, const Tensor& idx,
                     const Named& narrow) {
  require_tensors(op, backend, DType::kF32, {wide, narrow});
  require_tensors(op, backend, DType::kI32, {{"idx", idx}});
  require_dim(op, wide, 2, "[T, E]");
  require_dim(op, {"idx", idx}, 2, "[T, k]");
  require_same_shape(op, {{"idx", idx}, narrow});
  core::require(wide.tensor.size(0) == idx.size(0),
                "{}: {} must have as many rows as idx, {}, got {}", op, wide.name, idx.size(0),
                wide.tensor.shape());
}

// A matrix with all rows, and one with the rows that an index names.
void require_rows(const char* op, const Named& all, const Tensor& rows, const Named& chosen) {
  require_dim(op, all, 2, "[N, d]");
  require_dim(op, chosen, 2, "[n, d]");
  require_dim(op, {"rows", rows}, 1, "[n]");
  core::require(
      chosen.tensor.size(0) == rows.size(0) && chosen.tensor.size(1) == all.tensor.size(1),
      "{}: {} must be [{}, {}], got {}", op, chosen.name, rows.size(0), all.tensor.size(1),
      chosen.tensor.shape());
}

}  // namespace

void topk(const Backend& backend, const Tensor& x, int64_t k, tensor::Out values,
          tensor::Out indices) {
  require_tensors("topk", backend, DType::kF32, {{"x", x}, {"values", values}});
  require_tensors("topk", backend, DType::kI32, {{"indices", indices}});
  require_dim("topk", {"x", x}, 2, "[T, E]");
  core::require(k >= 0 && k <= x.size(1), "topk: k must be in 0..{}, got {}", x.size(1), k);
  const tensor::Shape expected{x.size(0), k};
  core::require(values->shape() == expected && indices->shape() == expected,
                "topk: values and indices must be {}, got {} and {}", expected, values->shape(),
                indices->shape());
  const auto kernel = backend.kernels->generic.topk;
  require_kernel(kernel != nullptr, "topk", backend);
  kernel(backend.stream, x, k, values, indices);
}

void take(const Backend& backend, const Tensor& x, const Tensor& idx, tensor::Out y) {
  require_choices("take", backend, {"x", x}, idx, {"y", y});
  const auto kernel = backend.kernels->generic.take;
  require_kernel(kernel != nullptr, "take", backend);
  kernel(backend.stream, x, idx, y);
}

void put_add(const Backend& backend, const Tensor& x, const Tensor& idx, tensor::Out y) {
  require_choices("put_add", backend, {"y", y}, idx, {"x", x});
  const auto kernel = backend.kernels->generic.put_add;
  require_kernel(kernel != nullptr, "put_add", backend);
  kernel(backend.stream, x, idx, y);
}

void gather_rows(const Backend& backend, const Tensor& x, const Tensor& rows, tensor::Out y) {
  const DType dtype = x.dtype() == DType::kI32 ? DType::kI32 : DType::kF32;
  require_tensors("gather_rows", backend, dtype, {{"x", x}, {"y", y}});
  require_tensors("gather_rows", backend, DType::kI32, {{"rows", rows}});
  require_rows("gather_rows", {"x", x}, rows, {"y", y});
  const auto kernel = backend.kernels->generic.gather_rows;
  require_kernel(kernel != nullptr, "gather_rows", backend);
  kernel(backend.stream, x, rows, y);
}

void scatter_add_rows(const Backend& backend, const Tensor& x, const Tensor& rows, tensor::Out y) {
  require_tensors("scatter_add_rows", backend, DType::kF32, {{"x", x}, {"y", y}});
  require_tensors("scatter_add_rows", backend, DType::kI32, {{"rows", rows}});
  require_rows("scatter_add_rows", {"y", y}, rows, {"x", x});
  const auto kernel = backend.kernels->generic.scatter_add_rows;
  require_kernel(kernel != nullptr, "scatter_add_rows", backend);
  kernel(backend.stream, x, rows, y);
}

void bincount(const Backend& backend, const Tensor& idx, tensor::Out counts) {
  const DType dtype = counts->dtype() == DType::kI32 ? DType::kI32 : DType::kF32;
  require_tensors("bincount", backend, DType::kI32, {{"idx", idx}});
  require_tensors("bincount", backend, dtype, {{"counts", counts}});
  require_dim("bincount", {"counts", counts}, 1, "[E]");
  const auto kernel = backend.kernels->generic.bincount;
  require_kernel(kernel != nullptr, "bincount", backend);
  kernel(backend.stream, idx, counts);
}

}  // namespace switchyard::ops::generic
