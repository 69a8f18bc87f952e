#pragma once

#include "ops/generic/kernels.h"

// The CPU kernels, one function per entry of Kernels.
namespace switchyard::ops::generic::cpu {

using tensor::Stream;
using tensor::Tensor;

void unary(const Stream& stream, Unary op, const Tensor& x, const Tensor& y);
void binary(const Stream& stream, Binary op, const Tensor& a, const Tensor& b, const Tensor& y);
void affine(const Stream& stream, const Tensor& x, double mul, double add, const Tensor& y);
void act(const Stream& stream, Activation kind, const Tensor& x, const Tensor& y);
void act_grad(const Stream& stream, Activation kind, const Tensor& x, const Tensor& dy,
              const Tensor& dx);
void fill(const Stream& stream, double value, const Tensor& y);
void iota(const Stream& stream, const Tensor& y);
void where(const Stream& stream, const Tensor& condition, const Tensor& a, const Tensor& b,
           const Tensor& y);

void reduce(const Stream& stream, Reduction op, const Tensor& x, int axis, double beta,
            const Tensor& y);
void softmax(const Stream& stream, const Tensor& x, const Tensor& y);
void softmax_grad(const Stream& stream, const Tensor& y, const Tensor& dy, const Tensor& dx);
void count_nonfinite(const Stream& stream, const Tensor& x, const Tensor& n);
void add_sum_of_squares(const Stream& stream, const Tensor& x, const Tensor& sum);
void squared_variation(const Stream& stream, const Tensor& x, double weight, const Tensor& y);
void squared_variation_grad(const Stream& stream, const Tensor& x, double weight, const Tensor& dy,
                            const Tensor& dx);
void mean_squares(const Stream& stream, const Tensor& x, const Tensor& rows, const Tensor& columns);

void topk(const Stream& stream, const Tensor& x, int64_t k, const Tensor& values,
          const Tensor& indices);
void take(const Stream& stream, const Tensor& x, const Tensor& idx, const Tensor& y);
void put_add(const Stream& stream, const Tensor& x, const Tensor& idx, const Tensor& y);
void gather_rows(const Stream& stream, const Tensor& x, const Tensor& rows, const Tensor& y);
void scatter_add_rows(const Stream& stream, const Tensor& x, const Tensor& rows, const Tensor& y);
void bincount(const Stream& stream, const Tensor& idx, const Tensor& counts);

void elementwise(const Stream& stream, const ElementwiseProgram& program,
                 std::span<const Tensor> io, std::span<const float> constants,
                 const ElementwiseDomain& domain);
void random_fill(const Stream& stream, const RandomFill& fill, const Tensor& y);
void round_stochastically(const Stream& stream, const StochasticRounding& rounding, const Tensor& x,
                          const Tensor& y);

}  // namespace switchyard::ops::generic::cpu
