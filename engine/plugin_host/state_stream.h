#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <switchyard/component.h>

namespace switchyard::plugin_host {

/// The most bytes that one component may keep; more belongs into tensors.
inline constexpr uint64_t kMostStateBytes = uint64_t{1} << 20;

/// Where a component's save() writes. Reading fails with SY_E_STATE, more than kMostStateBytes with
/// SY_E_INVALID.
class SavedStream : public sy_stream {
 public:
  SavedStream();
  SavedStream(const SavedStream&) = delete;
  SavedStream& operator=(const SavedStream&) = delete;
  ~SavedStream() = default;

  [[nodiscard]] std::vector<uint8_t> take() { return std::move(bytes_); }

 private:
  // The contract gives save() a const stream.
  mutable std::vector<uint8_t> bytes_;
};

/// Where a component's load() reads from: `bytes`, which must outlive it, then nothing. Writing
/// fails with SY_E_STATE.
class LoadedStream : public sy_stream {
 public:
  explicit LoadedStream(std::span<const uint8_t> bytes);
  LoadedStream(const LoadedStream&) = delete;
  LoadedStream& operator=(const LoadedStream&) = delete;
  ~LoadedStream() = default;

 private:
  mutable std::span<const uint8_t> left_;
};

}  // namespace switchyard::plugin_host
