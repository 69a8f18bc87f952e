#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace switchyard::core {

/// State that a component keeps between steps outside tensors, such as a counter. Checkpoints store
/// its bytes, whose meaning only the component knows. Threads: [inst].
class OpaqueState {
 public:
  OpaqueState() = default;
  virtual ~OpaqueState() = default;
  OpaqueState(const OpaqueState&) = delete;
  OpaqueState& operator=(const OpaqueState&) = delete;

  /// Unique within a run and the same when it is resumed: "layers.1.gate".
  [[nodiscard]] virtual const std::string& name() const = 0;
  /// The format version of the bytes that save() writes.
  [[nodiscard]] virtual uint32_t version() const = 0;
  /// Throws Error if the component fails.
  [[nodiscard]] virtual std::vector<uint8_t> save() const = 0;
  /// Restores bytes written by save() of this or an older version. Throws Error(kUnsupported) for a
  /// newer version, and Error if the component fails.
  virtual void load(std::span<const uint8_t> bytes, uint32_t saved_version) = 0;
};

}  // namespace switchyard::core
