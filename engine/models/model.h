#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "data/batch.h"
#include "layers/layer.h"
#include "layers/moe/routed.h"
#include "layers/pass.h"
#include "layers/step_memory.h"
#include "models/decoding.h"
#include "tensor/tensor.h"

namespace switchyard::models {

/// The states of a model's recurrent layers, first to last; empty for a model without any.
using CarriedState = std::vector<layers::RecurrentState>;

/// The losses of a training pass.
struct Losses {
  double nll = 0.0;      // nats, summed over the targets that count
  double balance = 0.0;  // balance losses of all MoE layers, weighted
};

/// A model as the trainer sees it: it reads batches and returns losses. It neither steps an
/// optimizer nor knows where batches come from. Its parameters lie in the ParameterSet that it was
/// made with; make_model() makes it from a configuration. Threads: [inst].
class Model {
 public:
  virtual ~Model() = default;

  /// The state before the first batch of `num_streams` streams: all zero.
  [[nodiscard]] virtual CarriedState make_state(int64_t num_streams,
                                                tensor::Allocator& allocator) const = 0;

  /// Forward and backward of grad_scale * nll plus the balance losses. Adds to the gradients of the
  /// parameters and updates `state`.
  virtual Losses train(const data::Batch& batch, double grad_scale, CarriedState& state,
                       layers::Pass& pass) = 0;

  /// The negative log-likelihood over the whole vocabulary, in nats, summed over the targets that
  /// count. `pass` evaluates. Updates `state`.
  [[nodiscard]] virtual double evaluate(const data::Batch& batch, CarriedState& state,
                                        layers::Pass& pass) = 0;

  /// Starts `num_rows` texts, before their first token.
  [[nodiscard]] virtual std::unique_ptr<Decoding> begin(int64_t num_rows,
                                                        tensor::Allocator& allocator) = 0;

  /// The layers that hold experts, first to last.
  [[nodiscard]] virtual const std::vector<layers::Routed*>& moe_layers() const = 0;
  [[nodiscard]] virtual int64_t vocab_size() const = 0;

  /// Multiply-and-adds of one token's forward pass without the softmax (Shazeer et al. 2017,
  /// section 5.1).
  [[nodiscard]] virtual double ops_per_timestep() const = 0;
  /// Those of the softmax, as training computes it.
  [[nodiscard]] virtual double softmax_ops() const = 0;
  /// Memory that a training step of this batch shape, or an evaluation after it, takes from the
  /// pass.
  [[nodiscard]] virtual layers::StepMemory step_memory(int64_t num_streams,
                                                       int64_t num_steps) const = 0;
  /// Bytes of tables on the host, beside the parameters.
  [[nodiscard]] virtual double table_bytes() const = 0;
};

}  // namespace switchyard::models
