#include "tests/support/reference_ew.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include <switchyard/view.hpp>

#include "tests/support/host_context.h"

namespace switchyard::test {
namespace {

float elementwise_value(const sy_ew_ins& i, const float* r) {
  const float a = r[i.a];
  const float b = i.op <= SY_EW_FMA || i.op == SY_EW_SELECT ? r[i.b] : 0.0f;
  switch (i.op) {
    case SY_EW_ADD:
      return a + b;
    case SY_EW_SUB:
      return a - b;
    case SY_EW_MUL:
      return a * b;
    case SY_EW_DIV:
      return a / b;
    case SY_EW_MAX:
      return std::max(a, b);
    case SY_EW_MIN:
      return std::min(a, b);
    case SY_EW_FMA:
      return std::fma(a, b, r[i.d]);
    case SY_EW_SQRT:
      return std::sqrt(a);
    case SY_EW_RSQRT:
      return 1.0f / std::sqrt(a);
    case SY_EW_EXP:
      return std::exp(a);
    case SY_EW_LOG:
      return std::log(a);
    case SY_EW_TANH:
      return std::tanh(a);
    case SY_EW_ABS:
      return std::fabs(a);
    case SY_EW_SIGN:
      return static_cast<float>((a > 0) - (a < 0));
    case SY_EW_SELECT:
      return a > 0 ? b : r[i.d];
    default:
      throw sy::Error(SY_E_INVALID, "elementwise: unknown instruction");
  }
}

/// Where the element at `index` of io[0] is found in each tensor.
using ElementPlace = std::function<int64_t(const sy_tensor&)>;

void run_element(const sy_ew_ins* code, int32_t n_code, const sy_tensor* io, int32_t n_io,
                 const float* k, int32_t n_k, const ElementPlace& place) {
  float r[SY_EW_REGISTERS] = {};
  for (int32_t c = 0; c < n_code; ++c) {
    const sy_ew_ins& i = code[c];
    sy::require(i.d < SY_EW_REGISTERS, "elementwise: register ", int{i.d});
    if (i.op == SY_EW_CONST) {
      sy::require(i.a < n_k, "elementwise: constant ", int{i.a});
      r[i.d] = k[i.a];
    } else if (i.op == SY_EW_LOAD || i.op == SY_EW_STORE || i.op == SY_EW_SCALAR) {
      sy::require(i.a < n_io, "elementwise: tensor ", int{i.a});
      const int64_t size = sy::num_elements(io[i.a]);
      sy::require(i.op == SY_EW_LOAD || size == (i.op == SY_EW_SCALAR ? 1 : sy::num_elements(*io)),
                  "elementwise: tensor ", int{i.a}, " has ", size, " elements");
      float* data = static_cast<float*>(io[i.a].data);
      if (i.op == SY_EW_STORE) {
        data[place(io[i.a])] = r[i.d];
      } else {
        r[i.d] = data[i.op == SY_EW_SCALAR ? 0 : place(io[i.a])];
      }
    } else {
      r[i.d] = elementwise_value(i, r);
    }
  }
}

void elementwise(sy_ctx&, const sy_ew_ins* code, int32_t n_code, const sy_tensor* io, int32_t n_io,
                 const float* k, int32_t n_k) {
  for (int64_t e = 0; e < sy::num_elements(io[0]); ++e) {
    run_element(code, n_code, io, n_io, k, n_k, [&](const sy_tensor& t) {
      sy::require(sy::num_elements(t) == sy::num_elements(io[0]),
                  "elementwise: ", sy::num_elements(t), " elements");
      return e;
    });
  }
}

void elementwise_matrices(sy_ctx&, const sy_ew_ins* code, int32_t n_code, const sy_tensor* io,
                          int32_t n_io, const float* k, int32_t n_k, const sy_tensor* active) {
  const int64_t* shape = io[0].shape;
  sy::require(io[0].ndim == 3, "elementwise_matrices: io[0] has ", io[0].ndim, " dimensions");
  for (int64_t e = 0; e < sy::num_elements(io[0]); ++e) {
    const int64_t index[3] = {e / (shape[1] * shape[2]), e / shape[2] % shape[1], e % shape[2]};
    if (active && static_cast<const float*>(active->data)[index[0]] == 0.0f) {
      continue;
    }
    run_element(code, n_code, io, n_io, k, n_k, [&](const sy_tensor& t) {
      int64_t at = 0;
      for (int d = 0; d < 3; ++d) {
        sy::require(t.ndim == 3 && (t.shape[d] == shape[d] || t.shape[d] == 1),
                    "elementwise_matrices: a shape does not fit");
        at = at * t.shape[d] + (t.shape[d] == 1 ? 0 : index[d]);
      }
      return at;
    });
  }
}

// One row after the other, each as a program of its own.
void elementwise_rows(sy_ctx& ctx, const sy_ew_ins* code, int32_t n_code, const sy_tensor* io,
                      int32_t n_io, const float* k, int32_t n_k, const sy_tensor* rows,
                      uint32_t by_row) {
  const int64_t n = sy::num_elements(*rows);
  for (int64_t j = 0; j < n; ++j) {
    std::vector<sy_tensor> row(io, io + n_io);
    for (int32_t i = 0; i < n_io; ++i) {
      const bool chosen = (by_row >> i & 1u) != 0;
      if (!chosen && sy::num_elements(io[i]) == 1 && io[i].ndim == 1 && n != 1) {
        continue;  // a scalar
      }
      const int64_t at = chosen ? static_cast<const int32_t*>(rows->data)[j] : j;
      sy::require(at >= 0 && at < io[i].shape[0], "elementwise: row ", at, " of tensor ", i);
      row[i].data = static_cast<float*>(io[i].data) + at * io[i].strides[0];
      row[i].ndim = io[i].ndim - 1;
      row[i].shape = io[i].shape + 1;
      row[i].strides = io[i].strides + 1;
    }
    elementwise(ctx, code, n_code, row.data(), n_io, k, n_k);
  }
}

}  // namespace

const sy_ew& reference_ew() {
  static const sy_ew table{sizeof(sy_ew), 0, Service<elementwise>::call,
                           Service<elementwise_matrices>::call, Service<elementwise_rows>::call};
  return table;
}

}  // namespace switchyard::test
