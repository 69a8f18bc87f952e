// SPDX-License-Identifier: Apache-2.0
// Derive from sy::Expert to write a group of experts. The contract:
// <switchyard/component/expert.h>.
#pragma once

#include <switchyard/component.hpp>
#include <switchyard/component/expert.h>

namespace sy {

/// The cost of one row.
struct ExpertCost {
  double madds_per_row = 0.0;        // multiply-and-adds of a forward pass
  double saved_bytes_per_row = 0.0;  // kept for backward
};

class Expert : public Component {
 public:
  static constexpr uint32_t kKind = SY_KIND_EXPERT;

  /// io.y [rows, d_out] = each expert on its rows of io.x [rows, d_in]. [inst]
  virtual void forward(Call& call, const sy_expert_io& io) = 0;
  /// Writes io.dx and adds to the gradients of the parameters. [inst]
  virtual void backward(Call& call, const sy_expert_io& io) = 0;
  [[nodiscard]] virtual ExpertCost cost() const = 0;
};

namespace detail {

template <typename E>
struct ExpertGlue {
  static sy_status forward(sy_instance* i, const sy_call* c, const sy_expert_io* io,
                           sy_error* error) {
    return guard(error, [&] {
      Call call(*c, from<E>(i).services);
      from<E>(i).object.forward(call, *io);
    });
  }
  static sy_status backward(sy_instance* i, const sy_call* c, const sy_expert_io* io,
                            sy_error* error) {
    return guard(error, [&] {
      Call call(*c, from<E>(i).services);
      from<E>(i).object.backward(call, *io);
    });
  }
  static sy_status cost(sy_instance* i, double* madds, double* bytes, sy_error* error) {
    return guard(error, [&] {
      const ExpertCost cost = from<E>(i).object.cost();
      *madds = cost.madds_per_row;
      *bytes = cost.saved_bytes_per_row;
    });
  }

  static constexpr sy_expert_vt kFunctions{sizeof(sy_expert_vt), 0, forward, backward, cost};
  static constexpr sy_component kComponent = describe<E>(SY_KIND_EXPERT, &kFunctions);
};

}  // namespace detail
}  // namespace sy
