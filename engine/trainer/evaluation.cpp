#include "trainer/evaluation.h"

#include <algorithm>

#include "data/evaluation_source.h"

namespace switchyard::trainer {

EvaluationReport evaluate(Learner& learner, const EvaluationText& text, const core::Clock& clock,
                          const EvaluatedBatchFunction& each) {
  const int64_t begin_ns = clock.monotonic_ns();
  data::EvaluationSource source(text.dataset.split(text.split),
                                {.shape = {.batch_size = text.shape.batch_size,
                                           .sequence_length = text.shape.sequence_length},
                                 .reset_state = text.shape.reset_state,
                                 .max_words = text.max_words});
  models::CarriedState state = learner.fresh_state(text.shape.batch_size);
  data::Batch batch;
  double nll = 0.0;
  int64_t num_words = 0;
  while (source.next(batch)) {
    nll += learner.evaluate(batch, state);
    num_words += batch.num_words;
    if (each) {
      each({.batch = batch, .positions = source.positions(), .traces = learner.traces()});
    }
  }
  return {.split = text.split,
          .nll_per_word = nll / static_cast<double>(std::max<int64_t>(num_words, 1)),
          .num_words = num_words,
          .seconds = static_cast<double>(clock.monotonic_ns() - begin_ns) * 1e-9};
}

}  // namespace switchyard::trainer
