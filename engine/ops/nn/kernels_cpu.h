#pragma once

#include "ops/nn/kernels.h"

namespace switchyard::ops::nn::cpu {

void embedding(const tensor::Stream& stream, const EmbeddingDims& n, float* out, const float* table,
               const int32_t* tokens);
void embedding_grad(const tensor::Stream& stream, const EmbeddingDims& n, float* grad_table,
                    const float* grad_out, const int32_t* tokens);
int64_t lstm_scratch_floats(const tensor::Stream& stream, const LstmDims& n);
void lstm(const tensor::Stream& stream, const LstmDims& n, const LstmBuffers& b);
void lstm_grad(const tensor::Stream& stream, const LstmDims& n, const LstmBuffers& b,
               const LstmGradBuffers& g);
void lstm_cell(const tensor::Stream& stream, const LstmCellDims& n, const LstmCellBuffers& b);
void lstm_cell_grad(const tensor::Stream& stream, const LstmCellDims& n, const LstmCellBuffers& b,
                    const LstmCellGradBuffers& g);
void residual_dropout(const tensor::Stream& stream, const DropoutDims& n, float* out,
                      const float* residual, float* v, uint8_t* kept);
void residual_dropout_grad(const tensor::Stream& stream, const DropoutDims& n, float* grad_v,
                           const float* grad_out, const float* activated, const uint8_t* kept);
void copy_column(const tensor::Stream& stream, int64_t rows, int64_t bytes, const void* column,
                 int64_t stride, void* out);
void add_column_sums(const tensor::Stream& stream, float* sums, linalg::MatrixView x, int64_t rows,
                     int64_t columns);

}  // namespace switchyard::ops::nn::cpu
