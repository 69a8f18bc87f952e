#pragma once

#include "ops/backend.h"
#include "tensor/out.h"

namespace switchyard::ops::loss {

/// Finds each target in a sample of classes. The entry of a target that is not there says why:
/// kTargetNotSampled or kTokenDoesNotCount (sampled_softmax_cross_entropy.h).
///
///   sample   [K] i32  ascending
///   targets  [T] i32  -1: does not count
///   hits     [T] i32
void find_hits(const Backend& backend, const tensor::Tensor& sample, const tensor::Tensor& targets,
               tensor::Out hits);

/// offsets[i] = bias[classes[i]] - log_counts[i], computed in double; 0 where the class is -1.
///
///   bias        [V] f32
///   classes     [n] i32  in [-1, V)
///   log_counts  [n] f64  ln Q of each class
///   offsets     [n] f32
void subtract_log_counts(const Backend& backend, const tensor::Tensor& bias,
                         const tensor::Tensor& classes, const tensor::Tensor& log_counts,
                         tensor::Out offsets);

}  // namespace switchyard::ops::loss
