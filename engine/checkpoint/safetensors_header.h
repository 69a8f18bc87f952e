#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/contents.h"

namespace switchyard::checkpoint {

/// Where one tensor lies in a safetensors file.
struct TensorEntry {
  std::string name;
  tensor::DType dtype = tensor::DType::kF32;
  tensor::Shape shape;
  int64_t begin = 0;  // bytes from the start of the data
  int64_t end = 0;
};

/// Largest header that the format allows, in bytes.
inline constexpr int64_t kMaxHeaderBytes = 100'000'000;

/// The entries of a header, in the order of their data. Bounded in time and memory by the length of
/// `json`; meant for text that nobody has checked.
///
/// Throws Error(kDamaged) for anything but a well-formed header whose tensors fill `data_bytes`
/// without holes and overlaps, Error(kUnsupported) for an element type that is not ours. `where` is
/// the file, for messages. Source: the safetensors format, README and tensor.rs.
[[nodiscard]] std::vector<TensorEntry> parse_header(std::string_view json, int64_t data_bytes,
                                                    std::string_view where);

/// The entries in the order in which a writer puts them: wide elements first, then by name, without
/// holes. Throws Error(kInvalidArgument) if a name is taken twice or reserved.
[[nodiscard]] std::vector<TensorEntry> plan_entries(std::span<const NamedTensor> tensors);

/// The first bytes of a file: length, JSON and as many spaces as bring the data to a multiple of
/// 4096.
[[nodiscard]] std::string make_header(std::span<const TensorEntry> entries);

}  // namespace switchyard::checkpoint
