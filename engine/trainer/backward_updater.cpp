#include "trainer/backward_updater.h"

#include <cmath>

#include "core/rng.h"
#include "ops/generic/random.h"
#include "ops/generic/reduce.h"

namespace switchyard::trainer {

namespace {

// Only called once a slice is known to hold something that is not finite.
int64_t first_bad_expert(const tensor::ParameterSlice& slice) {
  const int64_t values = slice.grad.count() / slice.grad.size(0);
  const auto* grad = slice.grad.data<float>();
  int64_t i = 0;
  while (i + 1 < slice.grad.count() && std::isfinite(grad[i])) {
    ++i;
  }
  return slice.first + i / values;
}

}  // namespace

void BackwardUpdater::update(const tensor::ParameterSlice& slice) {
  const tensor::Parameter& parameter = *slice.parameter;
  if (!std::isfinite(ops::generic::sum_of_squares(step_.backend, slice.grad))) {
    core::fail(core::ErrorCode::kNumeric,
               "step {}: the gradient of '{}', expert {}, is not finite, and experts before it are "
               "updated already: resume from the newest checkpoint with a lower "
               "schedule.learning_rate, or set model.moe.update_in_backward = false",
               step_.step, parameter.name, first_bad_expert(slice));
  }
  optimizer_.step_slice(step_, slice);
  if (parameter.dtype == tensor::DType::kBf16) {
    const int64_t count = slice.value.size(0);
    const int64_t values = slice.value.count() / count;
    ops::generic::round_stochastically(
        step_.backend,
        {.key = core::rng_key(seed_, parameter.name,
                              static_cast<uint32_t>(core::RngPurpose::kRounding)),
         .position = {.step = step_.step},
         .first_element = slice.first * values},
        slice.value, parameter.value.slice(0, slice.first, slice.first + count));
  }
}

}  // namespace switchyard::trainer
