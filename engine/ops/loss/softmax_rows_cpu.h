#pragma once

#include <cstdint>

namespace switchyard::ops::loss {

/// logits [V] += bias [V]; returns the largest.
float add_bias(int64_t V, float* logits, const float* bias);
/// logits [V] = exp(logits - largest); returns their sum.
float exponentiate(int64_t V, float* logits, float largest);
/// row [V] *= factor.
void scale_row(int64_t V, float* row, float factor);

}  // namespace switchyard::ops::loss
