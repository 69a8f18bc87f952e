#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "core/clock.h"
#include "data/batch.h"
#include "data/dataset.h"
#include "trainer/learner.h"
#include "trainer/run_listener.h"
#include "trainer/trainer_config.h"

namespace switchyard::trainer {

/// A batch that has just gone through the model in evaluation mode. Lives for the call only.
struct EvaluatedBatch {
  const data::Batch& batch;
  std::span<const int64_t> positions;        // [B * S], see data::EvaluationSource::positions()
  std::span<const layers::MoeTrace> traces;  // of the layers with a gate, first to last
};
using EvaluatedBatchFunction = std::function<void(const EvaluatedBatch&)>;

/// The text to evaluate, and how it is cut into batches.
struct EvaluationText {
  const data::Dataset& dataset;
  std::string_view split;
  DataConfig shape;       // batch size, sequence length and whether sentences reset the state
  int64_t max_words = 0;  // about this many words from the beginning; 0 = all
};

/// The full-softmax negative log-likelihood of a text, end of sentence included. The caller sets
/// the report's step. `each`, if given, receives every batch and the traces of the MoE layers.
/// Throws Error(kNotFound) if there is no such split.
[[nodiscard]] EvaluationReport evaluate(Learner& learner, const EvaluationText& text,
                                        const core::Clock& clock,
                                        const EvaluatedBatchFunction& each = {});

}  // namespace switchyard::trainer
