#pragma once

#include <cstdint>

#include "core/function_ref.h"
#include "layers/pass.h"

namespace switchyard::layers {

/// A segment length that lets Segments choose.
inline constexpr int64_t kAutomaticSegment = -1;

/// A loop over time steps, cut into segments, so that a training pass need not keep the activations
/// of all steps: forward() releases them after each segment, and backward() recomputes one segment
/// at a time. The body of the loop keeps the state at the start of each segment itself. A single
/// segment keeps everything; recomputing it would save nothing.
///
/// Source: Gruslys et al. 2016, arXiv:1606.03401.
class Segments {
 public:
  /// A segment: its steps [begin, end).
  struct Range {
    int64_t index = 0;
    int64_t begin = 0;
    int64_t end = 0;
  };
  using Body = core::FunctionRef<void(const Range&)>;

  /// `length` steps in each segment but the last. kAutomaticSegment: the square root of the steps,
  /// rounded up. 0: all steps.
  Segments(int64_t num_steps, int64_t length);

  [[nodiscard]] int64_t count() const { return (num_steps_ + length_ - 1) / length_; }
  [[nodiscard]] int64_t length() const { return length_; }

  /// Runs the segments in order. `run` may take activations and keep records; in evaluation, and
  /// with several segments, they are gone when the next segment runs.
  void forward(Body run, Pass& pass) const;
  /// From the last segment to the first: runs a segment again if its activations are gone, with
  /// Pass::is_recomputation set, and then `run_backward`.
  void backward(Body run, Body run_backward, Pass& pass) const;

 private:
  [[nodiscard]] Range range(int64_t index) const;

  int64_t num_steps_;
  int64_t length_;
};

}  // namespace switchyard::layers
