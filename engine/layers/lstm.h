#pragma once

#include <string>

#include "layers/block.h"
#include "tensor/parameter.h"

namespace switchyard::layers {

/// A layer of long short-term memory cells; the equations stand in ops/nn/lstm.h.
///
/// Source: Jozefowicz et al. 2016, as cited by Shazeer et al. 2017, appendix C.1.
class Lstm final : public Layer {
 public:
  /// Registers "<name>.kernel" [d_in + units, 4 units] and "<name>.bias" [4 units].
  Lstm(std::string name, int64_t d_in, int64_t units, double init_scale,
       tensor::ParameterSet& parameters);

  /// x [B * S, d_in]  ->  [B * S, units]; reads and carries on the state given by bind_state().
  [[nodiscard]] tensor::Tensor forward(const tensor::Tensor& x, const SequenceInfo& sequence,
                                       Pass& pass) override;
  void backward(const tensor::Tensor& grad_y, const SequenceInfo& sequence,
                const tensor::Tensor& grad_x, Pass& pass) override;

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] double madds_per_token() const override;
  [[nodiscard]] double activation_bytes_per_token() const override;
  [[nodiscard]] int64_t units() const { return bias_->shape[0] / 4; }

  /// Which state the next forward passes use; it must outlive them.
  void bind_state(RecurrentState& state) { state_ = &state; }

 private:
  std::string name_;
  tensor::Parameter* kernel_;
  tensor::Parameter* bias_;
  RecurrentState* state_ = nullptr;
};

}  // namespace switchyard::layers
