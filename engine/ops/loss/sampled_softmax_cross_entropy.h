#pragma once

#include "ops/backend.h"
#include "tensor/out.h"

namespace switchyard::ops::loss {

/// Values of `hits` that are not the index of a sampled class.
inline constexpr int32_t kTargetNotSampled = -1;
inline constexpr int32_t kTokenDoesNotCount = -2;

/// Cross-entropy of each token's target against classes that all tokens share:
///
///   nll_t = log(e^target_t + sum over j != hits_t of e^(logits_tj + offsets_j)) - target_t
///
/// Also writes the gradient of grad_scale * sum of nll in place of logits and target.
///
///   offsets  [K]      bias - ln Q of each sampled class
///   hits     [T] i32  where the target is among the sampled classes, so that it counts once; or a
///                     constant above
///   logits   [T, K]   of the sampled classes, without offsets; 0 afterwards at hits_t and in rows
///                     that do not count
///   target   [T]      logit of the target, with its bias - ln Q
///   nll      [T]      in nats; 0 where a token does not count
///
/// Source: Jozefowicz et al. 2016, arXiv:1602.02410, section 3.1.
void sampled_softmax_cross_entropy_with_grad(const Backend& backend, const tensor::Tensor& offsets,
                                             const tensor::Tensor& hits, double grad_scale,
                                             tensor::Out logits, tensor::Out target,
                                             tensor::Out nll);

}  // namespace switchyard::ops::loss
