#include <cmath>

#include "ops/clones.h"
#include "ops/generic/constant_dispatch.h"
#include "ops/generic/kernels.h"
#include "ops/generic/strided_cpu.h"
#include "ops/generic/vector_math.h"

namespace switchyard::ops::generic {

namespace {

using tensor::Out;
using tensor::Stream;
using tensor::Tensor;

// One element of each op. Constant `op`s are folded away, so each loop below holds one formula.
template <Unary kOp>
[[gnu::always_inline]] inline float apply(float v) {
  switch (kOp) {
    case Unary::kExp:
      return vexp(v);
    case Unary::kLog:
      return vlog(v);
    case Unary::kSqrt:
      return std::sqrt(v);
    case Unary::kRsqrt:
      return 1.0F / std::sqrt(v);
    case Unary::kAbs:
      return std::fabs(v);
    case Unary::kNeg:
      return -v;
    case Unary::kSigmoid:
      return vsigmoid(v);
    case Unary::kTanh:
      return vtanh(v);
    case Unary::kSoftplus:
      return vsoftplus(v);
    case Unary::kNormCdf:
      return vnorm_cdf(v);
    case Unary::kNormPdf:
      return vnorm_pdf(v);
  }
}

template <Binary kOp>
[[gnu::always_inline]] inline float apply(float a, float b) {
  switch (kOp) {
    case Binary::kAdd:
      return a + b;
    case Binary::kSub:
      return a - b;
    case Binary::kMul:
      return a * b;
    case Binary::kDiv:
      return a / b;
    case Binary::kMax:
      return (a > b || a != a) ? a : b;
    case Binary::kMin:
      return (a < b || a != a) ? a : b;
    case Binary::kLt:
      return a < b ? 1.0F : 0.0F;
    case Binary::kGe:
      return a >= b ? 1.0F : 0.0F;
  }
}

template <Activation kKind>
[[gnu::always_inline]] inline float activate(float x) {
  switch (kKind) {
    case Activation::kRelu:
      return (x > 0.0F || x != x) ? x : 0.0F;
    case Activation::kGelu:
      return x * vnorm_cdf(x);
    case Activation::kSilu:
      return x * vsigmoid(x);
    case Activation::kTanh:
      return vtanh(x);
    case Activation::kSigmoid:
      return vsigmoid(x);
  }
}

template <Activation kKind>
[[gnu::always_inline]] inline float activation_slope(float x) {
  switch (kKind) {
    case Activation::kRelu:
      return x > 0.0F ? 1.0F : 0.0F;
    case Activation::kGelu:
      return vnorm_cdf(x) + x * vnorm_pdf(x);
    case Activation::kSilu: {
      const float s = vsigmoid(x);
      return s + x * s * (1.0F - s);
    }
    case Activation::kTanh: {
      const float t = vtanh(x);
      return 1.0F - t * t;
    }
    case Activation::kSigmoid: {
      const float s = vsigmoid(x);
      return s * (1.0F - s);
    }
  }
}

// The loops, inlined into the functions marked SWITCHYARD_CPU_CLONES. ivdep: an output may be an
// input, element for element, and nothing else overlaps.
template <Unary kOp>
[[gnu::always_inline]] inline void loop(float* y, const float* x, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    y[i] = apply<kOp>(x[i]);
  }
}

template <Binary kOp>
[[gnu::always_inline]] inline void loop(float* y, const float* a, const float* b, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    y[i] = apply<kOp>(a[i], b[i]);
  }
}

template <Activation kKind>
[[gnu::always_inline]] inline void act_loop(float* y, const float* x, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    y[i] = activate<kKind>(x[i]);
  }
}

template <Activation kKind>
[[gnu::always_inline]] inline void act_grad_loop(float* dx, const float* x, const float* dy,
                                                 int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    dx[i] = dy[i] * activation_slope<kKind>(x[i]);
  }
}

SWITCHYARD_CPU_CLONES void unary_block(Unary op, float* y, const float* x, int64_t n) {
  call_with_constant<Unary::kNormPdf>(
      op, [=](auto constant) __attribute__((always_inline)) { loop<constant.value>(y, x, n); });
}

SWITCHYARD_CPU_CLONES void binary_block(Binary op, float* y, const float* a, const float* b,
                                        int64_t n) {
  call_with_constant<Binary::kGe>(
      op, [=](auto constant) __attribute__((always_inline)) { loop<constant.value>(y, a, b, n); });
}

SWITCHYARD_CPU_CLONES void act_block(Activation kind, float* y, const float* x, int64_t n) {
  call_with_constant<Activation::kSigmoid>(kind, [=](auto constant) __attribute__((always_inline)) {
    act_loop<constant.value>(y, x, n);
  });
}

SWITCHYARD_CPU_CLONES void act_grad_block(Activation kind, float* dx, const float* x,
                                          const float* dy, int64_t n) {
  call_with_constant<Activation::kSigmoid>(kind, [=](auto constant) __attribute__((always_inline)) {
    act_grad_loop<constant.value>(dx, x, dy, n);
  });
}

void binary_i32(const Stream& stream, Binary op, const Tensor& a, const Tensor& b,
                const Tensor& y) {
  using Inputs = std::array<const int32_t*, 2>;
  map_blocks(stream, Walk(y.shape(), {&y, &a, &b}), y.data<int32_t>(),
             Inputs{a.data<int32_t>(), b.data<int32_t>()},
             [op](int32_t* out, const Inputs& in, int64_t n) {
               for (int64_t i = 0; i < n; ++i) {  // unsigned numbers may overflow
                 const auto x = static_cast<uint32_t>(in[0][i]);
                 const auto z = static_cast<uint32_t>(in[1][i]);
                 out[i] = static_cast<int32_t>(op == Binary::kAdd ? x + z : x * z);
               }
             });
}

using OneInput = std::array<const float*, 1>;
using TwoInputs = std::array<const float*, 2>;

void unary(const Stream& stream, Unary op, const Tensor& x, Out y) {
  map_blocks(stream, Walk(y->shape(), {&*y, &x}), y->data<float>(), OneInput{x.data<float>()},
             [op](float* out, const OneInput& in, int64_t n) { unary_block(op, out, in[0], n); });
}

void binary(const Stream& stream, Binary op, const Tensor& a, const Tensor& b, Out y) {
  if (y->dtype() == tensor::DType::kI32) {
    binary_i32(stream, op, a, b, y);
    return;
  }
  map_blocks(
      stream, Walk(y->shape(), {&*y, &a, &b}), y->data<float>(),
      TwoInputs{a.data<float>(), b.data<float>()},
      [op](float* out, const TwoInputs& in, int64_t n) { binary_block(op, out, in[0], in[1], n); });
}

void act(const Stream& stream, Activation kind, const Tensor& x, Out y) {
  map_blocks(stream, Walk(y->shape(), {&*y, &x}), y->data<float>(), OneInput{x.data<float>()},
             [kind](float* out, const OneInput& in, int64_t n) { act_block(kind, out, in[0], n); });
}

void act_grad(const Stream& stream, Activation kind, const Tensor& x, const Tensor& dy, Out dx) {
  map_blocks(stream, Walk(dx->shape(), {&*dx, &x, &dy}), dx->data<float>(),
             TwoInputs{x.data<float>(), dy.data<float>()},
             [kind](float* out, const TwoInputs& in, int64_t n) {
               act_grad_block(kind, out, in[0], in[1], n);
             });
}

}  // namespace

void add_pointwise_cpu(Kernels& kernels) {
  kernels.unary = unary;
  kernels.binary = binary;
  kernels.act = act;
  kernels.act_grad = act_grad;
}

}  // namespace switchyard::ops::generic
