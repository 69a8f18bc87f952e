#pragma once

#include <cstdint>
#include <span>

#include "core/rng.h"
#include "tensor/out.h"
#include "tensor/tensor.h"

namespace switchyard::ops::generic {

// The values of these enums are those of sy.ops/1, sy.ew/1 and sy.rng/1.

/// A function of one value.
enum class Unary : int32_t {
  kExp,
  kLog,
  kSqrt,
  kRsqrt,
  kAbs,
  kNeg,
  kSigmoid,
  kTanh,
  kSoftplus,
  kNormCdf,
  kNormPdf
};

/// A function of two values.
enum class Binary : int32_t { kAdd, kSub, kMul, kDiv, kMax, kMin, kLt, kGe };

/// An activation function.
enum class Activation : int32_t { kRelu, kGelu, kSilu, kTanh, kSigmoid };

/// How a reduction combines values.
enum class Reduction : int32_t { kSum, kMean, kMax, kSumSq };

/// A distribution of random numbers.
enum class Distribution : int32_t { kUniform, kNormal, kGumbel, kBernoulli };

/// An instruction of an element program.
enum class ElementwiseOp : uint8_t {
  kLoad,
  kStore,
  kConst,
  kScalar,
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMax,
  kMin,
  kFma,
  kSqrt,
  kRsqrt,
  kExp,
  kLog,
  kTanh,
  kAbs,
  kSign,
  kSelect,
  // Two instructions in one pass; not part of any program.
  kSqrtAdd,    // sqrt(a) + b
  kSubScaled,  // a - b c
  kScaledAdd   // a b + c e
};

/// One instruction of an element program; laid out as sy_ew_ins.
struct ElementwiseInstruction {
  ElementwiseOp op;
  uint8_t d;
  uint8_t a;
  uint8_t b;
};

/// The elements that an element program runs over.
struct ElementwiseDomain {
  enum class Over : uint8_t {
    kElements,  // of io[0]; the other io have its shape
    kMatrices,  // io[0] is [G,P,Q]; an io that is loaded has that shape or repeats along an axis
    kRows       // some rows of some io
  };
  Over over = Over::kElements;
  tensor::Tensor active{};  // kMatrices: f32 [G] or undefined; matrix g is skipped where it is 0
  tensor::Tensor rows{};    // kRows: i32 [n], distinct
  uint32_t by_row = 0;      // kRows: bit i is set if io[i] has more rows than the n
};

class ElementwiseProgram;

/// Random numbers to fill a tensor with.
struct RandomFill {
  Distribution distribution = Distribution::kUniform;
  double a = 0.0;
  double b = 1.0;
  core::RngKey key;
  core::RngPosition position;
  int64_t token_base = 0;    // global number of row 0
  int64_t token_stride = 1;  // from the number of a row to that of the next
};

/// The random numbers that decide a rounding to bf16.
struct StochasticRounding {
  core::RngKey key;
  core::RngPosition position;
  int64_t first_element = 0;  // global number of element 0
};

/// Kernels of one device. The ops in pointwise.h, reduce.h, select.h, elementwise.h and random.h
/// check their arguments and then call these, so a kernel may rely on them. All are asynchronous on
/// the stream. Index kernels of the CPU throw Error(kInvalidArgument) for an index out of range.
struct Kernels {
  using Out = tensor::Out;
  using Tensor = tensor::Tensor;
  using Stream = tensor::Stream;

  void (*unary)(const Stream&, Unary, const Tensor& x, Out y) = nullptr;
  void (*binary)(const Stream&, Binary, const Tensor& a, const Tensor& b, Out y) = nullptr;
  void (*affine)(const Stream&, const Tensor& x, double mul, double add, Out y) = nullptr;
  void (*act)(const Stream&, Activation, const Tensor& x, Out y) = nullptr;
  void (*act_grad)(const Stream&, Activation, const Tensor& x, const Tensor& dy, Out dx) = nullptr;
  void (*fill)(const Stream&, double value, Out y) = nullptr;
  void (*iota)(const Stream&, Out y) = nullptr;
  void (*where)(const Stream&, const Tensor& condition, const Tensor& a, const Tensor& b,
                Out y) = nullptr;

  void (*reduce)(const Stream&, Reduction, const Tensor& x, int axis, double beta, Out y) = nullptr;
  void (*softmax)(const Stream&, const Tensor& x, Out y) = nullptr;
  void (*softmax_grad)(const Stream&, const Tensor& y, const Tensor& dy, Out dx) = nullptr;
  void (*count_nonfinite)(const Stream&, const Tensor& x, Out n) = nullptr;
  void (*squared_variation)(const Stream&, const Tensor& x, double weight, Out y) = nullptr;
  void (*squared_variation_grad)(const Stream&, const Tensor& x, double weight, const Tensor& dy,
                                 Out dx) = nullptr;
  void (*add_sum_of_squares)(const Stream&, const Tensor& x, Out sum) = nullptr;
  void (*mean_squares)(const Stream&, const Tensor& x, Out rows, Out columns) = nullptr;

  void (*topk)(const Stream&, const Tensor& x, int64_t k, Out values, Out indices) = nullptr;
  void (*take)(const Stream&, const Tensor& x, const Tensor& idx, Out y) = nullptr;
  void (*put_add)(const Stream&, const Tensor& x, const Tensor& idx, Out y) = nullptr;
  void (*gather_rows)(const Stream&, const Tensor& x, const Tensor& rows, Out y) = nullptr;
  void (*scatter_add_rows)(const Stream&, const Tensor& x, const Tensor& rows, Out y) = nullptr;
  void (*bincount)(const Stream&, const Tensor& idx, Out counts) = nullptr;

  void (*elementwise)(const Stream&, const ElementwiseProgram& program,
                      std::span<const tensor::Tensor> io, std::span<const float> constants,
                      const ElementwiseDomain& domain) = nullptr;
  void (*random_fill)(const Stream&, const RandomFill& fill, Out y) = nullptr;
  void (*round_stochastically)(const Stream&, const StochasticRounding& rounding, const Tensor& x,
                               Out y) = nullptr;
};

/// The kernels of the CPU; none is missing.
[[nodiscard]] Kernels cpu_kernels();
/// In the CUDA module only. What has no kernel there stays null.
[[nodiscard]] Kernels cuda_kernels();

}  // namespace switchyard::ops::generic
