// SPDX-License-Identifier: Apache-2.0
// Derive from sy::Gate to write a gate. The contract: <switchyard/component/gate.h>.
#pragma once

#include <switchyard/component.hpp>
#include <switchyard/component/gate.h>

namespace sy {

class Gate : public Component {
 public:
  static constexpr uint32_t kKind = SY_KIND_GATE;

  /// Most experts per token; with SY_TOKEN_CHOICE the slots per token. [load]
  [[nodiscard]] virtual int32_t k_max() const = 0;
  /// Experts per token on average, if that is not k_max(). [load]
  [[nodiscard]] virtual double k_mean() const { return k_max(); }
  /// SY_TOKEN_CHOICE or SY_EXPERT_CHOICE. [load]
  [[nodiscard]] virtual uint32_t layout() const { return SY_TOKEN_CHOICE; }
  /// Fills `out`, whose tensors the host has zeroed. [inst]
  virtual void forward(Call& call, const sy_gate_in& in, const sy_gate_out& out) = 0;
  /// Adds to the gradients of the parameters and to grad.dx. [inst]
  virtual void backward(Call& call, const sy_gate_in& in, const sy_gate_out& out,
                        const sy_gate_grad& grad) = 0;
  /// After the optimizer's step. [inst]
  virtual void step_end(Call& /*call*/) {}
};

namespace detail {

template <typename G>
struct GateGlue {
  static sy_status info(sy_instance* i, sy_gate_info* out, sy_error* error) {
    return guard(error, [&] {
      out->layout = from<G>(i).object.layout();
      out->k_max = from<G>(i).object.k_max();
      if (SY_HAS(out, sy_gate_info, k_mean)) {
        out->k_mean = from<G>(i).object.k_mean();
      }
    });
  }
  static sy_status forward(sy_instance* i, const sy_call* c, const sy_gate_in* in,
                           const sy_gate_out* out, sy_error* error) {
    return guard(error, [&] {
      Call call(*c, from<G>(i).services);
      from<G>(i).object.forward(call, *in, *out);
    });
  }
  static sy_status backward(sy_instance* i, const sy_call* c, const sy_gate_in* in,
                            const sy_gate_out* out, const sy_gate_grad* grad, sy_error* error) {
    return guard(error, [&] {
      Call call(*c, from<G>(i).services);
      from<G>(i).object.backward(call, *in, *out, *grad);
    });
  }
  static sy_status step_end(sy_instance* i, const sy_call* c, sy_error* error) {
    return guard(error, [&] {
      Call call(*c, from<G>(i).services);
      from<G>(i).object.step_end(call);
    });
  }

  static constexpr sy_gate_vt kFunctions{sizeof(sy_gate_vt), 0, info, forward, backward, step_end};
  static constexpr sy_component kComponent = describe<G>(SY_KIND_GATE, &kFunctions);
};

}  // namespace detail
}  // namespace sy
