#include "layers/moe/recurrent_moe.h"

#include <algorithm>
#include <utility>

#include "layers/gradient.h"
#include "layers/initialize.h"
#include "ops/generic/pointwise.h"
#include "ops/linalg/matmul.h"
#include "ops/nn/column_sums.h"
#include "ops/nn/copy_column.h"

namespace switchyard::layers {

using ops::generic::Binary;
using ops::linalg::Transpose;
using tensor::DType;
using tensor::Tensor;

namespace {

MixturePlace place_of(const std::string& name, int32_t index, const LstmConfig& lstm) {
  return {
      .name = name, .index = index, .d_in = lstm.d_in + lstm.outputs(), .d_out = 4 * lstm.units};
}

const MoeConfig& checked(const std::string& name, const RecurrentMoeConfig& config) {
  const MoeConfig& moe = config.moe;
  core::require(moe.gate.plugin.empty() || moe.balance.by != BalanceBy::kGate,
                "{}: the gate of a recurrent layer sees one step at a time and cannot see to the "
                "balance of all: the layer must, by tokens or by compute (model.moe.balance.by)",
                name);
  core::require(
      !moe.memory.update_in_backward && moe.memory.weights == DType::kF32,
      "{}: experts of a recurrent layer get a gradient from every step and cannot be updated in "
      "backward: set model.moe.update_in_backward = false and model.moe.weights = \"f32\"",
      name);
  core::require(config.segment >= kAutomaticSegment,
                "{}: model.recurrent_moe.segment must be -1 (the root of the steps), 0 (all of "
                "them) or a number of steps, got {}",
                name, config.segment);
  return moe;
}

// While it lives, row b of a call is token b S + step.
class RowsOfStep {
 public:
  RowsOfStep(Pass& pass, int64_t step, int64_t num_steps)
      : pass_(pass), base_(pass.token_base), stride_(pass.token_stride) {
    pass.token_base = base_ + step * stride_;
    pass.token_stride = num_steps * stride_;
  }
  ~RowsOfStep() {
    pass_.token_base = base_;
    pass_.token_stride = stride_;
  }
  RowsOfStep(const RowsOfStep&) = delete;
  RowsOfStep& operator=(const RowsOfStep&) = delete;

 private:
  Pass& pass_;
  int64_t base_;
  int64_t stride_;
};

// What one step's rows have of labels [B, S], any type: [B]; undefined if these are.
Tensor labels_of_step(const Tensor& labels, int64_t step, Pass& pass) {
  if (!labels.defined()) {
    return {};
  }
  const Tensor column = pass.take(labels.dtype(), {labels.size(0)});
  ops::nn::copy_column(pass.backend, labels, step, column);
  return column;
}

// [B, 1], to be multiplied with rows.
Tensor keep_of_step(const Tensor& keep, int64_t step) {
  return keep.slice(1, step, step + 1);
}

Tensor with_streams(const Tensor& labels, int64_t num_streams, int64_t num_steps) {
  return labels.defined() ? labels.reshape({num_streams, num_steps}) : Tensor();
}

}  // namespace

RecurrentMoe::RecurrentMoe(std::string name, int32_t index, const RecurrentMoeConfig& config,
                           ComponentFactory& factory, tensor::ParameterSet& parameters)
    : name_(std::move(name)),
      forget_bias_(static_cast<float>(config.lstm.forget_bias)),
      segment_(config.segment),
      mixture_(place_of(name_, index, config.lstm), checked(name_, config), factory, parameters),
      bias_(&parameters.add({.name = name_ + ".bias",
                             .shape = {4 * config.lstm.units},
                             .role = tensor::Role::kBias,
                             .init = uniform_within(config.lstm.init_range)})) {
  if (config.lstm.projection > 0) {
    projection_ = &parameters.add({.name = name_ + ".projection",
                                   .shape = {config.lstm.units, config.lstm.projection},
                                   .init = config.lstm.weight_init(config.lstm.units)});
  }
  if (mixture_.has_gate()) {
    balance_.emplace(config.moe.balance, mixture_.costs());
  }
}

// Steps that are computed again together.
int64_t RecurrentMoe::segment_of(int64_t num_steps) const {
  if (segment_ > 0) {
    return std::min(segment_, num_steps);
  }
  if (segment_ == 0) {
    return num_steps;
  }
  int64_t root = 1;
  while (root * root < num_steps) {
    ++root;
  }
  return root;
}

// A single segment is not worth computing again.
bool RecurrentMoe::keeps_activations(const Batch& batch, const Pass& pass) {
  return pass.is_training() && batch.num_segments() == 1;
}

RecurrentMoe::Batch RecurrentMoe::begin(const Tensor& x, const SequenceInfo& sequence,
                                        Pass& pass) const {
  const int64_t B = sequence.num_streams;
  const int64_t S = sequence.num_steps;
  Batch batch = {.x = x.reshape({B, S, x.size(1)}),
                 .keep = pass.take(DType::kF32, {B, S}),
                 .tokens = with_streams(sequence.tokens, B, S),
                 .mask = with_streams(sequence.mask, B, S),
                 .segment = segment_of(S)};
  if (sequence.resets.defined()) {
    ops::generic::affine(pass.backend, sequence.resets, -1.0, 1.0, batch.keep);
  } else {
    ops::generic::fill(pass.backend, 1.0, batch.keep);
  }
  const int64_t segments = (S + batch.segment - 1) / batch.segment;
  batch.m = pass.take(DType::kF32, {segments + 1, B, outputs()});
  batch.c = pass.take(DType::kF32, {segments + 1, B, units()});
  ops::generic::copy(pass.backend, state_->h, batch.before(0).m);
  ops::generic::copy(pass.backend, state_->c, batch.before(0).c);
  return batch;
}

RecurrentMoe::Notes RecurrentMoe::take_notes(const Batch& batch, Pass& pass) const {
  const int64_t B = batch.keep.size(0);
  const int64_t S = batch.num_steps();
  Notes notes = {.y = pass.take(DType::kF32, {B, S, outputs()})};
  if (mixture_.has_gate()) {
    notes.trace = {.routing = take_routing(B * S, mixture_.top_k(), num_experts(), pass),
                   .offsets = pass.take(DType::kI32, {num_experts() + 1})};
    ops::generic::fill(pass.backend, 0.0, notes.trace.offsets);
  }
  return notes;
}

Tensor RecurrentMoe::forward(const Tensor& x, const SequenceInfo& sequence, Pass& pass) {
  core::require(state_ != nullptr, "{}: bind_state() before forward()", name_);
  Batch batch = begin(x, sequence, pass);
  const Notes notes = take_notes(batch, pass);
  for (int64_t segment = 0; segment < batch.num_segments(); ++segment) {
    const tensor::Arena::Mark mark = pass.activations->mark();
    const size_t num_saved = pass.saved.size();
    run_segment(batch, segment, &notes, pass);
    if (!keeps_activations(batch, pass)) {
      pass.saved.resize(num_saved);
      pass.activations->rewind(mark);
    }
  }
  const State last = batch.before(batch.num_segments());
  ops::generic::copy(pass.backend, last.m, state_->h);
  ops::generic::copy(pass.backend, last.c, state_->c);
  trace_ = notes.trace;
  if (balance_) {
    balance_->add_loss(trace_.routing, pass);
    batch.importance = trace_.routing.importance;
    batch.load = trace_.routing.load;
  }
  save(batch, pass);
  return notes.y.reshape({x.size(0), outputs()});
}

// The state after the segment is stored again when the segment is repeated: the same bits.
void RecurrentMoe::run_segment(const Batch& batch, int64_t segment, const Notes* notes,
                               Pass& pass) {
  State state = batch.before(segment);
  const int64_t end = std::min((segment + 1) * batch.segment, batch.num_steps());
  for (int64_t step = segment * batch.segment; step < end; ++step) {
    state = run_step(batch, step, state, notes, pass);
  }
  const State after = batch.before(segment + 1);
  ops::generic::copy(pass.backend, state.m, after.m);
  ops::generic::copy(pass.backend, state.c, after.c);
}

RecurrentMoe::State RecurrentMoe::run_step(const Batch& batch, int64_t step, const State& before,
                                           const Notes* notes, Pass& pass) {
  const RowsOfStep rows(pass, step, batch.num_steps());
  const int64_t B = batch.keep.size(0);
  const int64_t I = batch.x.size(2);
  const Tensor keep = keep_of_step(batch.keep, step);
  const Tensor xm = pass.take(DType::kF32, {B, I + outputs()});
  ops::generic::copy(pass.backend, batch.x.select(1, step), xm.slice(1, 0, I));
  ops::generic::binary(pass.backend, Binary::kMul, before.m, keep, xm.slice(1, I, xm.size(1)));
  const Mixture::Output mixed =
      mixture_.forward({.x = xm,
                        .mask = labels_of_step(batch.mask, step, pass),
                        .token_ids = labels_of_step(batch.tokens, step, pass)},
                       pass);
  const ops::nn::LstmCellTensors cell = {.gates = mixed.y,
                                         .bias = bias_->value,
                                         .keep = keep.select(1, 0),
                                         .c_before = before.c,
                                         .c = pass.take(DType::kF32, {B, units()}),
                                         .h = pass.take(DType::kF32, {B, units()}),
                                         .forget_bias = forget_bias_};
  ops::nn::lstm_cell(pass.backend, cell);
  State after = {.m = cell.h, .c = cell.c};
  if (projection_ != nullptr) {
    after.m = pass.take(DType::kF32, {B, outputs()});
    ops::linalg::matmul(pass.backend, Transpose::kNo, Transpose::kNo, 1.0, cell.h,
                        projection_->value, 0.0, after.m);
  }
  for (const Tensor& kept : {cell.gates, cell.c_before, cell.c, cell.h}) {
    pass.save(kept);
  }
  if (notes != nullptr) {
    note(*notes, step, after, mixed, pass);
  }
  return after;
}

void RecurrentMoe::note(const Notes& notes, int64_t step, const State& after,
                        const Mixture::Output& mixed, Pass& pass) const {
  const ops::Backend& on = pass.backend;
  ops::generic::copy(on, after.m, notes.y.select(1, step));
  if (!has_gate()) {
    return;
  }
  const Routing& all = notes.trace.routing;
  const Routing& one = mixed.routing;
  const tensor::Shape by_step = {notes.y.size(0), notes.y.size(1), mixture_.top_k()};
  ops::generic::copy(on, one.expert_index, all.expert_index.reshape(by_step).select(1, step));
  ops::generic::copy(on, one.gate_weight, all.gate_weight.reshape(by_step).select(1, step));
  ops::generic::binary(on, Binary::kAdd, all.importance, one.importance, all.importance);
  ops::generic::binary(on, Binary::kAdd, all.load, one.load, all.load);
  const tensor::ScratchScope scope(*pass.scratch);
  const Tensor share = pass.scratch->take(DType::kF32, {1});
  ops::generic::affine(on, one.aux_loss, 1.0 / static_cast<double>(notes.y.size(1)), 0.0, share);
  ops::generic::binary(on, Binary::kAdd, all.aux_loss, share, all.aux_loss);
  // Rows before an expert, summed over steps, are those before it of all steps.
  ops::moe::add_counts(on, mixed.plan.offsets, notes.trace.offsets);
}

void RecurrentMoe::save(const Batch& batch, Pass& pass) {
  for (const Tensor& kept : {batch.x, batch.keep, batch.tokens, batch.mask, batch.m, batch.c,
                             batch.importance, batch.load}) {
    pass.save(kept);
  }
}

RecurrentMoe::Batch RecurrentMoe::restore(Pass& pass) {
  Batch batch;
  for (Tensor* kept : {&batch.load, &batch.importance, &batch.c, &batch.m, &batch.mask,
                       &batch.tokens, &batch.keep, &batch.x}) {
    *kept = pass.restore();
  }
  return batch;
}

// The same of every step: the losses of the sums reach each term of them alike.
GateGrad RecurrentMoe::asked_of_gate(const Batch& batch, Pass& pass) const {
  GateGrad asked = {.grad_aux_loss = pass.take(DType::kF32, {1})};
  ops::generic::fill(pass.backend, 1.0, asked.grad_aux_loss);
  if (balance_) {
    const Routing sums = {.importance = batch.importance, .load = batch.load};
    const Balance::Gradient gradient = balance_->gradient(sums, asked.grad_aux_loss, pass);
    asked.grad_importance = gradient.importance;
    asked.grad_load = gradient.load;
  }
  ops::generic::fill(pass.backend, 1.0 / static_cast<double>(batch.num_steps()),
                     asked.grad_aux_loss);
  return asked;
}

void RecurrentMoe::backward(const Tensor& grad_y, const SequenceInfo& /*sequence*/,
                            const Tensor& grad_x, Pass& pass) {
  Batch batch = restore(pass);
  batch.segment = segment_of(batch.num_steps());
  const int64_t B = batch.keep.size(0);
  const GateGrad asked = asked_of_gate(batch, pass);
  const State carried = {.m = pass.take(DType::kF32, {B, outputs()}),
                         .c = pass.take(DType::kF32, {B, units()})};
  ops::generic::fill(pass.backend, 0.0, carried.m);
  ops::generic::fill(pass.backend, 0.0, carried.c);
  const Tensor grad_of_y = grad_y.reshape({B, batch.num_steps(), outputs()});
  const Tensor grad_of_x = grad_x.reshape(batch.x.shape());
  for (int64_t segment = batch.num_segments(); segment-- > 0;) {
    const tensor::ScratchScope activations(*pass.activations);
    if (!keeps_activations(batch, pass)) {
      pass.is_recomputation = true;
      run_segment(batch, segment, nullptr, pass);
      pass.is_recomputation = false;
    }
    const int64_t end = std::min((segment + 1) * batch.segment, batch.num_steps());
    for (int64_t step = end; step-- > segment * batch.segment;) {
      backward_step(batch, step, grad_of_y.select(1, step), asked, carried,
                    grad_of_x.select(1, step), pass);
    }
  }
}

void RecurrentMoe::backward_step(const Batch& batch, int64_t step, const Tensor& grad_y,
                                 const GateGrad& asked, const State& carried, const Tensor& grad_x,
                                 Pass& pass) {
  const RowsOfStep rows(pass, step, batch.num_steps());
  const tensor::ScratchScope activations(*pass.activations);
  const Tensor keep = keep_of_step(batch.keep, step);
  ops::nn::LstmCellTensors cell = {
      .bias = bias_->value, .keep = keep.select(1, 0), .forget_bias = forget_bias_};
  for (Tensor* kept : {&cell.h, &cell.c, &cell.c_before, &cell.gates}) {
    *kept = pass.restore();
  }
  ops::generic::binary(pass.backend, Binary::kAdd, grad_y, carried.m, carried.m);
  const Tensor grad_h =
      projection_ != nullptr ? backward_projection(cell.h, carried.m, pass) : carried.m;
  ops::nn::lstm_cell_grad(pass.backend, cell, grad_h, *pass.scratch, carried.c);
  const Tensor& grad_gates = cell.gates;
  ops::nn::add_column_sums(pass.backend, grad_gates, summed_grad(pass.backend, *bias_));

  const int64_t I = grad_x.size(1);
  GateGrad grad = asked;
  grad.grad_x = pass.take(DType::kF32, {grad_x.size(0), I + outputs()});
  ops::generic::fill(pass.backend, 0.0, grad.grad_x);
  mixture_.backward(grad_gates, grad, pass);
  ops::generic::binary(pass.backend, Binary::kAdd, grad_x, grad.grad_x.slice(1, 0, I), grad_x);
  ops::generic::binary(pass.backend, Binary::kMul, grad.grad_x.slice(1, I, I + outputs()), keep,
                       carried.m);
}

// Returns the gradient of h.
Tensor RecurrentMoe::backward_projection(const Tensor& h, const Tensor& grad_m, Pass& pass) {
  ops::linalg::matmul(pass.backend, Transpose::kYes, Transpose::kNo, 1.0, h, grad_m,
                      projection_->take_grad_beta(), projection_->grad);
  const Tensor grad_h = pass.take(DType::kF32, h.shape());
  ops::linalg::matmul(pass.backend, Transpose::kNo, Transpose::kYes, 1.0, grad_m,
                      projection_->value, 0.0, grad_h);
  return grad_h;
}

double RecurrentMoe::madds_per_token() const {
  return mixture_.madds_per_row() +
         static_cast<double>(projection_ != nullptr ? projection_->shape.count() : 0);
}

// Backward takes a segment's activations after all layers' own, and each step's gradients after
// them; both it takes back.
StepMemory RecurrentMoe::step_memory(int64_t num_streams, int64_t num_steps) const {
  const int64_t B = num_streams;
  const int64_t segment = segment_of(num_steps);
  const int64_t num_states = (num_steps + segment - 1) / segment + 2;  // with the carried gradient
  const int64_t U = units();
  const int64_t P = outputs();
  const int64_t E = has_gate() ? num_experts() : 0;
  // Of all steps: y, which of them start anew, choices and their weights, sums and what is asked.
  const int64_t of_all = B * num_steps * (P + 1 + (has_gate() ? 2 * mixture_.top_k() : 0)) + 5 * E;
  // Of a step: the input of the mixture, ids of words, c, h, and m if it is not h.
  const int64_t of_step = B * (mixture_.d_in() + 1 + 2 * U + (projection_ != nullptr ? P : 0));
  const int64_t of_gradients = B * (mixture_.d_in() + (projection_ != nullptr ? U : 0));
  const int64_t values = of_all + num_states * B * (P + U) + segment * of_step + of_gradients;
  const StepMemory of_mixture = mixture_.step_memory(B);
  const auto steps = static_cast<double>(segment);
  return {.kept = static_cast<double>(values) * sizeof(float) + steps * of_mixture.kept -
                  (steps - 1.0) * mixture_.backward_bytes(B),
          .scratch = of_mixture.scratch};
}

}  // namespace switchyard::layers
