#pragma once

#include <memory>
#include <vector>

#include "layers/gradient.h"
#include "layers/initialize.h"
#include "layers/moe/component_factory.h"
#include "ops/generic/affine.h"
#include "tests/support/random_tensor.h"

namespace switchyard::tests {

/// A gate that always decides what it was given; its gradient and the sequences of its rows are
/// recorded.
class FixedGate final : public layers::Gate {
 public:
  FixedGate(std::vector<int32_t> experts, std::vector<float> weights, int64_t top_k)
      : experts_(std::move(experts)), weights_(std::move(weights)), top_k_(top_k) {}

  [[nodiscard]] int64_t top_k() const override { return top_k_; }
  void forward(const layers::GateInput& input, layers::Routing& routing,
               layers::Pass& /*pass*/) override {
    sequence_ =
        input.sequence.defined() ? input.sequence.to_vector<int32_t>() : std::vector<int32_t>();
    std::copy(experts_.begin(), experts_.end(), routing.expert_index.data<int32_t>());
    std::copy(weights_.begin(), weights_.end(), routing.gate_weight.data<float>());
  }
  void backward(const layers::GateInput& /*input*/, const layers::Routing& /*routing*/,
                const layers::GateGrad& grad, layers::Pass& /*pass*/) override {
    grad_gate_weight_ = grad.grad_gate_weight.to_vector<float>();
  }
  void step_end(layers::Pass& /*pass*/) override {}
  [[nodiscard]] double madds_per_row() const override { return 0.0; }
  [[nodiscard]] layers::StepMemory step_memory(int64_t /*num_rows*/) const override { return {}; }

  [[nodiscard]] const std::vector<float>& grad_gate_weight() const { return grad_gate_weight_; }
  [[nodiscard]] const std::vector<int32_t>& sequence() const { return sequence_; }

 private:
  std::vector<int32_t> experts_;
  std::vector<float> weights_;
  int64_t top_k_;
  std::vector<float> grad_gate_weight_;
  std::vector<int32_t> sequence_;
};

/// The declarations that experts make about their weights.
struct WeightUse {
  bool stays_f32 = false;
  bool only_multiplied = false;
};

/// Linear experts in plain loops: y = x W_e.
class LinearExperts final : public layers::ExpertGroup {
 public:
  LinearExperts(const layers::ComponentPlace& place, WeightUse use,
                tensor::ParameterSet& parameters)
      : weight_(&parameters.add({.name = place.name + ".w",
                                 .shape = {place.num_local, place.d_in, place.d_out},
                                 .role = tensor::Role::kExpert,
                                 .init = layers::uniform_fan_in(place.d_in, 1.0),
                                 .expert_dim = 0,
                                 .stays_f32 = use.stays_f32,
                                 .only_multiplied = use.only_multiplied})) {}

  [[nodiscard]] const tensor::Parameter& weight() const { return *weight_; }

  void forward(const tensor::Tensor& x, const layers::ExpertRows& rows, const tensor::Tensor& y,
               layers::Pass& pass) override {
    for_each(rows, pass, [&](int64_t row, const float* w, float* /*grad*/) {
      for (int64_t o = 0; o < y.size(1); ++o) {
        float sum = 0.0F;
        for (int64_t i = 0; i < x.size(1); ++i) {
          sum += x.data<float>()[row * x.size(1) + i] * w[i * y.size(1) + o];
        }
        y.data<float>()[row * y.size(1) + o] = sum;
      }
    });
  }
  void backward(const tensor::Tensor& x, const layers::ExpertRows& rows,
                const tensor::Tensor& grad_y, const tensor::Tensor& grad_x,
                layers::Pass& pass) override {
    (void)layers::summed_grad(pass.backend, *weight_);
    for_each(rows, pass, [&](int64_t row, const float* w, float* grad) {
      for (int64_t i = 0; i < x.size(1); ++i) {
        float sum = 0.0F;
        for (int64_t o = 0; o < grad_y.size(1); ++o) {
          const float g = grad_y.data<float>()[row * grad_y.size(1) + o];
          sum += g * w[i * grad_y.size(1) + o];
          grad[i * grad_y.size(1) + o] += g * x.data<float>()[row * x.size(1) + i];
        }
        grad_x.data<float>()[row * x.size(1) + i] = sum;
      }
    });
  }
  [[nodiscard]] double madds_per_row() const override {
    return static_cast<double>(weight_->shape[1] * weight_->shape[2]);
  }
  [[nodiscard]] layers::StepMemory step_memory(int64_t /*num_rows*/) const override { return {}; }

 private:
  template <typename Body>
  void for_each(const layers::ExpertRows& rows, layers::Pass& pass, const Body& body) {
    const tensor::Tensor value = zero_tensor(weight_->shape);
    ops::generic::affine(pass.backend, weight_->value, 1.0, 0.0, value);
    const int64_t size = weight_->shape[1] * weight_->shape[2];
    for (int64_t e = 0; e < weight_->shape[0]; ++e) {
      for (int64_t row = rows.host_offsets[static_cast<size_t>(e)];
           row < rows.host_offsets[static_cast<size_t>(e) + 1]; ++row) {
        body(row, value.data<float>() + e * size, weight_->grad.data<float>() + e * size);
      }
    }
  }

  tensor::Parameter* weight_;
};

/// Makes FixedGate and LinearExperts, whatever the configuration says.
class FixedFactory final : public layers::ComponentFactory {
 public:
  std::vector<int32_t> experts;
  std::vector<float> weights;
  int64_t top_k = 1;
  FixedGate* gate = nullptr;  // the last one made
  int64_t gate_max_tokens = 0;
  int64_t experts_max_tokens = 0;
  WeightUse use;
  LinearExperts* linear = nullptr;  // the last ones made

  std::unique_ptr<layers::Gate> make_gate(const core::ComponentConfig& /*config*/,
                                          const layers::ComponentPlace& place,
                                          tensor::ParameterSet& /*parameters*/) override {
    auto made = std::make_unique<FixedGate>(experts, weights, top_k);
    gate = made.get();
    gate_max_tokens = place.max_tokens;
    return made;
  }
  std::unique_ptr<layers::ExpertGroup> make_experts(const core::ComponentConfig& /*config*/,
                                                    const layers::ComponentPlace& place,
                                                    tensor::ParameterSet& parameters) override {
    auto made = std::make_unique<LinearExperts>(place, use, parameters);
    linear = made.get();
    experts_max_tokens = place.max_tokens;
    return made;
  }
};

}  // namespace switchyard::tests
