#pragma once

#include <cstdint>
#include <string>

#include "layers/pass.h"

namespace switchyard::layers {

/// Interface of layers that hold a mixture of experts. With a gate, each forward pass adds a
/// MoeTrace to Pass::traces.
class Routed {
 public:
  virtual ~Routed() = default;

  [[nodiscard]] virtual const std::string& name() const = 0;
  [[nodiscard]] virtual bool has_gate() const = 0;
  [[nodiscard]] virtual int64_t num_experts() const = 0;
  /// The average, if the gate gives tokens different numbers of experts.
  [[nodiscard]] virtual double experts_per_token() const = 0;
  /// After the optimizer's step.
  virtual void step_end(Pass& pass) = 0;
};

}  // namespace switchyard::layers
