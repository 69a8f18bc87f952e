#include "layers/segments.h"

#include <algorithm>

namespace switchyard::layers {

namespace {

int64_t length_of(int64_t num_steps, int64_t length) {
  if (length > 0) {
    return std::min(length, num_steps);
  }
  if (length == 0) {
    return num_steps;
  }
  int64_t root = 1;
  while (root * root < num_steps) {
    ++root;
  }
  return root;
}

}  // namespace

Segments::Segments(int64_t num_steps, int64_t length)
    : num_steps_(num_steps), length_(length_of(num_steps, length)) {
}

Segments::Range Segments::range(int64_t index) const {
  return {
      .index = index, .begin = index * length_, .end = std::min((index + 1) * length_, num_steps_)};
}

void Segments::forward(Body run, Pass& pass) const {
  const bool keeps_activations = pass.is_training() && count() == 1;
  for (int64_t i = 0; i < count(); ++i) {
    const tensor::Arena::Mark mark = pass.activations->mark();
    const size_t num_kept = pass.kept.size();
    run(range(i));
    if (!keeps_activations) {
      pass.kept.truncate(num_kept);
      pass.activations->rewind(mark);
    }
  }
}

void Segments::backward(Body run, Body run_backward, Pass& pass) const {
  for (int64_t i = count(); i-- > 0;) {
    const tensor::ScratchScope activations(*pass.activations);
    if (count() > 1) {
      pass.is_recomputation = true;
      run(range(i));
      pass.is_recomputation = false;
    }
    run_backward(range(i));
  }
}

}  // namespace switchyard::layers
