#pragma once

#include <string>

#include "layers/layer.h"
#include "ops/nn/lstm.h"
#include "tensor/parameter.h"

namespace switchyard::layers {

/// The sizes and initial values of an LSTM layer.
struct LstmConfig {
  int64_t d_in = 0;
  int64_t units = 0;
  int64_t projection = 0;    // outputs of the projection; 0 = none, with `units` outputs
  double forget_bias = 1.0;  // added to the forget gate's pre-activation
  double init_scale = 1.0;   // of the uniform fan-in initialisation; the bias is zero
  double init_range = 0.0;   // not 0: weights and bias uniform in [-init_range, init_range)

  [[nodiscard]] int64_t outputs() const { return projection > 0 ? projection : units; }
  /// Initial values of a matrix with `fan_in` rows.
  [[nodiscard]] tensor::Init weight_init(int64_t fan_in) const;
};

/// A layer of long short-term memory cells; ops/nn/lstm.h has the equations.
///
/// Source: Jozefowicz et al. 2016, as cited by Shazeer et al. 2017, appendix C.1.
class Lstm final : public Layer, public Recurrent {
 public:
  /// Registers "<name>.kernel" [d_in + outputs, 4 units], "<name>.bias" [4 units] and, with a
  /// projection, "<name>.projection" [units, outputs].
  Lstm(std::string name, const LstmConfig& config, tensor::ParameterSet& parameters);

  /// x [B * S, d_in]  ->  [B * S, outputs]; updates sequence.state, which must not be null.
  [[nodiscard]] tensor::Tensor forward(const tensor::Tensor& x, const SequenceInfo& sequence,
                                       Pass& pass) override;
  void backward(const tensor::Tensor& grad_y, const SequenceInfo& sequence,
                const tensor::Tensor& grad_x, Pass& pass) override;

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] double madds_per_token() const override;
  [[nodiscard]] StepMemory step_memory(int64_t num_streams, int64_t num_steps) const override;
  [[nodiscard]] int64_t units() const override { return bias_->shape[0] / 4; }
  [[nodiscard]] int64_t outputs() const override {
    return projection_ ? projection_->shape[1] : units();
  }

 private:
  std::string name_;
  float forget_bias_;
  tensor::Parameter* kernel_;
  tensor::Parameter* bias_;
  tensor::Parameter* projection_ = nullptr;  // null: none
};

}  // namespace switchyard::layers
