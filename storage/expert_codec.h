#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <storage/run_types.h>
#include <string_view>
#include <vector>

namespace switchyard::storage {

using Bytes = std::vector<uint8_t>;

enum class Encoding : int64_t {
  kRaw = 0,       // n little-endian float32
  kShuffled = 1,  // the 4n bytes regrouped into four planes (lowest bytes first), then zlib
};

/// The encoding in which a layer of n experts is stored.
[[nodiscard]] Encoding encoding_for(int64_t num_experts);

/// Encodes `values`; decode() returns the same bits.
[[nodiscard]] Bytes encode(std::span<const float> values, Encoding encoding);

/// Decodes exactly n values; empty if the bytes are not n values in this encoding. Never produces
/// more than 4n bytes.
[[nodiscard]] std::optional<std::vector<float>> decode(std::span<const uint8_t> bytes, int64_t n,
                                                       int64_t encoding);

/// Decodes kShuffled bytes whose number of values is unknown; refuses more than 2^28 values.
[[nodiscard]] std::optional<std::vector<float>> decode_unsized(std::span<const uint8_t> bytes,
                                                               int64_t encoding);

/// CRC-32C over a row's integers (8 bytes each, little-endian, in column order), followed by its
/// two blobs as stored. It also detects a blob stored under the wrong key.
[[nodiscard]] uint32_t row_checksum(std::initializer_list<int64_t> integers,
                                    std::span<const uint8_t> importance,
                                    std::span<const uint8_t> load);

/// The number of bins that a layer of n experts is reduced to: min(n, 512).
[[nodiscard]] int64_t num_bins(int64_t num_experts);

/// Sums neighbouring values: bin b covers [b * n / bins, (b + 1) * n / bins).
[[nodiscard]] std::vector<float> bin_sums(std::span<const float> values, int64_t bins);

/// The row of table `expert_summary` for one logged step. `tokens` are hard counts, or `load` where
/// there are none.
[[nodiscard]] ExpertSummary summarize(int64_t step, std::span<const float> importance,
                                      std::span<const float> load, std::span<const float> tokens,
                                      int64_t dropped);

}  // namespace switchyard::storage
