#include "expert_codec.h"

#include <algorithm>
#include <bit>
#include <checksum/crc32c.h>
#include <cstring>
#include <figures/expert_statistics.h>
#include <zlib.h>

namespace switchyard::storage {
namespace {

static_assert(std::endian::native == std::endian::little, "blobs are little-endian float32");

constexpr int64_t kMaxRawExperts = 4096;
constexpr int64_t kMaxBins = 512;
constexpr int kZlibLevel = 1;
constexpr size_t kMaxExperts = size_t{1} << 28;

Bytes shuffle(std::span<const uint8_t> bytes) {
  const size_t n = bytes.size() / 4;
  Bytes planes(bytes.size());
  for (size_t i = 0; i < n; ++i) {
    for (size_t plane = 0; plane < 4; ++plane) {
      planes[plane * n + i] = bytes[4 * i + plane];
    }
  }
  return planes;
}

std::vector<float> unshuffle(std::span<const uint8_t> planes) {
  const size_t n = planes.size() / 4;
  Bytes bytes(planes.size());
  for (size_t i = 0; i < n; ++i) {
    for (size_t plane = 0; plane < 4; ++plane) {
      bytes[4 * i + plane] = planes[plane * n + i];
    }
  }
  std::vector<float> values(n);
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace

Encoding encoding_for(int64_t num_experts) {
  return num_experts <= kMaxRawExperts ? Encoding::kRaw : Encoding::kShuffled;
}

Bytes encode(std::span<const float> values, Encoding encoding) {
  const std::span raw(reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes());
  if (encoding == Encoding::kRaw) {
    return Bytes(raw.begin(), raw.end());
  }
  const Bytes planes = shuffle(raw);
  uLongf size = compressBound(planes.size());
  Bytes packed(size);
  // Cannot fail: the buffer is as large as compressBound() asks, and the level is valid.
  compress2(packed.data(), &size, planes.data(), planes.size(), kZlibLevel);
  packed.resize(size);
  return packed;
}

std::optional<std::vector<float>> decode(std::span<const uint8_t> bytes, int64_t n,
                                         int64_t encoding) {
  if (n < 0 || static_cast<size_t>(n) > kMaxExperts) {
    return std::nullopt;
  }
  const size_t raw_size = static_cast<size_t>(n) * sizeof(float);
  if (encoding == static_cast<int64_t>(Encoding::kRaw)) {
    if (bytes.size() != raw_size) {
      return std::nullopt;
    }
    std::vector<float> values(static_cast<size_t>(n));
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<uint8_t*>(values.data()));
    return values;
  }
  if (encoding != static_cast<int64_t>(Encoding::kShuffled)) {
    return std::nullopt;
  }
  Bytes planes(raw_size);
  uLongf size = raw_size;
  if (uncompress(planes.data(), &size, bytes.data(), bytes.size()) != Z_OK || size != raw_size) {
    return std::nullopt;
  }
  return unshuffle(planes);
}

std::optional<std::vector<float>> decode_unsized(std::span<const uint8_t> bytes, int64_t encoding) {
  if (encoding != static_cast<int64_t>(Encoding::kShuffled)) {
    return std::nullopt;
  }
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) {
    return std::nullopt;
  }
  stream.next_in = const_cast<Bytef*>(bytes.data());  // zlib's signature; it only reads
  stream.avail_in = static_cast<uInt>(bytes.size());
  Bytes planes;
  int result = Z_OK;
  while (result == Z_OK && planes.size() < kMaxExperts * sizeof(float)) {
    const size_t filled = planes.size();
    planes.resize(filled + (size_t{1} << 18));
    stream.next_out = planes.data() + filled;
    stream.avail_out = static_cast<uInt>(planes.size() - filled);
    result = inflate(&stream, Z_NO_FLUSH);
    planes.resize(planes.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (result != Z_STREAM_END || planes.size() % sizeof(float) != 0) {
    return std::nullopt;
  }
  return unshuffle(planes);
}

uint32_t row_checksum(std::initializer_list<int64_t> integers, std::span<const uint8_t> importance,
                      std::span<const uint8_t> load) {
  checksum::Crc32c crc;
  for (const int64_t& value : integers) {
    crc.update(&value, sizeof value);
  }
  crc.update(importance.data(), importance.size());
  crc.update(load.data(), load.size());
  return crc.value();
}

int64_t num_bins(int64_t num_experts) {
  return std::min(num_experts, kMaxBins);
}

std::vector<float> bin_sums(std::span<const float> values, int64_t bins) {
  const int64_t n = static_cast<int64_t>(values.size());
  std::vector<float> sums(static_cast<size_t>(bins));
  for (int64_t bin = 0; bin < bins; ++bin) {
    double sum = 0.0;
    for (int64_t i = bin * n / bins; i < (bin + 1) * n / bins; ++i) {
      sum += values[static_cast<size_t>(i)];
    }
    sums[static_cast<size_t>(bin)] = static_cast<float>(sum);
  }
  return sums;
}

ExpertSummary summarize(int64_t step, std::span<const float> importance,
                        std::span<const float> load, std::span<const float> tokens,
                        int64_t dropped) {
  ExpertSummary summary;
  summary.step = step;
  summary.cv2_importance = figures::squared_variation(importance);
  summary.cv2_load = figures::squared_variation(load);
  summary.dropped = dropped;
  double total = 0.0;
  size_t top = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    total += tokens[i];
    summary.dead += tokens[i] > 0.0F ? 0 : 1;
    top = tokens[i] > tokens[top] ? i : top;
  }
  if (total > 0.0) {
    summary.top_expert = static_cast<int64_t>(top);
    summary.top_share = tokens[top] / total;
    summary.max_over_mean = summary.top_share * static_cast<double>(tokens.size());
  }
  return summary;
}

}  // namespace switchyard::storage
