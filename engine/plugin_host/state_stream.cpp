#include "plugin_host/state_stream.h"

#include <algorithm>
#include <cstring>

#include "plugin_host/border.h"

namespace switchyard::plugin_host {

namespace {

using core::require;

sy_status fail_to_write(const sy_stream* /*stream*/, const void* /*data*/, uint64_t /*n*/,
                        sy_error* error) {
  return guard(error, [] {
    core::fail(core::ErrorCode::kState, "write: this stream is for load(), which only reads");
  });
}

sy_status fail_to_read(const sy_stream* /*stream*/, void* /*data*/, uint64_t /*n*/,
                       uint64_t* /*got*/, sy_error* error) {
  return guard(error, [] {
    core::fail(core::ErrorCode::kState, "read: this stream is for save(), which only writes");
  });
}

}  // namespace

SavedStream::SavedStream() : sy_stream{} {
  struct_size = sizeof(sy_stream);
  read = &fail_to_read;
  write = [](const sy_stream* stream, const void* data, uint64_t n, sy_error* error) {
    return guard(error, [&] {
      std::vector<uint8_t>& bytes = static_cast<const SavedStream*>(stream)->bytes_;
      require(data != nullptr || n == 0, "write: {} bytes at a null pointer", n);
      require(n <= kMostStateBytes - bytes.size(),
              "write: a component may keep at most {} bytes outside of tensors, {} are there and "
              "{} more are asked for: register a tensor for them",
              kMostStateBytes, bytes.size(), n);
      const auto* from = static_cast<const uint8_t*>(data);
      bytes.insert(bytes.end(), from, from + n);
    });
  };
}

LoadedStream::LoadedStream(std::span<const uint8_t> bytes) : sy_stream{}, left_(bytes) {
  struct_size = sizeof(sy_stream);
  write = &fail_to_write;
  read = [](const sy_stream* stream, void* data, uint64_t n, uint64_t* got, sy_error* error) {
    return guard(error, [&] {
      std::span<const uint8_t>& left = static_cast<const LoadedStream*>(stream)->left_;
      require(got != nullptr && (data != nullptr || n == 0),
              "read: the place for the bytes or for their number is a null pointer");
      *got = std::min<uint64_t>(n, left.size());
      if (*got > 0) {
        std::memcpy(data, left.data(), *got);
        left = left.subspan(*got);
      }
    });
  };
}

}  // namespace switchyard::plugin_host
