#pragma once

#include "ops/loss/kernels.h"

namespace switchyard::ops::loss::cpu {

void softmax_cross_entropy(const tensor::Stream& stream, const CrossEntropyDims& n, float* nll,
                           float* logits, const float* bias, const int32_t* targets,
                           int32_t with_grad);
void sampled_softmax_cross_entropy(const tensor::Stream& stream, const CrossEntropyDims& n,
                                   const SampledSoftmaxBuffers& b);
void find_hits(const tensor::Stream& stream, const SampleDims& n, const int32_t* sample,
               const int32_t* targets, int32_t* hits);
void subtract_log_counts(const tensor::Stream& stream, int64_t count, const float* bias,
                         const int32_t* classes, const double* log_counts, float* offsets);
void total(const tensor::Stream& stream, int64_t count, const float* nll, double* total);

}  // namespace switchyard::ops::loss::cpu
