// SPDX-License-Identifier: Apache-2.0
// How a component writes and reads the state that it keeps outside of tensors. The contract:
// sy_stream in <switchyard/component.h>.
#pragma once

#include <type_traits>

#include <switchyard/component.h>
#include <switchyard/error.hpp>

namespace sy {

/// Writes the state of a component for a checkpoint, in order.
class StateWriter {
 public:
  explicit StateWriter(const sy_stream& stream) noexcept : stream_(stream) {}

  /// A number, a flag or a struct of such, as it lies in memory.
  template <typename T>
  void write(const T& value) const {
    static_assert(std::is_trivially_copyable_v<T>, "write the parts of this type one by one");
    write(&value, sizeof(T));
  }
  void write(const void* data, uint64_t bytes) const {
    HostError error;
    error.check(stream_.write(&stream_, data, bytes, error.get()));
  }

 private:
  const sy_stream& stream_;
};

/// Reads the same in the same order. Throws Error(SY_E_DAMAGED) where there is less than is asked
/// for.
class StateReader {
 public:
  explicit StateReader(const sy_stream& stream) noexcept : stream_(stream) {}

  template <typename T>
  [[nodiscard]] T read() const {
    static_assert(std::is_trivially_copyable_v<T>, "read the parts of this type one by one");
    T value;
    read(&value, sizeof(T));
    return value;
  }
  void read(void* data, uint64_t bytes) const {
    auto* to = static_cast<unsigned char*>(data);
    while (bytes > 0) {
      uint64_t got = 0;
      HostError error;
      error.check(stream_.read(&stream_, to, bytes, &got, error.get()));
      if (got == 0) {
        fail(SY_E_DAMAGED, "the saved state ends ", bytes, " bytes too early");
      }
      to += got;
      bytes -= got;
    }
  }

 private:
  const sy_stream& stream_;
};

}  // namespace sy
