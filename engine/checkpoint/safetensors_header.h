#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/contents.h"

namespace switchyard::checkpoint {

/// The place of a tensor in a safetensors file.
struct TensorEntry {
  std::string name;
  tensor::DType dtype = tensor::DType::kF32;
  tensor::Shape shape;
  int64_t begin = 0;  // bytes from the start of the data
  int64_t end = 0;
};

/// The largest header that the format allows, in bytes.
inline constexpr int64_t kMaxHeaderBytes = 100'000'000;

/// Parses a header; returns its entries in the order of their data. Safe for untrusted text: time
/// and memory are bounded by the length of `json`.
///
/// Throws Error(kDamaged) unless the header is well-formed and its tensors fill `data_bytes`
/// without holes or overlaps, Error(kUnsupported) for an unsupported element type. `where` names
/// the file in messages. Source: the safetensors format, README and tensor.rs.
[[nodiscard]] std::vector<TensorEntry> parse_header(std::string_view json, int64_t data_bytes,
                                                    std::string_view where);

/// Lays out tensors for writing: wide elements first, then by name, without holes. Throws
/// Error(kInvalidArgument) if a name is repeated or reserved.
[[nodiscard]] std::vector<TensorEntry> plan_entries(std::span<const NamedTensor> tensors);

/// The first bytes of a file: the length, the JSON, and spaces that align the data to 4096 bytes.
[[nodiscard]] std::string make_header(std::span<const TensorEntry> entries);

}  // namespace switchyard::checkpoint
