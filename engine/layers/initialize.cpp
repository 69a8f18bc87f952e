#include "layers/initialize.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "core/rng.h"
#include "ops/generic/affine.h"
#include "ops/generic/random.h"

namespace switchyard::layers {

namespace {

using core::unit_float;

constexpr int64_t kPart = int64_t{1} << 20U;  // values computed at a time

// Element i of a normal distribution by Box and Muller, from words 2 (i % 2) and 2 (i % 2) + 1 of
// block i / 2.
double normal_at(core::RngKey key, uint64_t i) {
  const auto words = core::philox4x32_10(core::rng_counter({}, i / 2), key);
  const size_t first = 2 * (i % 2);
  const double radius = std::sqrt(-2.0 * std::log(1.0 - unit_float(words[first])));
  return radius * std::cos(2.0 * std::numbers::pi * unit_float(words[first + 1]));
}

float truncated_normal_at(const tensor::Init& init, core::RngKey key, uint64_t element) {
  // Redrawn from far-away elements until it lies within two standard deviations.
  double z = normal_at(key, element);
  while (std::abs(z) > 2.0) {
    element += uint64_t{1} << 40U;
    z = normal_at(key, element);
  }
  return static_cast<float>(init.a + init.b * z);
}

// On the host, a piece at a time.
void fill_truncated_normal(const ops::Backend& backend, const tensor::Init& init, core::RngKey key,
                           int64_t first, const tensor::Tensor& values) {
  std::vector<float> piece(static_cast<size_t>(std::min(kPart, values.count())));
  for (int64_t begin = 0; begin < values.count(); begin += kPart) {
    const int64_t end = std::min(begin + kPart, values.count());
    piece.resize(static_cast<size_t>(end - begin));
    auto element = static_cast<uint64_t>(first + begin);
    for (float& value : piece) {
      value = truncated_normal_at(init, key, element++);
    }
    backend.device->upload<float>(piece, values.slice(0, begin, end));
  }
}

// Values first ... first + values.count() of a parameter.
void fill_part(const ops::Backend& backend, const tensor::Init& init, core::RngKey key,
               int64_t first, const tensor::Tensor& values) {
  using ops::generic::Distribution;
  ops::generic::RandomFill random = {.a = init.a, .b = init.b, .key = key, .token_base = first};
  switch (init.kind) {
    case tensor::InitKind::kZero:
      return ops::generic::fill(backend, 0.0, values);
    case tensor::InitKind::kConstant:
      return ops::generic::fill(backend, init.a, values);
    case tensor::InitKind::kNormal:
      random.distribution = Distribution::kNormal;
      return ops::generic::fill_random(backend, random, values);
    case tensor::InitKind::kTruncatedNormal:
      return fill_truncated_normal(backend, init, key, first, values);
    case tensor::InitKind::kUniform:
      random.distribution = Distribution::kUniform;
      return ops::generic::fill_random(backend, random, values);
  }
}

void fill_parameter(const ops::Backend& backend, const tensor::Parameter& parameter,
                    core::RngKey key, const tensor::Tensor& part) {
  const tensor::Tensor all = parameter.value.reshape({parameter.value.count()});
  if (parameter.dtype == tensor::DType::kF32) {
    return fill_part(backend, parameter.init, key, 0, all);
  }
  core::require(parameter.dtype == tensor::DType::kBf16,
                "initialize: '{}' must be f32 or bf16, got {}", parameter.name,
                tensor::name_of(parameter.dtype));
  for (int64_t first = 0; first < all.count(); first += part.count()) {
    const int64_t end = std::min(first + part.count(), all.count());
    const tensor::Tensor values = part.slice(0, 0, end - first);
    fill_part(backend, parameter.init, key, first, values);
    ops::generic::affine(backend, values, 1.0, 0.0, all.slice(0, first, end));
  }
}

}  // namespace

void initialize(const ops::Backend& backend, tensor::ParameterSet& parameters, uint64_t seed) {
  const tensor::Tensor part =
      tensor::Tensor::empty(tensor::DType::kF32, {kPart}, backend.device->memory());
  for (const tensor::Parameter& parameter : parameters.all()) {
    const core::RngKey key =
        core::rng_key(seed, parameter.name, static_cast<uint32_t>(core::RngPurpose::kInit));
    fill_parameter(backend, parameter, key, part);
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
