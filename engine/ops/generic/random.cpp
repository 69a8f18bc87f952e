#include "ops/generic/random.h"

#include "ops/generic/checks.h"
#include "ops/kernels.h"

namespace switchyard::ops::generic {

namespace {

void require_distribution(const RandomFill& fill) {
  switch (fill.distribution) {
    case Distribution::kUniform:
      core::require(fill.a <= fill.b, "fill_random: a uniform needs a <= b, got {} and {}", fill.a,
                    fill.b);
      return;
    case Distribution::kNormal:
    case Distribution::kGumbel:
      core::require(fill.b >= 0.0, "fill_random: the scale b must be 0 or more, got {}", fill.b);
      return;
    case Distribution::kBernoulli:
      core::require(fill.a >= 0.0 && fill.a <= 1.0,
                    "fill_random: a probability must be in [0, 1], got {}", fill.a);
      return;
  }
  core::fail(core::ErrorCode::kInvalidArgument, "fill_random: there is no distribution number {}",
             static_cast<int32_t>(fill.distribution));
}

}  // namespace

void fill_random(const Backend& backend, const RandomFill& fill, tensor::Out y) {
  require_tensors("fill_random", backend, tensor::DType::kF32, {{"y", y}});
  require_contiguous("fill_random", {"y", y});
  require_distribution(fill);
  core::require(fill.token_base >= 0 && fill.token_stride >= 0,
                "fill_random: token_base and token_stride must be 0 or more, got {} and {}",
                fill.token_base, fill.token_stride);
  const auto kernel = backend.kernels->generic.random_fill;
  require_kernel(kernel != nullptr, "fill_random", backend);
  kernel(backend.stream, fill, y);
}

void round_stochastically(const Backend& backend, const StochasticRounding& rounding,
                          const tensor::Tensor& x, tensor::Out y) {
  constexpr const char* kOp = "round_stochastically";
  require_tensors(kOp, backend, tensor::DType::kF32, {{"x", x}});
  require_tensors(kOp, backend, tensor::DType::kBf16, {{"y", y}});
  require_contiguous(kOp, {"x", x});
  require_contiguous(kOp, {"y", y});
  core::require(x.shape() == y->shape(), "{}: x and y must have one shape, got {} and {}", kOp,
                x.shape(), y->shape());
  core::require(rounding.first_element >= 0, "{}: first_element must be 0 or more, got {}", kOp,
                rounding.first_element);
  const auto kernel = backend.kernels->generic.round_stochastically;
  require_kernel(kernel != nullptr, kOp, backend);
  kernel(backend.stream, rounding, x, y);
}

}  // namespace switchyard::ops::generic
