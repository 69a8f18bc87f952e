#include "trainer/learner.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "layers/gradient.h"
#include "layers/initialize.h"
#include "ops/generic/affine.h"
#include "ops/linalg/tiled_gemm.h"
#include "optim/clipping.h"
#include "tensor/host_memory.h"

namespace switchyard::trainer {

using tensor::DType;
using tensor::Tensor;

LearnerConfig learner_config(const TrainerConfig& config) {
  return {.model = models::with_training_batch(
              config.model,
              {.num_streams = config.data.batch_size, .num_steps = config.data.sequence_length}),
          .batch_size = config.data.batch_size,
          .seed = config.train.seed,
          .clip_norm = config.train.clip_norm,
          .compute = config.train.compute};
}

LearnerConfig learner_config(const TrainerConfig& config, const data::Dataset& dataset) {
  LearnerConfig learner = learner_config(config);
  learner.model = models::with_vocabulary(std::move(learner.model), dataset);
  return learner;
}

bool StepOutcome::is_finite() const {
  return std::isfinite(nll) && std::isfinite(aux_loss) && std::isfinite(grad_norm);
}

Learner::Learner(const LearnerConfig& config, tensor::Device& device,
                 layers::ComponentFactory& factory, std::unique_ptr<optim::Optimizer> optimizer)
    : config_(config),
      device_(device),
      backend_(ops::backend_on(device_, config.compute)),
      workspace_(backend_),
      model_(models::make_model(config.model, factory, parameters_)),
      optimizer_(std::move(optimizer)) {
  if (optimizer_ != nullptr) {
    optimizer_->plan(parameters_.trained());
    backward_updater_.emplace(*optimizer_, config.seed);
  }
}

void Learner::allocate() {
  parameters_.allocate_values(device_.memory());
  layers::initialize(backend_, parameters_, config_.seed);
  if (optimizer_ == nullptr) {
    return;
  }
  parameters_.allocate_gradients(device_.memory());
  optimizer_->allocate(device_.memory());
  state_ = fresh_state(config_.batch_size);
  grad_scale_ = Tensor::zeros(DType::kF32, {1}, device_);
  unclipped_ = Tensor::zeros(DType::kF32, {1}, device_);
  ops::generic::fill(backend_, 1.0, unclipped_);
  squared_norm_ = Tensor::zeros(DType::kF64, {1}, device_);
}

StepOutcome Learner::compute_gradients(const data::Batch& batch, int64_t step,
                                       double learning_rate) {
  core::require(has_optimizer(), "Learner: a learner without an optimizer cannot train");
  layers::Pass& pass = workspace_.begin(layers::Mode::kTrain, config_.seed, step);
  backward_updater_->begin({.backend = backend_,
                            .scratch = pass.scratch,
                            .step = step,
                            .learning_rate = learning_rate,
                            .grad_scale = unclipped_});
  pass.slice_updater = &*backward_updater_;
  StepOutcome outcome = {.num_words = batch.num_words};
  const double grad_scale = 1.0 / static_cast<double>(std::max<int64_t>(batch.num_words, 1));
  const models::Losses losses = model_->train(batch, grad_scale, state_, pass);
  outcome.nll = losses.nll;
  outcome.aux_loss = losses.balance;
  layers::settle_gradients(backend_, parameters_);
  optim::squared_grad_norm(backend_, parameters_, squared_norm_);
  outcome.grad_norm = std::sqrt(device_.read_back<double>(squared_norm_)[0]);
  return outcome;
}

void Learner::update(const StepOutcome& outcome, int64_t step, double learning_rate) {
  layers::Pass& pass = workspace_.pass();
  ops::generic::fill(backend_, optim::clip_factor(outcome.grad_norm, config_.clip_norm),
                     grad_scale_);
  optimizer_->step({.backend = backend_,
                    .scratch = pass.scratch,
                    .step = step,
                    .learning_rate = learning_rate,
                    .grad_scale = grad_scale_});
  drop_gradients();
  for (layers::Routed* layer : model_->moe_layers()) {
    layer->step_end(pass);
  }
}

void Learner::drop_gradients() {
  for (tensor::Parameter& parameter : parameters_.all()) {
    parameter.drop_grad();
  }
}

models::CarriedState Learner::fresh_state(int64_t num_streams) {
  return model_->make_state(num_streams, device_.memory());
}

double Learner::evaluate(const data::Batch& batch, models::CarriedState& state) {
  return model_->evaluate(batch, state, workspace_.begin(layers::Mode::kEvaluate, config_.seed, 0));
}

std::unique_ptr<models::Decoding> Learner::begin_decoding(int64_t num_rows) {
  return model_->begin(num_rows, device_.memory());
}

Tensor Learner::decode(models::Decoding& texts, std::span<const int32_t> tokens) {
  layers::Pass& pass = workspace_.begin(layers::Mode::kEvaluate, config_.seed, 0);
  const auto R = static_cast<int64_t>(tokens.size());
  const Tensor read = pass.take(DType::kI32, {R});
  device_.upload(tokens, read);
  const Tensor logits = pass.take(DType::kF32, {R, model_->vocab_size()});
  texts.next(read, logits, pass);
  return logits;
}

namespace {

template <typename T, typename IsFinite>
int64_t first_without(tensor::Device& device, const Tensor& tensor, const IsFinite& is_finite) {
  const tensor::HostView<T> values = device.read_back<T>(tensor);
  const auto found = std::find_if_not(values.begin(), values.end(), is_finite);
  return found == values.end() ? -1 : std::distance(values.begin(), found);
}

// Index of the first value that is NaN or infinite, or -1.
int64_t first_nonfinite(tensor::Device& device, const Tensor& values) {
  if (values.dtype() == DType::kBf16) {
    return first_without<tensor::Bf16>(
        device, values, [](tensor::Bf16 value) { return (value.bits & 0x7F80U) != 0x7F80U; });
  }
  return first_without<float>(device, values, [](float value) { return std::isfinite(value); });
}

std::string place_of(const tensor::Parameter& parameter, const char* what, int64_t index) {
  if (parameter.expert_dim == 0 && parameter.shape[0] > 0) {
    const int64_t expert = index / (parameter.shape.count() / parameter.shape[0]);
    return fmt::format("{} of '{}', expert {}", what, parameter.name, expert);
  }
  return fmt::format("{} of '{}'", what, parameter.name);
}

}  // namespace

std::string Learner::find_nonfinite() {
  const auto& all = parameters_.all();
  for (const tensor::Parameter& parameter : all) {
    const int64_t index = first_nonfinite(device_, parameter.value);
    if (index >= 0) {
      return place_of(parameter, "the value", index);
    }
  }
  // In reverse order, because a gradient that is not finite spoils those of earlier layers.
  for (auto parameter = all.rbegin(); parameter != all.rend(); ++parameter) {
    const int64_t index =
        parameter->has_grad() ? first_nonfinite(device_, parameter->grad_values()) : -1;
    if (index >= 0) {
      return place_of(*parameter, "the gradient", index);
    }
  }
  return "";
}

namespace {

double bytes_taken(double bytes) {
  return static_cast<double>(tensor::host_bytes_taken(std::llround(bytes)));
}

// Memory for the packed left factors of products, one per thread; the rows of a step are the
// largest.
double packed_bytes(int64_t num_tokens, int num_threads) {
  return static_cast<double>(ops::linalg::tiled_left_floats(num_tokens)) * sizeof(float) *
         num_threads;
}

double bytes_of(const tensor::Shape& shape, DType dtype) {
  return static_cast<double>(shape.count()) * static_cast<double>(tensor::size_of(dtype));
}

}  // namespace

LearnerMemory Learner::predicted_memory(int64_t num_steps) {
  const int64_t B = config_.batch_size;
  LearnerMemory memory;
  for (const tensor::Parameter& parameter : parameters_.all()) {
    memory.parameters += bytes_taken(bytes_of(parameter.shape, parameter.dtype));
    memory.gradients += bytes_taken(layers::gradient_bytes(parameter, B * num_steps));
  }
  for (const optim::StateTensor* state : optimizer_->state()) {
    memory.optimizer_state += bytes_taken(bytes_of(state->shape, DType::kF32));
  }
  const layers::StepMemory step = model_->step_memory(B, num_steps);
  memory.activations = bytes_taken(step.kept);
  memory.scratch = bytes_taken(step.scratch) +
                   packed_bytes(B * num_steps, device_.stream().threads->num_threads());
  return memory;
}

std::vector<core::OpaqueState*> Learner::opaque_states() {
  std::vector<core::OpaqueState*> all = parameters_.opaque_states();
  if (optimizer_ != nullptr) {
    const std::vector<core::OpaqueState*> of_optimizer = optimizer_->opaque_states();
    all.insert(all.end(), of_optimizer.begin(), of_optimizer.end());
  }
  return all;
}

}  // namespace switchyard::trainer
