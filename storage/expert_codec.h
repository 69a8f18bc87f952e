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
  kShuffled = 1,  // the 4n bytes sorted into four planes (all lowest bytes first), then zlib
};

/// The encoding that a layer of n experts is stored with.
[[nodiscard]] Encoding encoding_for(int64_t num_experts);

/// Bytes of `values`; decode gives the same bits back.
[[nodiscard]] Bytes encode(std::span<const float> values, Encoding encoding);

/// Empty when the bytes are not `n` values in this encoding. Never reads or makes more than 4n.
[[nodiscard]] std::optional<std::vector<float>> decode(std::span<const uint8_t> bytes, int64_t n,
                                                       int64_t encoding);

/// The same for kShuffled where n is not known; refuses more than 2^28 values.
[[nodiscard]] std::optional<std::vector<float>> decode_unsized(std::span<const uint8_t> bytes,
                                                               int64_t encoding);

/// CRC-32C over the row's integers (each as 8 bytes, little-endian, in the order of its columns)
/// and then its two blobs as stored. So a blob under the wrong key is found as well.
[[nodiscard]] uint32_t row_checksum(std::initializer_list<int64_t> integers,
                                    std::span<const uint8_t> importance,
                                    std::span<const uint8_t> load);

/// How many bins a layer of n experts is reduced to: min(n, 512).
[[nodiscard]] int64_t num_bins(int64_t num_experts);

/// Bin b sums the values [b * n / bins, (b + 1) * n / bins).
[[nodiscard]] std::vector<float> bin_sums(std::span<const float> values, int64_t bins);

/// The table row `expert_summary` of one logged step; `tokens` are hard counts or `load`.
[[nodiscard]] ExpertSummary summarize(int64_t step, std::span<const float> importance,
                                      std::span<const float> load, std::span<const float> tokens,
                                      int64_t dropped);

}  // namespace switchyard::storage
