#pragma once

#include <string>

#include "layers/pass.h"
#include "tensor/parameter.h"

namespace switchyard::layers {

/// A table with one row per word: x_t = table[w_t].
class Embedding {
 public:
  /// The sizes of the table and how it is trained.
  struct Config {
    int64_t vocab_size = 0;
    int64_t d_model = 0;
    tensor::Init init;
    tensor::TouchedRows touched_rows;  // by every user of the table; {}: a dense gradient
  };

  /// Registers "<name>.table" [vocab_size, d_model].
  Embedding(const std::string& name, const Config& config, tensor::ParameterSet& parameters);

  /// tokens [T] i32  ->  [T, d_model]
  [[nodiscard]] tensor::Tensor forward(const tensor::Tensor& tokens, Pass& pass) const;
  /// Adds grad_x [T, d_model] to the rows of the words.
  void backward(const tensor::Tensor& tokens, const tensor::Tensor& grad_x, Pass& pass) const;

  [[nodiscard]] tensor::Parameter& table() const { return *table_; }

 private:
  tensor::Parameter* table_;
};

}  // namespace switchyard::layers
