#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace switchyard::core {

/// What a component keeps between steps outside of tensors, such as a counter. It alone knows what
/// the bytes mean; a checkpoint holds them, so that a resumed run does not differ. Threads: [inst].
class OpaqueState {
 public:
  OpaqueState() = default;
  virtual ~OpaqueState() = default;
  OpaqueState(const OpaqueState&) = delete;
  OpaqueState& operator=(const OpaqueState&) = delete;

  /// Unique within a run and the same when it is resumed: "layers.1.gate".
  [[nodiscard]] virtual const std::string& name() const = 0;
  /// Of the bytes that save() writes today.
  [[nodiscard]] virtual uint32_t version() const = 0;
  /// Throws Error as the component fails.
  [[nodiscard]] virtual std::vector<uint8_t> save() const = 0;
  /// Takes what save() of this or an older version wrote. Throws Error(kUnsupported) for a newer
  /// version, else as the component fails.
  virtual void load(std::span<const uint8_t> bytes, uint32_t saved_version) = 0;
};

}  // namespace switchyard::core
