#pragma once

#include <switchyard/component/expert.h>

#include "layers/moe/expert.h"
#include "plugin_host/instance.h"

namespace switchyard::plugin_host {

/// A group of experts of a plugin. Errors of the plugin come as core::Error with its status and
/// with component, instance and call named.
class PluginExpertGroup final : public layers::ExpertGroup {
 public:
  PluginExpertGroup(InstanceSetup setup, tensor::ParameterSet& parameters);

  void forward(const tensor::Tensor& x, const layers::ExpertRows& rows, const tensor::Tensor& y,
               layers::Pass& pass) override;
  void backward(const tensor::Tensor& x, const layers::ExpertRows& rows,
                const tensor::Tensor& grad_y, const tensor::Tensor& grad_x,
                layers::Pass& pass) override;

  /// 0 where the plugin does not say.
  [[nodiscard]] double madds_per_row() const override { return madds_per_row_; }
  /// Measured, see rehearsal.h.
  [[nodiscard]] layers::StepMemory step_memory(int64_t num_rows) const override;

 private:
  [[nodiscard]] sy_expert_io io_of(const tensor::Tensor& x, const layers::ExpertRows& rows) const;

  ComponentInstance instance_;
  const sy_expert_vt& functions_;
  double madds_per_row_ = 0.0;
};

}  // namespace switchyard::plugin_host
