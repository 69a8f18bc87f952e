#pragma once

#include <memory>
#include <string>

#include "core/config_value.h"
#include "layers/moe/expert.h"
#include "layers/moe/gate.h"
#include "tensor/parameter.h"

namespace switchyard::layers {

/// Where a gate or a group of experts stands in a model.
struct ComponentPlace {
  std::string name;   // instance name, prefix of its parameters: "moe.gate", "moe.experts0"
  int32_t layer = 0;  // index of the MoE layer in the model
  int64_t d_in = 0;
  int64_t d_out = 0;
  int32_t num_experts = 0;   // of the whole layer
  int32_t first_expert = 0;  // of this group's range
  int32_t num_local = 0;     // length of that range
  int64_t max_tokens = 0;    // rows of a training call, upper bound; 0 = unknown
  // For a gate: it leaves its own losses on importance and load out of aux_loss; GateGrad requests
  // their gradients.
  bool balanced_by_caller = false;
};

/// Makes gates and experts from configurations; engine/plugin_host implements it. Both functions
/// register the component's parameters and throw Error with the reason if they cannot make it.
class ComponentFactory {
 public:
  virtual ~ComponentFactory() = default;
  [[nodiscard]] virtual std::unique_ptr<Gate> make_gate(const core::ComponentConfig& config,
                                                        const ComponentPlace& place,
                                                        tensor::ParameterSet& parameters) = 0;
  [[nodiscard]] virtual std::unique_ptr<ExpertGroup> make_experts(
      const core::ComponentConfig& config, const ComponentPlace& place,
      tensor::ParameterSet& parameters) = 0;
};

}  // namespace switchyard::layers
