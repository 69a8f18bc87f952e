#include "ops/generic/kernels_cpu.h"

namespace switchyard::ops::generic {

Kernels cpu_kernels() {
  return {.unary = cpu::unary,
          .binary = cpu::binary,
          .affine = cpu::affine,
          .act = cpu::act,
          .act_grad = cpu::act_grad,
          .fill = cpu::fill,
          .iota = cpu::iota,
          .where = cpu::where,
          .reduce = cpu::reduce,
          .softmax = cpu::softmax,
          .softmax_grad = cpu::softmax_grad,
          .count_nonfinite = cpu::count_nonfinite,
          .squared_variation = cpu::squared_variation,
          .squared_variation_grad = cpu::squared_variation_grad,
          .add_sum_of_squares = cpu::add_sum_of_squares,
          .mean_squares = cpu::mean_squares,
          .topk = cpu::topk,
          .take = cpu::take,
          .put_add = cpu::put_add,
          .gather_rows = cpu::gather_rows,
          .scatter_add_rows = cpu::scatter_add_rows,
          .bincount = cpu::bincount,
          .elementwise = cpu::elementwise,
          .random_fill = cpu::random_fill,
          .round_stochastically = cpu::round_stochastically};
}

}  // namespace switchyard::ops::generic
