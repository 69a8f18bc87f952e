#include <cstring>

#include "core/error.h"
#include "ops/generic/affine.h"
#include "ops/generic/elementwise.h"
#include "ops/generic/mean_squares.h"
#include "ops/generic/pointwise.h"
#include "ops/generic/reduce.h"
#include "ops/generic/select.h"
#include "ops/generic/softmax.h"
#include "ops/generic/squared_variation.h"
#include "ops/generic/where.h"
#include "ops/linalg/matmul.h"
#include "plugin_host/border.h"
#include "plugin_host/call.h"
#include "plugin_host/services.h"
#include "plugin_host/tensor_view.h"

// sy.ops/1 and sy.ew/1: the engine's ops behind C functions. Each function turns the views into
// tensors, calls the op of the same name, and reports what that throws as status and text.

namespace switchyard::plugin_host {

namespace {

namespace generic = ops::generic;
namespace linalg = ops::linalg;
using tensor::Tensor;

const ops::Backend& backend_of(const sy_ctx* ctx) {
  core::require(ctx != nullptr, "the context is a null pointer: pass call->ctx");
  return ctx->backend;
}

template <typename Enum>
Enum enum_of(int32_t value, Enum last, const char* what) {
  core::require(value >= 0 && value <= static_cast<int32_t>(last), "{} must be 0 ... {}, got {}",
                what, static_cast<int32_t>(last), value);
  return static_cast<Enum>(value);
}

linalg::Transpose transpose_of(int32_t flag) {
  return flag != 0 ? linalg::Transpose::kYes : linalg::Transpose::kNo;
}

sy_status gemm(sy_ctx* ctx, int32_t ta, int32_t tb, double alpha, const sy_tensor* a,
               const sy_tensor* b, double beta, const sy_tensor* c, sy_error* error) {
  return guard(error, [&] {
    linalg::matmul(backend_of(ctx), transpose_of(ta), transpose_of(tb), alpha,
                   tensor_of(a, "gemm: a"), tensor_of(b, "gemm: b"), beta, tensor_of(c, "gemm: c"));
  });
}

sy_status grouped_gemm(sy_ctx* ctx, int32_t mode, const sy_tensor* offsets, double alpha,
                       const sy_tensor* a, const sy_tensor* b, double beta, const sy_tensor* c,
                       sy_error* error) {
  return guard(error, [&] {
    linalg::grouped_matmul(
        backend_of(ctx), enum_of(mode, linalg::GroupedMode::kGradWeight, "grouped_gemm: the mode"),
        tensor_of(offsets, "grouped_gemm: offsets"), alpha, tensor_of(a, "grouped_gemm: a"),
        tensor_of(b, "grouped_gemm: b"), beta, tensor_of(c, "grouped_gemm: c"));
  });
}

sy_status unary(sy_ctx* ctx, int32_t op, const sy_tensor* x, const sy_tensor* y, sy_error* error) {
  return guard(error, [&] {
    generic::unary(backend_of(ctx), enum_of(op, generic::Unary::kNormPdf, "unary: the op"),
                   tensor_of(x, "unary: x"), tensor_of(y, "unary: y"));
  });
}

sy_status binary(sy_ctx* ctx, int32_t op, const sy_tensor* a, const sy_tensor* b,
                 const sy_tensor* y, sy_error* error) {
  return guard(error, [&] {
    generic::binary(backend_of(ctx), enum_of(op, generic::Binary::kGe, "binary: the op"),
                    tensor_of(a, "binary: a"), tensor_of(b, "binary: b"),
                    tensor_of(y, "binary: y"));
  });
}

sy_status affine(sy_ctx* ctx, const sy_tensor* x, double mul, double add, const sy_tensor* y,
                 sy_error* error) {
  return guard(error, [&] {
    generic::affine(backend_of(ctx), tensor_of(x, "affine: x"), mul, add,
                    tensor_of(y, "affine: y"));
  });
}

sy_status act(sy_ctx* ctx, int32_t kind, const sy_tensor* x, const sy_tensor* y, sy_error* error) {
  return guard(error, [&] {
    generic::act(backend_of(ctx), enum_of(kind, generic::Activation::kSigmoid, "act: the kind"),
                 tensor_of(x, "act: x"), tensor_of(y, "act: y"));
  });
}

sy_status act_grad(sy_ctx* ctx, int32_t kind, const sy_tensor* x, const sy_tensor* dy,
                   const sy_tensor* dx, sy_error* error) {
  return guard(error, [&] {
    generic::act_grad(
        backend_of(ctx), enum_of(kind, generic::Activation::kSigmoid, "act_grad: the kind"),
        tensor_of(x, "act_grad: x"), tensor_of(dy, "act_grad: dy"), tensor_of(dx, "act_grad: dx"));
  });
}

sy_status reduce(sy_ctx* ctx, int32_t op, const sy_tensor* x, int32_t axis, double beta,
                 const sy_tensor* y, sy_error* error) {
  return guard(error, [&] {
    generic::reduce(backend_of(ctx), enum_of(op, generic::Reduction::kSumSq, "reduce: the op"),
                    tensor_of(x, "reduce: x"), axis, beta, tensor_of(y, "reduce: y"));
  });
}

sy_status softmax(sy_ctx* ctx, const sy_tensor* x, const sy_tensor* y, sy_error* error) {
  return guard(error, [&] {
    generic::softmax(backend_of(ctx), tensor_of(x, "softmax: x"), tensor_of(y, "softmax: y"));
  });
}

sy_status softmax_grad(sy_ctx* ctx, const sy_tensor* y, const sy_tensor* dy, const sy_tensor* dx,
                       sy_error* error) {
  return guard(error, [&] {
    generic::softmax_grad(backend_of(ctx), tensor_of(y, "softmax_grad: y"),
                          tensor_of(dy, "softmax_grad: dy"), tensor_of(dx, "softmax_grad: dx"));
  });
}

sy_status topk(sy_ctx* ctx, const sy_tensor* x, int32_t k, const sy_tensor* values,
               const sy_tensor* indices, sy_error* error) {
  return guard(error, [&] {
    generic::topk(backend_of(ctx), tensor_of(x, "topk: x"), k, tensor_of(values, "topk: values"),
                  tensor_of(indices, "topk: indices"));
  });
}

sy_status take(sy_ctx* ctx, const sy_tensor* x, const sy_tensor* idx, const sy_tensor* y,
               sy_error* error) {
  return guard(error, [&] {
    generic::take(backend_of(ctx), tensor_of(x, "take: x"), tensor_of(idx, "take: idx"),
                  tensor_of(y, "take: y"));
  });
}

sy_status put_add(sy_ctx* ctx, const sy_tensor* x, const sy_tensor* idx, const sy_tensor* y,
                  sy_error* error) {
  return guard(error, [&] {
    generic::put_add(backend_of(ctx), tensor_of(x, "put_add: x"), tensor_of(idx, "put_add: idx"),
                     tensor_of(y, "put_add: y"));
  });
}

sy_status gather_rows(sy_ctx* ctx, const sy_tensor* x, const sy_tensor* rows, const sy_tensor* y,
                      sy_error* error) {
  return guard(error, [&] {
    generic::gather_rows(backend_of(ctx), tensor_of(x, "gather_rows: x"),
                         tensor_of(rows, "gather_rows: rows"), tensor_of(y, "gather_rows: y"));
  });
}

sy_status scatter_add_rows(sy_ctx* ctx, const sy_tensor* x, const sy_tensor* rows,
                           const sy_tensor* y, sy_error* error) {
  return guard(error, [&] {
    generic::scatter_add_rows(backend_of(ctx), tensor_of(x, "scatter_add_rows: x"),
                              tensor_of(rows, "scatter_add_rows: rows"),
                              tensor_of(y, "scatter_add_rows: y"));
  });
}

sy_status bincount(sy_ctx* ctx, const sy_tensor* idx, const sy_tensor* counts, sy_error* error) {
  return guard(error, [&] {
    generic::bincount(backend_of(ctx), tensor_of(idx, "bincount: idx"),
                      tensor_of(counts, "bincount: counts"));
  });
}

sy_status fill(sy_ctx* ctx, double v, const sy_tensor* y, sy_error* error) {
  return guard(error, [&] { generic::fill(backend_of(ctx), v, tensor_of(y, "fill: y")); });
}

sy_status iota(sy_ctx* ctx, const sy_tensor* y, sy_error* error) {
  return guard(error, [&] { generic::iota(backend_of(ctx), tensor_of(y, "iota: y")); });
}

sy_status where(sy_ctx* ctx, const sy_tensor* condition, const sy_tensor* a, const sy_tensor* b,
                const sy_tensor* y, sy_error* error) {
  return guard(error, [&] {
    generic::where(backend_of(ctx), tensor_of(condition, "where: the condition"),
                   tensor_of(a, "where: a"), tensor_of(b, "where: b"), tensor_of(y, "where: y"));
  });
}

sy_status count_nonfinite(sy_ctx* ctx, const sy_tensor* x, const sy_tensor* n, sy_error* error) {
  return guard(error, [&] {
    generic::count_nonfinite(backend_of(ctx), tensor_of(x, "count_nonfinite: x"),
                             tensor_of(n, "count_nonfinite: n"));
  });
}

sy_status mean_squares(sy_ctx* ctx, const sy_tensor* x, const sy_tensor* rows,
                       const sy_tensor* columns, sy_error* error) {
  return guard(error, [&] {
    generic::mean_squares(backend_of(ctx), tensor_of(x, "mean_squares: x"),
                          tensor_of(rows, "mean_squares: rows"),
                          tensor_of(columns, "mean_squares: columns"));
  });
}

sy_status squared_variation(sy_ctx* ctx, const sy_tensor* x, double weight, const sy_tensor* y,
                            sy_error* error) {
  return guard(error, [&] {
    generic::squared_variation(backend_of(ctx), tensor_of(x, "squared_variation: x"), weight,
                               tensor_of(y, "squared_variation: y"));
  });
}

sy_status squared_variation_grad(sy_ctx* ctx, const sy_tensor* x, double weight,
                                 const sy_tensor* dy, const sy_tensor* dx, sy_error* error) {
  return guard(error, [&] {
    generic::squared_variation_grad(backend_of(ctx), tensor_of(x, "squared_variation_grad: x"),
                                    weight, tensor_of(dy, "squared_variation_grad: dy"),
                                    tensor_of(dx, "squared_variation_grad: dx"));
  });
}

static_assert(sizeof(sy_ew_ins) == sizeof(generic::ElementwiseInstruction));

// A program as it comes over the border.
struct Program {
  const sy_ew_ins* code;
  int32_t num_code;
  const sy_tensor* io;
  int32_t num_io;
  const float* constants;
  int32_t num_constants;
};

void run_program(sy_ctx* ctx, const Program& program, const generic::ElementwiseDomain& domain) {
  const auto [code, num_code, io, num_io, constants, num_constants] = program;
  core::require(num_code >= 0 && num_io >= 0 && num_constants >= 0 &&
                    (code != nullptr || num_code == 0) && (io != nullptr || num_io == 0) &&
                    (constants != nullptr || num_constants == 0),
                "ew: a count is negative or its array a null pointer");
  const ops::Backend& backend = backend_of(ctx);
  ctx->program_code.resize(static_cast<size_t>(num_code));
  if (num_code > 0) {
    std::memcpy(ctx->program_code.data(), code, static_cast<size_t>(num_code) * sizeof(sy_ew_ins));
  }
  ctx->program_io.clear();
  for (int32_t i = 0; i < num_io; ++i) {
    ctx->program_io.push_back(tensor_of(io + i, "ew: io"));
  }
  generic::elementwise(backend, ctx->programs, ctx->program_code, ctx->program_io,
                       {constants, static_cast<size_t>(num_constants)}, domain);
}

sy_status run_ew(sy_ctx* ctx, const sy_ew_ins* code, int32_t n_code, const sy_tensor* io,
                 int32_t n_io, const float* k, int32_t n_k, sy_error* error) {
  return guard(error, [&] { run_program(ctx, {code, n_code, io, n_io, k, n_k}, {}); });
}

sy_status run_ew_matrices(sy_ctx* ctx, const sy_ew_ins* code, int32_t n_code, const sy_tensor* io,
                          int32_t n_io, const float* k, int32_t n_k, const sy_tensor* active,
                          sy_error* error) {
  return guard(error, [&] {
    run_program(ctx, {code, n_code, io, n_io, k, n_k},
                {.over = generic::ElementwiseDomain::Over::kMatrices,
                 .active = active == nullptr ? Tensor() : tensor_of(active, "ew: active")});
  });
}

// NOLINTNEXTLINE(readability-function-size): the parameters are the ABI's.
sy_status run_ew_rows(sy_ctx* ctx, const sy_ew_ins* code, int32_t n_code, const sy_tensor* io,
                      int32_t n_io, const float* k, int32_t n_k, const sy_tensor* rows,
                      uint32_t by_row, sy_error* error) {
  return guard(error, [&] {
    run_program(ctx, {code, n_code, io, n_io, k, n_k},
                {.over = generic::ElementwiseDomain::Over::kRows,
                 .rows = tensor_of(rows, "ew: rows"),
                 .by_row = by_row});
  });
}

}  // namespace

const sy_ops& ops_service() {
  static constexpr sy_ops kTable = {
      .struct_size = sizeof(sy_ops),
      .reserved = 0,
      .gemm = &gemm,
      .grouped_gemm = &grouped_gemm,
      .unary = &unary,
      .binary = &binary,
      .affine = &affine,
      .act = &act,
      .act_grad = &act_grad,
      .reduce = &reduce,
      .softmax = &softmax,
      .softmax_grad = &softmax_grad,
      .topk = &topk,
      .take = &take,
      .put_add = &put_add,
      .gather_rows = &gather_rows,
      .scatter_add_rows = &scatter_add_rows,
      .bincount = &bincount,
      .fill = &fill,
      .count_nonfinite = &count_nonfinite,
      .mean_squares = &mean_squares,
      .iota = &iota,
      .where = &where,
      .squared_variation = &squared_variation,
      .squared_variation_grad = &squared_variation_grad,
  };
  return kTable;
}

const sy_ew& ew_service() {
  static constexpr sy_ew kTable = {.struct_size = sizeof(sy_ew),
                                   .reserved = 0,
                                   .run = &run_ew,
                                   .run_matrices = &run_ew_matrices,
                                   .run_rows = &run_ew_rows};
  return kTable;
}

}  // namespace switchyard::plugin_host
