#include "layers/moe/recurrent_moe.h"

#include <algorithm>
#include <utility>

#include "layers/gradient.h"
#include "layers/initialize.h"
#include "layers/moe/recurrent_trace.h"
#include "ops/generic/affine.h"
#include "ops/generic/pointwise.h"
#include "ops/generic/where.h"
#include "ops/linalg/matmul.h"
#include "ops/nn/column_sums.h"
#include "ops/nn/copy_column.h"
#include "ops/nn/lstm_cell.h"

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

// One step's column [B] of labels [B, S] of any type; undefined if these are.
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

/// All that a batch of B streams and S steps is computed from; the record that backward() restores.
struct RecurrentMoe::Batch {
  Segments segments;
  Tensor x;        // [B, S, I]
  Tensor keep;     // [B, S]  1, or 0 where the state is reset
  Tensor tokens;   // [B, S] i32, or undefined
  Tensor mask;     // [B, S] u8, or undefined
  Tensor streams;  // [B] i32: row b of a step is stream b
  // The states before each segment, and that after the last: [segments + 1, B, P] and [.., U].
  Tensor m;
  Tensor c;
  // Sums over all steps [E], where the layer asks for balance.
  Tensor importance;
  Tensor load;

  [[nodiscard]] int64_t num_streams() const { return keep.size(0); }
  [[nodiscard]] int64_t num_steps() const { return keep.size(1); }
  [[nodiscard]] State before(int64_t segment) const {
    return {.m = m.select(0, segment), .c = c.select(0, segment)};
  }
};

/// Where the first forward pass collects the results of the steps.
struct RecurrentMoe::Notes {
  Tensor y;  // [B, S, P]
  std::optional<RecurrentTrace> trace;
};

namespace {

struct KeptStep {
  ops::nn::LstmCellTensors cell;
};

}  // namespace

RecurrentMoe::Batch RecurrentMoe::begin(const Tensor& x, const SequenceInfo& sequence,
                                        Pass& pass) const {
  const int64_t B = sequence.num_streams;
  const int64_t S = sequence.num_steps;
  Batch batch = {.segments = Segments(S, segment_),
                 .x = x.reshape({B, S, x.size(1)}),
                 .keep = pass.take(DType::kF32, {B, S}),
                 .tokens = with_streams(sequence.tokens, B, S),
                 .mask = with_streams(sequence.mask, B, S),
                 .streams = pass.take(DType::kI32, {B})};
  ops::generic::iota(pass.backend, batch.streams);
  if (sequence.resets.defined()) {
    ops::generic::affine(pass.backend, sequence.resets, -1.0, 1.0, batch.keep);
  } else {
    ops::generic::fill(pass.backend, 1.0, batch.keep);
  }
  batch.m = pass.take(DType::kF32, {batch.segments.count() + 1, B, outputs()});
  batch.c = pass.take(DType::kF32, {batch.segments.count() + 1, B, units()});
  ops::generic::copy(pass.backend, sequence.state->h, batch.before(0).m);
  ops::generic::copy(pass.backend, sequence.state->c, batch.before(0).c);
  return batch;
}

Tensor RecurrentMoe::forward(const Tensor& x, const SequenceInfo& sequence, Pass& pass) {
  core::require(sequence.state != nullptr, "{}: forward() needs the layer's state", name_);
  Batch batch = begin(x, sequence, pass);
  Notes notes = {.y = pass.take(DType::kF32, {batch.num_streams(), batch.num_steps(), outputs()})};
  if (has_gate()) {
    notes.trace.emplace(RecurrentTrace::Shape{batch.num_streams(), batch.num_steps()}, mixture_,
                        pass);
  }
  batch.segments.forward([&](const Segments::Range& segment) { run(batch, segment, &notes, pass); },
                         pass);
  const State last = batch.before(batch.segments.count());
  ops::generic::copy(pass.backend, last.m, sequence.state->h);
  ops::generic::copy(pass.backend, last.c, sequence.state->c);
  if (notes.trace) {
    const Routing& routing = notes.trace->routing();
    balance_->add_loss(routing, pass);
    batch.importance = routing.importance;
    batch.load = routing.load;
    pass.traces.push_back({.layer = this, .routing = routing, .offsets = notes.trace->offsets()});
  }
  pass.keep(batch);
  return notes.y.reshape({x.size(0), outputs()});
}

// The state after the segment is stored again when the segment is repeated: the same bits.
void RecurrentMoe::run(const Batch& batch, const Segments::Range& segment, const Notes* notes,
                       Pass& pass) {
  State state = batch.before(segment.index);
  for (int64_t step = segment.begin; step < segment.end; ++step) {
    state = run_step(batch, step, state, notes, pass);
  }
  const State after = batch.before(segment.index + 1);
  ops::generic::copy(pass.backend, state.m, after.m);
  ops::generic::copy(pass.backend, state.c, after.c);
}

RecurrentMoe::State RecurrentMoe::run_step(const Batch& batch, int64_t step, const State& before,
                                           const Notes* notes, Pass& pass) {
  const RowsOfStep rows(pass, step, batch.num_steps());
  const int64_t B = batch.num_streams();
  const int64_t I = batch.x.size(2);
  const Tensor keep = keep_of_step(batch.keep, step);
  const Tensor xm = pass.take(DType::kF32, {B, I + outputs()});
  ops::generic::copy(pass.backend, batch.x.select(1, step), xm.slice(1, 0, I));
  ops::generic::binary(pass.backend, Binary::kMul, before.m, keep, xm.slice(1, I, xm.size(1)));
  const Mixture::Output mixed =
      mixture_.forward({.x = xm,
                        .mask = labels_of_step(batch.mask, step, pass),
                        .token_ids = labels_of_step(batch.tokens, step, pass),
                        .sequence = batch.streams},
                       pass);
  const ops::nn::LstmCellTensors cell = {.gates = mixed.y,
                                         .bias = bias_->value,
                                         .keep = keep.select(1, 0),
                                         .c_before = before.c,
                                         .c = pass.take(DType::kF32, {B, units()}),
                                         .h = pass.take(DType::kF32, {B, units()}),
                                         .forget_bias = forget_bias_};
  ops::nn::lstm_cell(pass.backend, cell);
  const State after = {.m = project(cell.h, pass), .c = cell.c};
  pass.keep(KeptStep{cell});
  if (notes != nullptr) {
    ops::generic::copy(pass.backend, after.m, notes->y.select(1, step));
    if (notes->trace) {
      notes->trace->add(step, mixed, pass);
    }
  }
  return after;
}

Tensor RecurrentMoe::project(const Tensor& h, Pass& pass) const {
  if (projection_ == nullptr) {
    return h;
  }
  const Tensor m = pass.take(DType::kF32, {h.size(0), outputs()});
  ops::linalg::matmul(pass.backend, Transpose::kNo, Transpose::kNo, 1.0, h, projection_->value, 0.0,
                      m);
  return m;
}

// The same for every step: a loss on a sum has the same gradient for each term.
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
  const auto batch = pass.restore<Batch>();
  const int64_t B = batch.num_streams();
  const GateGrad asked = asked_of_gate(batch, pass);
  const State carried = {.m = pass.take(DType::kF32, {B, outputs()}),
                         .c = pass.take(DType::kF32, {B, units()})};
  ops::generic::fill(pass.backend, 0.0, carried.m);
  ops::generic::fill(pass.backend, 0.0, carried.c);
  const Tensor grad_of_y = grad_y.reshape({B, batch.num_steps(), outputs()});
  const Tensor grad_of_x = grad_x.reshape(batch.x.shape());
  batch.segments.backward(
      [&](const Segments::Range& segment) { run(batch, segment, nullptr, pass); },
      [&](const Segments::Range& segment) {
        for (int64_t step = segment.end; step-- > segment.begin;) {
          backward_step(batch, step, grad_of_y.select(1, step), asked, carried,
                        grad_of_x.select(1, step), pass);
        }
      },
      pass);
}

void RecurrentMoe::backward_step(const Batch& batch, int64_t step, const Tensor& grad_y,
                                 const GateGrad& asked, const State& carried, const Tensor& grad_x,
                                 Pass& pass) {
  const RowsOfStep rows(pass, step, batch.num_steps());
  const tensor::ScratchScope activations(*pass.activations);
  const Tensor keep = keep_of_step(batch.keep, step);
  const auto [cell] = pass.restore<KeptStep>();
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

// Backward takes a segment's activations on top of those of all layers, and each step's gradients
// on top of these; it releases both.
StepMemory RecurrentMoe::step_memory(int64_t num_streams, int64_t num_steps) const {
  const int64_t B = num_streams;
  const Segments segments(num_steps, segment_);
  const int64_t num_states = segments.count() + 2;  // with the carried gradient
  const int64_t U = units();
  const int64_t P = outputs();
  const int64_t E = has_gate() ? num_experts() : 0;
  // For all steps: y, resets, choices and their weights, stream numbers, sums and the requested
  // gradients.
  const int64_t of_all =
      B * num_steps * (P + 1 + (has_gate() ? 2 * mixture_.top_k() : 0)) + B + 5 * E;
  // For one step: the input of the mixture, word ids, c, h, and m if it is not h.
  const int64_t of_step = B * (mixture_.d_in() + 1 + 2 * U + (projection_ != nullptr ? P : 0));
  const int64_t of_gradients = B * (mixture_.d_in() + (projection_ != nullptr ? U : 0));
  const int64_t values =
      of_all + num_states * B * (P + U) + segments.length() * of_step + of_gradients;
  const StepMemory of_mixture = mixture_.step_memory(B);
  const auto steps = static_cast<double>(segments.length());
  return {.kept = static_cast<double>(values) * sizeof(float) + steps * of_mixture.kept -
                  (steps - 1.0) * mixture_.backward_bytes(B),
          .scratch = of_mixture.scratch};
}

}  // namespace switchyard::layers
