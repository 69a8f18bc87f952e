#pragma once

#include "ops/generic/kernels.h"
#include "tensor/out.h"

// The CPU kernels, one function per entry of Kernels.
namespace switchyard::ops::generic::cpu {

using tensor::Out;
using tensor::Stream;
using tensor::Tensor;

void unary(const Stream& stream, Unary op, const Tensor& x, Out y);
void binary(const Stream& stream, Binary op, const Tensor& a, const Tensor& b, Out y);
void affine(const Stream& stream, const Tensor& x, double mul, double add, Out y);
void act(const Stream& stream, Activation kind, const Tensor& x, Out y);
void act_grad(const Stream& stream, Activation kind, const Tensor& x, const Tensor& dy, Out dx);
void fill(const Stream& stream, double value, Out y);
void iota(const Stream& stream, Out y);
void where(const Stream& stream, const Tensor& condition, const Tensor& a, const Tensor& b, Out y);

void reduce(const Stream& stream, Reduction op, const Tensor& x, int axis, double beta, Out y);
void softmax(const Stream& stream, const Tensor& x, Out y);
void softmax_grad(const Stream& stream, const Tensor& y, const Tensor& dy, Out dx);
void count_nonfinite(const Stream& stream, const Tensor& x, Out n);
void squared_variation(const Stream& stream, const Tensor& x, double weight, Out y);
void squared_variation_grad(const Stream& stream, const Tensor& x, double weight, const Tensor& dy,
                            Out dx);
void add_sum_of_squares(const Stream& stream, const Tensor& x, Out sum);
void mean_squares(const Stream& stream, const Tensor& x, Out rows, Out columns);

void topk(const Stream& stream, const Tensor& x, int64_t k, Out values, Out indices);
void take(const Stream& stream, const Tensor& x, const Tensor& idx, Out y);
void put_add(const Stream& stream, const Tensor& x, const Tensor& idx, Out y);
void gather_rows(const Stream& stream, const Tensor& x, const Tensor& rows, Out y);
void scatter_add_rows(const Stream& stream, const Tensor& x, const Tensor& rows, Out y);
void bincount(const Stream& stream, const Tensor& idx, Out counts);

void elementwise(const Stream& stream, const ElementwiseProgram& program,
                 std::span<const Tensor> io, std::span<const float> constants,
                 const ElementwiseDomain& domain);
void random_fill(const Stream& stream, const RandomFill& fill, Out y);
void round_stochastically(const Stream& stream, const StochasticRounding& rounding, const Tensor& x,
                          Out y);

}  // namespace switchyard::ops::generic::cpu
