#include "layers/initialize.h"

#include <cmath>
#include <numbers>

#include "core/rng.h"

namespace switchyard::layers {

namespace {

using core::unit_float;

// Element i of a normal distribution by Box and Muller, from words 2 (i % 2) and 2 (i % 2) + 1 of
// block i / 2.
double normal_at(core::RngKey key, uint64_t i) {
  const auto words = core::philox4x32_10(core::rng_counter({}, i / 2), key);
  const size_t first = 2 * (i % 2);
  const double radius = std::sqrt(-2.0 * std::log(1.0 - unit_float(words[first])));
  return radius * std::cos(2.0 * std::numbers::pi * unit_float(words[first + 1]));
}

double value_at(const tensor::Init& init, core::RngKey key, uint64_t i) {
  switch (init.kind) {
    case tensor::InitKind::kZero:
      return 0.0;
    case tensor::InitKind::kConstant:
      return init.a;
    case tensor::InitKind::kNormal:
      return init.a + init.b * normal_at(key, i);
    case tensor::InitKind::kTruncatedNormal: {
      // Redrawn from far-away elements until it lies within two standard deviations.
      uint64_t element = i;
      double z = normal_at(key, element);
      while (std::abs(z) > 2.0) {
        element += uint64_t{1} << 40U;
        z = normal_at(key, element);
      }
      return init.a + init.b * z;
    }
    case tensor::InitKind::kUniform:
      return init.a + (init.b - init.a) * unit_float(core::random_word(key, {}, i));
  }
  return 0.0;
}

}  // namespace

void initialize(tensor::ParameterSet& parameters, uint64_t seed) {
  for (tensor::Parameter& parameter : parameters.all()) {
    const core::RngKey key =
        core::rng_key(seed, parameter.name, static_cast<uint32_t>(core::RngPurpose::kInit));
    core::require(parameter.dtype == tensor::DType::kF32, "initialize: '", parameter.name,
                  "' must be f32, got ", tensor::name_of(parameter.dtype));
    auto* values = parameter.value.data<float>();
    for (int64_t i = 0; i < parameter.value.count(); ++i) {
      values[i] = static_cast<float>(value_at(parameter.init, key, static_cast<uint64_t>(i)));
    }
  }
}

tensor::Init uniform_fan_in(int64_t fan_in, double scale) {
  const double bound = scale * std::sqrt(3.0 / static_cast<double>(fan_in));
  return uniform_within(bound);
}

tensor::Init uniform_within(double range) {
  return {.kind = tensor::InitKind::kUniform, .a = -range, .b = range};
}

}  // namespace switchyard::layers
