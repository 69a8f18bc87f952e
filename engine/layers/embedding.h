#pragma once

#include <string>

#include "layers/pass.h"
#include "tensor/parameter.h"

namespace switchyard::layers {

/// A table with one row per word: x_t = table[w_t].
class Embedding {
 public:
  /// Registers "<name>.table" [vocab_size, d_model].
  Embedding(const std::string& name, int64_t vocab_size, int64_t d_model, const tensor::Init& init,
            tensor::ParameterSet& parameters);

  /// tokens [T] i32  ->  [T, d_model]
  [[nodiscard]] tensor::Tensor forward(const tensor::Tensor& tokens, Pass& pass) const;
  /// Adds grad_x [T, d_model] to the rows of the words.
  void backward(const tensor::Tensor& tokens, const tensor::Tensor& grad_x, Pass& pass) const;

 private:
  tensor::Parameter* table_;
};

}  // namespace switchyard::layers
