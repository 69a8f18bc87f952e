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

/// What components keep outside of tensors, as a checkpoint holds it: the bytes as u8 tensors
/// "components/<name>" beside what is carried between steps, the rest as records in state.json.
class ComponentStates {
 public:
  /// What they keep now. Throws Error as a component fails to save.
  [[nodiscard]] static ComponentStates saved_by(const std::vector<core::OpaqueState*>& components);
  /// With tensors of zeros, to be read into, as large as those among `entries`, which are of the
  /// checkpoint's file of carried state.
  [[nodiscard]] static ComponentStates to_read(std::vector<ComponentRecord> records,
                                               std::span<const checkpoint::TensorEntry> entries);

  [[nodiscard]] const std::vector<ComponentRecord>& records() const { return records_; }
  /// One [bytes] u8 tensor for each component that kept at least a byte.
  [[nodiscard]] const std::vector<checkpoint::NamedTensor>& tensors() const { return tensors_; }

  /// Gives each component what it kept, and returns the names of those that have no record. Throws
  /// Error(kInvalidArgument) for a record that no component asks for, else as a component fails.
  [[nodiscard]] std::vector<std::string> load_into(
      const std::vector<core::OpaqueState*>& components) const;

 private:
  [[nodiscard]] std::span<const uint8_t> bytes_of(const std::string& name) const;

  std::vector<ComponentRecord> records_;
  std::vector<checkpoint::NamedTensor> tensors_;
};

}  // namespace switchyard::trainer
