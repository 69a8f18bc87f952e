#pragma once

#include "layers/moe/mixture.h"

namespace switchyard::layers {

/// The routing of a recurrent layer over all S steps of B streams, as if the B S rows had been one
/// batch: choices and weights by row, sums of importance, load and rows per expert, and the mean
/// over the steps of the gate's own loss.
class RecurrentTrace {
 public:
  /// The extents of a batch.
  struct Shape {
    int64_t num_streams = 0;
    int64_t num_steps = 0;
  };

  /// Takes memory for all steps from the pass.
  RecurrentTrace(const Shape& shape, const Mixture& mixture, Pass& pass);

  /// Adds one step. Each step must be added once.
  void add(int64_t step, const Mixture::Output& mixed, Pass& pass) const;

  [[nodiscard]] const Routing& routing() const { return routing_; }
  [[nodiscard]] const tensor::Tensor& offsets() const { return offsets_; }

 private:
  Shape shape_;
  Routing routing_;
  tensor::Tensor offsets_;
};

}  // namespace switchyard::layers
