#pragma once

#include <cstdint>
#include <span>

#include "layers/pass.h"
#include "tensor/tensor.h"

namespace switchyard::models {

/// Texts that a model continues word by word: one row to sample from, several for a beam search. A
/// decoding owns the state of its rows, so it may outlive the passes that it is given; the model
/// must outlive it. Threads: [inst].
class Decoding {
 public:
  virtual ~Decoding() = default;

  /// R.
  [[nodiscard]] virtual int64_t num_rows() const = 0;

  /// Reads one more token of every row and predicts the one after it. `pass` evaluates.
  ///
  ///   tokens  [R] i32
  ///   logits  [R, vocab_size]  written
  virtual void next(const tensor::Tensor& tokens, const tensor::Tensor& logits,
                    layers::Pass& pass) = 0;

  /// Row i continues from row parents[i]; from now on there are parents.size() rows. Throws
  /// Error(kInvalidArgument) for a parent outside [0, R).
  virtual void keep(std::span<const int32_t> parents, layers::Pass& pass) = 0;
};

}  // namespace switchyard::models
