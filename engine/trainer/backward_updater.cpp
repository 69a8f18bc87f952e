#include "trainer/backward_updater.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "core/rng.h"
#include "ops/generic/random.h"
#include "ops/generic/reduce.h"

namespace switchyard::trainer {

namespace {

// Called only for a slice that is known to contain a value that is not finite.
int64_t first_bad_expert(tensor::Device& device, const tensor::ParameterSlice& slice) {
  const int64_t values = slice.grad.count() / slice.grad.size(0);
  const tensor::HostView<float> grad = device.read_back<float>(slice.grad);
  const auto bad =
      std::find_if_not(grad.begin(), grad.end(), [](float g) { return std::isfinite(g); });
  const int64_t index = std::min(std::distance(grad.begin(), bad), slice.grad.count() - 1);
  return slice.first + index / values;
}

}  // namespace

bool BackwardUpdater::is_finite(const tensor::Tensor& grad) const {
  tensor::Device& device = *step_.backend.device;
  const tensor::ScratchScope scope(*step_.scratch);
  const tensor::Tensor squares = step_.scratch->take(tensor::DType::kF64, {1});
  device.clear(squares);
  ops::generic::add_sum_of_squares(step_.backend, grad, squares);
  return std::isfinite(device.read_back<double>(squares)[0]);
}

void BackwardUpdater::update(const tensor::ParameterSlice& slice) {
  const tensor::Parameter& parameter = *slice.parameter;
  tensor::Device& device = *step_.backend.device;
  if (!is_finite(slice.grad)) {
    core::fail(core::ErrorCode::kNumeric,
               "step {}: the gradient of '{}', expert {}, is not finite, and experts before it are "
               "updated already: resume from the newest checkpoint with a lower "
               "schedule.learning_rate, or set model.moe.update_in_backward = false",
               step_.step, parameter.name, first_bad_expert(device, slice));
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
