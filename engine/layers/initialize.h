#pragma once

#include <cstdint>

#include "ops/backend.h"
#include "tensor/parameter.h"

namespace switchyard::layers {

/// Fills every parameter with its initial values. Value i of a parameter is decided by the seed,
/// the parameter's name and i alone; bf16 values are the nearest ones. Parameters must be
/// allocated, on the device of `backend`.
void initialize(const ops::Backend& backend, tensor::ParameterSet& parameters, uint64_t seed);

/// Uniform with mean 0 and variance scale^2 / fan_in.
[[nodiscard]] tensor::Init uniform_fan_in(int64_t fan_in, double scale);
/// Uniform in [-range, range); zero where range is 0.
[[nodiscard]] tensor::Init uniform_within(double range);

}  // namespace switchyard::layers
