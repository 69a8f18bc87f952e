#include "tests/support/reference_ops.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

#include "tests/support/host_context.h"

namespace switchyard::test {
namespace {

using Tensor = const sy_tensor*;
using Index = std::vector<int64_t>;

void expect(bool ok, const char* what) {
  if (!ok) {
    throw sy::Error(SY_E_INVALID, std::string("reference op: ") + what);
  }
}

bool is_f32(const sy_tensor& t) {
  return t.dtype.code == SY_FLOAT && t.dtype.bits == 32;
}
bool is_i32(const sy_tensor& t) {
  return t.dtype.code == SY_INT && t.dtype.bits == 32;
}

int64_t count(const sy_tensor& t) {
  return std::accumulate(t.shape, t.shape + t.ndim, int64_t{1}, std::multiplies<>());
}

/// Place of an element; `index` may have more dimensions than t, and t may have size 1 in some:
/// NumPy's broadcasting.
int64_t place(const sy_tensor& t, const Index& index) {
  const size_t skip = index.size() - static_cast<size_t>(t.ndim);
  int64_t offset = 0;
  for (size_t d = 0; d < static_cast<size_t>(t.ndim); ++d) {
    expect(t.shape[d] == 1 || index[skip + d] < t.shape[d], "shapes do not broadcast");
    offset += (t.shape[d] == 1 ? 0 : index[skip + d]) * t.strides[d];
  }
  return offset;
}

float& f32(const sy_tensor& t, const Index& index) {
  expect(is_f32(t), "f32 wanted");
  return static_cast<float*>(t.data)[place(t, index)];
}

int32_t& i32(const sy_tensor& t, const Index& index) {
  expect(is_i32(t), "i32 wanted");
  return static_cast<int32_t*>(t.data)[place(t, index)];
}

double number(const sy_tensor& t, const Index& index) {
  if (is_i32(t)) {
    return i32(t, index);
  }
  if (t.dtype.code == SY_UINT && t.dtype.bits == 8) {
    return static_cast<uint8_t*>(t.data)[place(t, index)];
  }
  return f32(t, index);
}

void store(const sy_tensor& t, const Index& index, double value) {
  if (is_i32(t)) {
    i32(t, index) = static_cast<int32_t>(std::lround(value));
  } else {
    f32(t, index) = static_cast<float>(value);
  }
}

/// body(index) for every element of t, row-major.
template <typename Body>
void each(const sy_tensor& t, Body body) {
  Index index(static_cast<size_t>(t.ndim), 0);
  for (int64_t n = count(t); n > 0; --n) {
    body(index);
    for (size_t d = index.size(); d-- > 0;) {
      if (++index[d] < t.shape[d]) {
        break;
      }
      index[d] = 0;
    }
  }
}

/// Rows of the last axis: body(index), whose last entry is 0.
template <typename Body>
void each_row(const sy_tensor& t, Body body) {
  expect(t.ndim >= 1, "at least one dimension wanted");
  sy_tensor rows = t;
  rows.ndim -= 1;
  each(rows, [&](Index index) {
    index.push_back(0);
    body(index);
  });
}

double blend(double alpha, double sum, double beta, float old) {
  return alpha * sum + (beta == 0.0 ? 0.0 : beta * old);
}

void gemm(sy_ctx&, int32_t ta, int32_t tb, double alpha, Tensor a, Tensor b, double beta,
          Tensor c) {
  const int64_t inner = a->shape[ta ? 0 : 1];
  expect(inner == b->shape[tb ? 1 : 0], "gemm: inner dimensions differ");
  expect(c->shape[0] == a->shape[ta ? 1 : 0] && c->shape[1] == b->shape[tb ? 0 : 1],
         "gemm: outer dimensions differ");
  each(*c, [&](const Index& at) {
    double sum = 0.0;
    for (int64_t i = 0; i < inner; ++i) {
      sum += static_cast<double>(f32(*a, ta ? Index{i, at[0]} : Index{at[0], i})) *
             f32(*b, tb ? Index{at[1], i} : Index{i, at[1]});
    }
    f32(*c, at) = static_cast<float>(blend(alpha, sum, beta, f32(*c, at)));
  });
}

void grouped_rows(int32_t mode, Tensor offsets, double alpha, Tensor a, Tensor b, double beta,
                  Tensor c) {
  const int64_t inner = a->shape[1];
  const int64_t outer = c->shape[1];
  for (int64_t g = 0; g < b->shape[0]; ++g) {
    for (int64_t r = i32(*offsets, {g}); r < i32(*offsets, {g + 1}); ++r) {
      for (int64_t j = 0; j < outer; ++j) {
        double sum = 0.0;
        for (int64_t i = 0; i < inner; ++i) {
          sum += static_cast<double>(f32(*a, {r, i})) *
                 f32(*b, mode == SY_GG_FWD ? Index{g, i, j} : Index{g, j, i});
        }
        f32(*c, {r, j}) = static_cast<float>(blend(alpha, sum, beta, f32(*c, {r, j})));
      }
    }
  }
}

void grouped_gemm(sy_ctx&, int32_t mode, Tensor offsets, double alpha, Tensor a, Tensor b,
                  double beta, Tensor c) {
  expect(offsets->shape[0] == (mode == SY_GG_WGRAD ? c : b)->shape[0] + 1, "offsets: wrong length");
  if (mode != SY_GG_WGRAD) {
    grouped_rows(mode, offsets, alpha, a, b, beta, c);
    return;
  }
  each(*c, [&](const Index& at) {
    double sum = 0.0;
    for (int64_t r = i32(*offsets, {at[0]}); r < i32(*offsets, {at[0] + 1}); ++r) {
      sum += static_cast<double>(f32(*a, {r, at[1]})) * f32(*b, {r, at[2]});
    }
    f32(*c, at) = static_cast<float>(blend(alpha, sum, beta, f32(*c, at)));
  });
}

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}
double normal_cdf(double x) {
  return 0.5 * std::erfc(-x / std::numbers::sqrt2);
}
double normal_pdf(double x) {
  return std::exp(-0.5 * x * x) / std::sqrt(2.0 * std::numbers::pi);
}

double apply_unary(int32_t f, double x) {
  switch (f) {
    case SY_U_EXP:
      return std::exp(x);
    case SY_U_LOG:
      return std::log(x);
    case SY_U_SQRT:
      return std::sqrt(x);
    case SY_U_RSQRT:
      return 1.0 / std::sqrt(x);
    case SY_U_ABS:
      return std::fabs(x);
    case SY_U_NEG:
      return -x;
    case SY_U_SIGMOID:
      return sigmoid(x);
    case SY_U_TANH:
      return std::tanh(x);
    case SY_U_SOFTPLUS:
      return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
    case SY_U_NORM_CDF:
      return normal_cdf(x);
    case SY_U_NORM_PDF:
      return normal_pdf(x);
    default:
      throw sy::Error(SY_E_INVALID, "unary: unknown function");
  }
}

double apply_binary(int32_t f, double a, double b) {
  switch (f) {
    case SY_B_ADD:
      return a + b;
    case SY_B_SUB:
      return a - b;
    case SY_B_MUL:
      return a * b;
    case SY_B_DIV:
      return a / b;
    case SY_B_MAX:
      return std::max(a, b);
    case SY_B_MIN:
      return std::min(a, b);
    case SY_B_LT:
      return a < b ? 1.0 : 0.0;
    case SY_B_GE:
      return a >= b ? 1.0 : 0.0;
    default:
      throw sy::Error(SY_E_INVALID, "binary: unknown function");
  }
}

double activate(int32_t kind, double x) {
  switch (kind) {
    case SY_A_RELU:
      return std::max(x, 0.0);
    case SY_A_GELU:
      return x * normal_cdf(x);
    case SY_A_SILU:
      return x * sigmoid(x);
    case SY_A_TANH:
      return std::tanh(x);
    case SY_A_SIGMOID:
      return sigmoid(x);
    default:
      throw sy::Error(SY_E_INVALID, "act: unknown kind");
  }
}

double slope(int32_t kind, double x) {
  const double s = sigmoid(x);
  switch (kind) {
    case SY_A_RELU:
      return x > 0.0 ? 1.0 : 0.0;
    case SY_A_GELU:
      return normal_cdf(x) + x * normal_pdf(x);
    case SY_A_SILU:
      return s + x * s * (1.0 - s);
    case SY_A_TANH:
      return 1.0 - std::tanh(x) * std::tanh(x);
    case SY_A_SIGMOID:
      return s * (1.0 - s);
    default:
      throw sy::Error(SY_E_INVALID, "act_grad: unknown kind");
  }
}

void unary(sy_ctx&, int32_t f, Tensor x, Tensor y) {
  each(*y, [&](const Index& at) { store(*y, at, apply_unary(f, number(*x, at))); });
}

void binary(sy_ctx&, int32_t f, Tensor a, Tensor b, Tensor y) {
  if ((f == SY_B_ADD || f == SY_B_MUL) && is_i32(*y)) {
    each(*y, [&](const Index& at) {
      const int64_t left = i32(*a, at);
      const int64_t right = i32(*b, at);
      i32(*y, at) = static_cast<int32_t>(f == SY_B_ADD ? left + right : left * right);
    });
    return;
  }
  expect(is_f32(*a) && is_f32(*b) && is_f32(*y), "binary: f32 wanted");
  each(*y, [&](const Index& at) { store(*y, at, apply_binary(f, f32(*a, at), f32(*b, at))); });
}

void affine(sy_ctx&, Tensor x, double mul, double add, Tensor y) {
  expect(x->ndim == y->ndim && std::equal(x->shape, x->shape + x->ndim, y->shape),
         "affine: shapes differ");
  each(*y, [&](const Index& at) { store(*y, at, mul * number(*x, at) + add); });
}

void act(sy_ctx&, int32_t kind, Tensor x, Tensor y) {
  each(*y, [&](const Index& at) { store(*y, at, activate(kind, f32(*x, at))); });
}

void act_grad(sy_ctx&, int32_t kind, Tensor x, Tensor dy, Tensor dx) {
  each(*dx, [&](const Index& at) {
    f32(*dx, at) = static_cast<float>(f32(*dy, at) * slope(kind, f32(*x, at)));
  });
}

void reduce(sy_ctx&, int32_t f, Tensor x, int32_t axis, double beta, Tensor y) {
  const double start = f == SY_R_MAX ? -std::numeric_limits<double>::infinity() : 0.0;
  std::vector<double> sums(static_cast<size_t>(count(*y)), start);
  sy_tensor packed = *y;  // the place of an output element in `sums`
  std::vector<int64_t> strides(static_cast<size_t>(y->ndim));
  for (size_t d = strides.size(), stride = 1; d-- > 0;) {
    strides[d] = static_cast<int64_t>(stride);
    stride *= static_cast<size_t>(y->shape[d]);
  }
  packed.strides = strides.data();
  each(*x, [&](Index at) {
    const double v = f32(*x, at);
    if (axis < 0) {
      at = {0};
    } else {
      at.erase(at.begin() + axis);
    }
    double& sum = sums[static_cast<size_t>(place(packed, at))];
    sum = f == SY_R_MAX ? std::max(sum, v) : sum + (f == SY_R_SUMSQ ? v * v : v);
  });
  const int64_t terms = axis < 0 ? count(*x) : x->shape[axis];
  each(*y, [&](const Index& at) {
    const double sum = sums[static_cast<size_t>(place(packed, at))];
    f32(*y, at) = static_cast<float>(
        blend(f == SY_R_MEAN ? 1.0 / static_cast<double>(terms) : 1.0, sum, beta, f32(*y, at)));
  });
}

void softmax(sy_ctx&, Tensor x, Tensor y) {
  const int64_t n = x->shape[x->ndim - 1];
  each_row(*x, [&](Index at) {
    std::vector<double> e(static_cast<size_t>(n));
    double top = -std::numeric_limits<double>::infinity();
    for (at.back() = 0; at.back() < n; ++at.back()) {
      top = std::max(top, static_cast<double>(f32(*x, at)));
    }
    double sum = 0.0;
    for (at.back() = 0; at.back() < n; ++at.back()) {
      const double value = std::isinf(top) && top < 0 ? 0.0 : std::exp(f32(*x, at) - top);
      e[static_cast<size_t>(at.back())] = value;
      sum += value;
    }
    for (at.back() = 0; at.back() < n; ++at.back()) {
      f32(*y, at) = sum > 0.0 ? static_cast<float>(e[static_cast<size_t>(at.back())] / sum) : 0.0f;
    }
  });
}

void softmax_grad(sy_ctx&, Tensor y, Tensor dy, Tensor dx) {
  const int64_t n = y->shape[y->ndim - 1];
  each_row(*y, [&](Index at) {
    double dot = 0.0;
    for (at.back() = 0; at.back() < n; ++at.back()) {
      dot += static_cast<double>(f32(*y, at)) * f32(*dy, at);
    }
    for (at.back() = 0; at.back() < n; ++at.back()) {
      f32(*dx, at) = static_cast<float>(f32(*y, at) * (f32(*dy, at) - dot));
    }
  });
}

void topk(sy_ctx&, Tensor x, int32_t k, Tensor values, Tensor indices) {
  expect(k >= 1 && k <= x->shape[1] && values->shape[1] == k && indices->shape[1] == k,
         "topk: k does not fit");
  for (int64_t t = 0; t < x->shape[0]; ++t) {
    std::vector<int32_t> order(static_cast<size_t>(x->shape[1]));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int32_t a, int32_t b) { return f32(*x, {t, a}) > f32(*x, {t, b}); });
    for (int64_t j = 0; j < k; ++j) {
      i32(*indices, {t, j}) = order[static_cast<size_t>(j)];
      f32(*values, {t, j}) = f32(*x, {t, order[static_cast<size_t>(j)]});
    }
  }
}

void take(sy_ctx&, Tensor x, Tensor idx, Tensor y) {
  each(*idx, [&](const Index& at) {
    const int32_t from = i32(*idx, at);
    f32(*y, at) = from < 0 ? 0.0f : f32(*x, {at[0], from});
  });
}

void put_add(sy_ctx&, Tensor x, Tensor idx, Tensor y) {
  each(*idx, [&](const Index& at) {
    if (i32(*idx, at) >= 0) {
      f32(*y, {at[0], i32(*idx, at)}) += f32(*x, at);
    }
  });
}

void gather_rows(sy_ctx&, Tensor x, Tensor rows, Tensor y) {
  each(*y, [&](const Index& at) {
    const int32_t from = i32(*rows, {at[0]});
    f32(*y, at) = from < 0 ? 0.0f : f32(*x, {from, at[1]});
  });
}

void scatter_add_rows(sy_ctx&, Tensor x, Tensor rows, Tensor y) {
  each(*x, [&](const Index& at) { f32(*y, {i32(*rows, {at[0]}), at[1]}) += f32(*x, at); });
}

void bincount(sy_ctx&, Tensor idx, Tensor counts) {
  each(*counts, [&](const Index& at) { store(*counts, at, 0.0); });
  each(*idx, [&](const Index& at) {
    if (const int32_t i = i32(*idx, at); i >= 0) {
      store(*counts, {i}, number(*counts, {i}) + 1.0);
    }
  });
}

void fill(sy_ctx&, double v, Tensor y) {
  each(*y, [&](const Index& at) { store(*y, at, v); });
}

void iota(sy_ctx&, Tensor y) {
  int64_t next = 0;
  each(*y, [&](const Index& at) { store(*y, at, static_cast<double>(next++)); });
}

void where(sy_ctx&, Tensor condition, Tensor a, Tensor b, Tensor y) {
  expect(is_i32(*a) == is_i32(*y) && is_i32(*b) == is_i32(*y), "where: types differ");
  each(*y, [&](const Index& at) {
    store(*y, at, number(number(*condition, at) != 0.0 ? *a : *b, at));
  });
}

void count_nonfinite(sy_ctx&, Tensor x, Tensor n) {
  each(*x, [&](const Index& at) { i32(*n, {0}) += std::isfinite(f32(*x, at)) ? 0 : 1; });
}

void mean_squares(sy_ctx&, Tensor x, Tensor rows, Tensor columns) {
  const auto mean = [&](int64_t n, const auto& index) {
    double sum = 0.0;
    for (int64_t i = 0; i < n; ++i) {
      const double v = f32(*x, index(i));
      sum += v * v;
    }
    return sum / static_cast<double>(n);
  };
  each(*rows, [&](const Index& at) {
    store(*rows, at, mean(x->shape[2], [&](int64_t j) { return Index{at[0], at[1], j}; }));
  });
  each(*columns, [&](const Index& at) {
    store(*columns, at, mean(x->shape[1], [&](int64_t i) { return Index{at[0], i, at[1]}; }));
  });
}

/// Mean and CV^2 of x.
struct Variation {
  double mean = 0.0;
  double value = 0.0;
};

Variation variation_of(Tensor x) {
  const auto n = static_cast<double>(count(*x));
  Variation v;
  each(*x, [&](const Index& at) { v.mean += number(*x, at) / n; });
  each(*x, [&](const Index& at) {
    v.value += (number(*x, at) - v.mean) * (number(*x, at) - v.mean) / n;
  });
  v.value = v.mean == 0.0 ? 0.0 : v.value / (v.mean * v.mean);
  return v;
}

void squared_variation(sy_ctx&, Tensor x, double weight, Tensor y) {
  f32(*y, {0}) += static_cast<float>(weight * variation_of(x).value);
}

void squared_variation_grad(sy_ctx&, Tensor x, double weight, Tensor dy, Tensor dx) {
  const Variation v = variation_of(x);
  const double n_square = static_cast<double>(count(*x)) * v.mean * v.mean;
  const double factor = v.mean == 0.0 ? 0.0 : 2.0 * weight * number(*dy, {0}) / n_square;
  each(*dx, [&](const Index& at) {
    store(*dx, at, factor * (number(*x, at) - v.mean - v.mean * v.value));
  });
}

}  // namespace

const sy_ops& reference_ops() {
  static const sy_ops table{sizeof(sy_ops),
                            0,
                            Service<gemm>::call,
                            Service<grouped_gemm>::call,
                            Service<unary>::call,
                            Service<binary>::call,
                            Service<affine>::call,
                            Service<act>::call,
                            Service<act_grad>::call,
                            Service<reduce>::call,
                            Service<softmax>::call,
                            Service<softmax_grad>::call,
                            Service<topk>::call,
                            Service<take>::call,
                            Service<put_add>::call,
                            Service<gather_rows>::call,
                            Service<scatter_add_rows>::call,
                            Service<bincount>::call,
                            Service<fill>::call,
                            Service<count_nonfinite>::call,
                            Service<mean_squares>::call,
                            Service<iota>::call,
                            Service<where>::call,
                            Service<squared_variation>::call,
                            Service<squared_variation_grad>::call};
  return table;
}

}  // namespace switchyard::test
