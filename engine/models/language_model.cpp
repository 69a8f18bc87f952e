#include "models/language_model.h"

#include <algorithm>
#include <span>
#include <utility>

#include "layers/initialize.h"
#include "ops/generic/affine.h"
#include "ops/generic/pointwise.h"
#include "ops/generic/select.h"
#include "ops/generic/where.h"

namespace switchyard::models {

using ops::nn::OutputActivation;
using tensor::DType;
using tensor::Tensor;

namespace {

LanguageModelConfig checked(LanguageModelConfig config) {
  core::require(config.vocab_size > 1, "model: the vocabulary must have 2 words or more, got {}",
                config.vocab_size);
  const SoftmaxConfig& softmax = config.softmax;
  core::require(softmax.sampled >= 0 && softmax.sampled <= config.vocab_size,
                "model.softmax.sampled must be 0 ... {}, the size of the vocabulary, got {}",
                config.vocab_size, softmax.sampled);
  core::require(!softmax.tied || softmax.sampled > 0 || !config.embedding.sparse_gradient,
                "model.embedding.sparse_gradient: a full softmax touches every row of the table "
                "that it shares; set model.softmax.sampled, or model.softmax.tied = false");
  return config;
}

tensor::Init outer_init(const LanguageModelConfig& config) {
  return config.init_range > 0.0 ? layers::uniform_within(config.init_range)
                                 : layers::uniform_fan_in(config.d_model, config.init_scale);
}

layers::Embedding::Config embedding_config(const LanguageModelConfig& config) {
  tensor::TouchedRows touched_rows;
  if (config.embedding.sparse_gradient) {
    touched_rows.per_token = config.softmax.tied ? 2 : 1;  // word and target
    touched_rows.fixed = config.softmax.tied ? config.softmax.sampled : 0;
  }
  return {.vocab_size = config.vocab_size,
          .d_model = config.d_model,
          .init = outer_init(config),
          .touched_rows = touched_rows};
}

layers::SoftmaxHead::Config head_config(const LanguageModelConfig& config,
                                        const layers::Embedding& embedding) {
  const bool is_sampled = config.softmax.sampled > 0;
  layers::SoftmaxHead::Config head = {
      .d_model = config.d_model, .vocab_size = config.vocab_size, .init = outer_init(config)};
  if (is_sampled || config.softmax.tied) {
    head.layout = layers::SoftmaxHead::Layout::kTable;
  }
  if (is_sampled) {
    head.touched_rows = {.per_token = 1, .fixed = config.softmax.sampled};
  }
  if (config.softmax.tied) {
    head.tied_to = &embedding.table();
  }
  return head;
}

layers::ClassSampler sampler_of(const LanguageModelConfig& config) {
  const SoftmaxConfig& softmax = config.softmax;
  if (softmax.sampler == layers::Proposal::kLogUniform) {
    return layers::ClassSampler::log_uniform(config.vocab_size);
  }
  const auto V = static_cast<size_t>(config.vocab_size);
  core::require(softmax.word_counts.empty() || softmax.word_counts.size() == V,
                "model.softmax.sampler: there must be {} counts of words, got {}", V,
                softmax.word_counts.size());
  return layers::ClassSampler::unigram(
      softmax.word_counts.empty() ? std::vector<int64_t>(V, 1) : softmax.word_counts,
      softmax.unigram_power);
}

std::optional<layers::SampledSoftmax> sampled_softmax(const LanguageModelConfig& config,
                                                      const layers::SoftmaxHead& head) {
  if (config.softmax.sampled == 0) {
    return std::nullopt;
  }
  return std::make_optional<layers::SampledSoftmax>(
      "softmax", config.softmax.sampled, sampler_of(config), head.weights(), head.bias());
}

StackConfig stack_config(const LanguageModelConfig& config) {
  return {.d_model = config.d_model,
          .dropout = config.dropout,
          .layers = config.layers,
          .residual = config.residual,
          .lstm = config.lstm,
          .recurrent_moe = config.recurrent_moe,
          .moe = config.moe,
          .moe_output = config.moe_output,
          .init_scale = config.init_scale,
          .training = config.training};
}

// [B * S] i32: row b S + s is of stream b.
Tensor streams_of(int64_t num_streams, int64_t num_steps, layers::Pass& pass) {
  const Tensor streams = pass.take(DType::kI32, {num_streams, num_steps});
  const tensor::ScratchScope scope(*pass.scratch);
  const Tensor numbers = pass.scratch->take(DType::kI32, {num_streams, 1});
  ops::generic::iota(pass.backend, numbers);
  ops::generic::fill(pass.backend, 0.0, streams);
  ops::generic::binary(pass.backend, ops::generic::Binary::kAdd, streams, numbers, streams);
  return streams.reshape({streams.count()});
}

layers::SequenceInfo sequence_of(const data::Batch& batch) {
  return {.num_streams = batch.tokens.size(0),
          .num_steps = batch.tokens.size(1),
          .resets = batch.resets,
          .tokens = batch.tokens.reshape({batch.tokens.count()})};
}

Tensor targets_of(const data::Batch& batch) {
  return batch.targets.reshape({batch.targets.count()});
}

}  // namespace

LanguageModel::LanguageModel(const LanguageModelConfig& config, layers::ComponentFactory& factory,
                             tensor::ParameterSet& parameters)
    : config_(checked(config)),
      embedding_("embedding", embedding_config(config), parameters),
      embedding_dropout_("embedding", config.dropout, OutputActivation::kIdentity),
      head_("softmax", head_config(config, embedding_), parameters),
      sampled_(sampled_softmax(config, head_)),
      stack_({}, stack_config(config), factory, parameters) {
}

CarriedState LanguageModel::make_state(int64_t num_streams, tensor::Allocator& allocator) const {
  return stack_.make_state(num_streams, allocator);
}

Tensor LanguageModel::forward(const layers::SequenceInfo& sequence, CarriedState& state,
                              layers::Pass& pass) {
  const Tensor x =
      embedding_dropout_.forward(embedding_.forward(sequence.tokens, pass), Tensor(), pass);
  layers::SequenceInfo of_layers = sequence;
  if (!moe_layers().empty()) {
    of_layers.streams = streams_of(sequence.num_streams, sequence.num_steps, pass);
  }
  return stack_.forward(x, of_layers, state, pass);
}

// grad_x is the gradient of the last x and becomes that of the first.
void LanguageModel::backward(const layers::SequenceInfo& sequence, const Tensor& grad_x,
                             layers::Pass& pass) {
  stack_.backward(sequence, grad_x, pass);
  embedding_.backward(sequence.tokens, embedding_dropout_.backward(grad_x, pass), pass);
}

Losses LanguageModel::train(const data::Batch& batch, double grad_scale, CarriedState& state,
                            layers::Pass& pass) {
  const layers::SequenceInfo sequence = sequence_of(batch);
  const Tensor targets = targets_of(batch);
  const Tensor x = forward(sequence, state, pass);
  const Tensor grad_x = pass.take(DType::kF32, x.shape());
  Losses losses;
  const Tensor nll = sampled_ ? sampled_->loss_and_gradient(x, targets, grad_scale, grad_x, pass)
                              : head_.loss_and_gradient(x, targets, grad_scale, grad_x, pass);
  backward(sequence, grad_x, pass);
  tensor::Device& device = *pass.backend.device;
  losses.nll = device.read_back<double>(nll)[0];
  for (const layers::MoeTrace& trace : pass.traces) {
    losses.balance += device.read_back<float>(trace.routing.aux_loss)[0];
  }
  return losses;
}

double LanguageModel::evaluate(const data::Batch& batch, CarriedState& state, layers::Pass& pass) {
  const Tensor x = forward(sequence_of(batch), state, pass);
  return pass.backend.device->read_back<double>(head_.loss(x, targets_of(batch), pass))[0];
}

/// Texts whose past is held entirely by the state of the recurrent layers.
class LanguageModel::Texts final : public Decoding {
 public:
  Texts(LanguageModel& model, int64_t num_rows, tensor::Allocator& allocator)
      : model_(model),
        allocator_(allocator),
        num_rows_(num_rows),
        state_(model.make_state(num_rows, allocator)) {}

  [[nodiscard]] int64_t num_rows() const override { return num_rows_; }

  void next(const Tensor& tokens, const Tensor& logits, layers::Pass& pass) override {
    core::require(tokens.count() == num_rows_, "Decoding::next: there must be {} tokens, got {}",
                  num_rows_, tokens.count());
    const layers::SequenceInfo sequence = {
        .num_streams = num_rows_, .num_steps = 1, .tokens = tokens};
    model_.head_.logits(model_.forward(sequence, state_, pass), logits, pass);
  }

  void keep(std::span<const int32_t> parents, layers::Pass& pass) override {
    for (const int32_t parent : parents) {
      core::require(parent >= 0 && parent < num_rows_,
                    "Decoding::keep: a parent must be 0 ... {}, got {}", num_rows_ - 1, parent);
    }
    const auto R = static_cast<int64_t>(parents.size());
    const Tensor rows = pass.take(DType::kI32, {R});
    pass.backend.device->upload(parents, rows);
    CarriedState kept = model_.make_state(R, allocator_);
    for (size_t i = 0; i < state_.size(); ++i) {
      ops::generic::gather_rows(pass.backend, state_[i].h, rows, kept[i].h);
      ops::generic::gather_rows(pass.backend, state_[i].c, rows, kept[i].c);
    }
    state_ = std::move(kept);
    num_rows_ = R;
  }

 private:
  LanguageModel& model_;
  tensor::Allocator& allocator_;
  int64_t num_rows_;
  CarriedState state_;
};

std::unique_ptr<Decoding> LanguageModel::begin(int64_t num_rows, tensor::Allocator& allocator) {
  return std::make_unique<Texts>(*this, num_rows, allocator);
}

double LanguageModel::softmax_ops() const {
  const int64_t words = sampled_ ? config_.softmax.sampled : config_.vocab_size;
  return static_cast<double>(config_.d_model * words);
}

layers::StepMemory LanguageModel::step_memory(int64_t num_streams, int64_t num_steps) const {
  const int64_t T = num_streams * num_steps;
  const double rows = static_cast<double>(T * config_.d_model) * sizeof(float);
  const double mask = config_.dropout > 0.0 ? 0.25 * rows : 0.0;
  // The embedding keeps its rows, their values after dropout, and the gradients of both.
  layers::StepMemory memory = {.kept = 4.0 * rows + mask};
  if (!moe_layers().empty()) {
    memory.kept += static_cast<double>(T) * sizeof(int32_t);  // the streams of the tokens
  }
  memory += stack_.step_memory(num_streams, num_steps);
  memory += {.scratch = head_.scratch_bytes(T)};
  if (sampled_) {
    memory += {.scratch = sampled_->scratch_bytes(T)};  // evaluation uses the full softmax
  }
  return memory;
}

double LanguageModel::table_bytes() const {
  constexpr double kBytesPerWord = 28.0;  // two probabilities, an alias and the count
  const bool counts_words = sampled_ && config_.softmax.sampler == layers::Proposal::kUnigram;
  return counts_words ? kBytesPerWord * static_cast<double>(config_.vocab_size) : 0.0;
}

}  // namespace switchyard::models
