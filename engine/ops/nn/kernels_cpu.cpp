#include "ops/nn/kernels_cpu.h"

namespace switchyard::ops::nn {

Kernels cpu_kernels() {
  return {.embedding = cpu::embedding,
          .embedding_grad = cpu::embedding_grad,
          .lstm_scratch_floats = cpu::lstm_scratch_floats,
          .lstm = cpu::lstm,
          .lstm_grad = cpu::lstm_grad,
          .lstm_cell = cpu::lstm_cell,
          .lstm_cell_grad = cpu::lstm_cell_grad,
          .residual_dropout = cpu::residual_dropout,
          .residual_dropout_grad = cpu::residual_dropout_grad,
          .add_column_sums = cpu::add_column_sums,
          .copy_column = cpu::copy_column};
}

}  // namespace switchyard::ops::nn
