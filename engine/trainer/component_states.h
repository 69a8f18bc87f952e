#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/contents.h"
#include "checkpoint/safetensors_header.h"
#include "core/opaque_state.h"
#include "trainer/trainer_state.h"

namespace switchyard::trainer {

/// The state that components keep outside of tensors, as a checkpoint stores it: bytes as u8
/// tensors "components/<name>" beside the state carried between steps, and records in state.json.
class ComponentStates {
 public:
  /// Saves the components' current state. Throws the Error of a component that fails to save.
  [[nodiscard]] static ComponentStates saved_by(const std::vector<core::OpaqueState*>& components);
  /// Makes tensors of zeros to read into, as large as those in `entries`, the tensors of the
  /// checkpoint's file of carried state.
  [[nodiscard]] static ComponentStates to_read(std::vector<ComponentRecord> records,
                                               std::span<const checkpoint::TensorEntry> entries);

  [[nodiscard]] const std::vector<ComponentRecord>& records() const { return records_; }
  /// A [bytes] u8 tensor for each component with at least one byte of state.
  [[nodiscard]] const std::vector<checkpoint::NamedTensor>& tensors() const { return tensors_; }

  /// Restores the components and returns the names of those without a record. Throws
  /// Error(kInvalidArgument) for a record without a component, and the Error of a component that
  /// fails to load.
  [[nodiscard]] std::vector<std::string> load_into(
      const std::vector<core::OpaqueState*>& components) const;

 private:
  [[nodiscard]] std::span<const uint8_t> bytes_of(const std::string& name) const;

  std::vector<ComponentRecord> records_;
  std::vector<checkpoint::NamedTensor> tensors_;
};

}  // namespace switchyard::trainer
