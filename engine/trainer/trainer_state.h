#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/cursor.h"

namespace switchyard::trainer {

/// A component with state outside of tensors. Its bytes are the tensor "components/<name>" of the
/// checkpoint, which is absent if there are no bytes.
struct ComponentRecord {
  std::string name;      // of the component: "layers.1.gate"
  uint32_t version = 0;  // format version of its bytes
};

/// The state of a trainer, other than tensors, that survives a restart.
struct TrainerState {
  data::DataCursor cursor;
  double best_nll_per_word = 0.0;  // of the valid split
  int64_t best_step = -1;          // -1: none evaluated yet
  int64_t reductions = 0;          // evaluations that were no better, for optim::Schedule
  std::vector<ComponentRecord> components;

  /// As JSON; equal states give equal texts.
  [[nodiscard]] std::string to_json() const;
  /// Throws Error(kDamaged) unless to_json() could have written it.
  static TrainerState from_json(const std::string& text);
};

}  // namespace switchyard::trainer
