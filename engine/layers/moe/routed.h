#pragma once

#include <cstdint>
#include <string>

#include "layers/moe/gate.h"

namespace switchyard::layers {

/// What a layer did with its last batch of T rows, for reports. Valid until the pass's arena is
/// reset.
struct MoeTrace {
  Routing routing;
  tensor::Tensor offsets;  // [E + 1] i32: expert e got offsets[e + 1] - offsets[e] rows
};

/// What a layer that holds a mixture of experts is besides.
class Routed {
 public:
  virtual ~Routed() = default;

  [[nodiscard]] virtual const std::string& name() const = 0;
  [[nodiscard]] virtual bool has_gate() const = 0;
  [[nodiscard]] virtual int64_t num_experts() const = 0;
  /// On average, where the gate gives tokens different numbers of experts.
  [[nodiscard]] virtual double experts_per_token() const = 0;
  /// Of the last forward(); undefined tensors without a gate.
  [[nodiscard]] virtual const MoeTrace& trace() const = 0;
  /// After the optimizer's step.
  virtual void step_end(Pass& pass) = 0;
};

}  // namespace switchyard::layers
