#pragma once

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/contents.h"
#include "core/error.h"
#include "tensor/tensor.h"

namespace switchyard::checkpoint {

/// The error that a call throws; kInternal with "nothing was thrown" if it throws none.
template <typename Body>
core::Error error_of(const Body& body) {
  try {
    body();
  } catch (const core::Error& error) {
    return error;
  }
  return {core::ErrorCode::kInternal, "nothing was thrown"};
}

/// All bytes of some tensors with their names, dtypes and shapes: equal texts, equal tensors.
inline std::map<std::string, std::string> bits_of(const std::vector<NamedTensor>& tensors) {
  std::map<std::string, std::string> bits;
  for (const NamedTensor& named : tensors) {
    std::string& text = bits[named.name];
    text = fmt::format("{}{}:", tensor::name_of(named.tensor.dtype()), named.tensor.shape());
    text.append(static_cast<const char*>(named.tensor.raw()),
                static_cast<size_t>(named.tensor.bytes()));
  }
  return bits;
}

inline bool same(const CheckpointContents& a, const CheckpointContents& b) {
  return a.step == b.step && a.config_toml == b.config_toml && a.state_json == b.state_json &&
         bits_of(a.model) == bits_of(b.model) && bits_of(a.optimizer) == bits_of(b.optimizer) &&
         bits_of(a.state) == bits_of(b.state) && a.plugins == b.plugins &&
         a.data_hash == b.data_hash && a.vocabulary_hash == b.vocabulary_hash &&
         a.engine_version == b.engine_version;
}

/// A small checkpoint with every dtype, a NaN, a scalar and an empty tensor; `flavour` changes
/// values.
inline CheckpointContents make_contents(int64_t step, int flavour = 0) {
  using tensor::Tensor;
  const auto value = static_cast<float>(flavour);
  float nan = 0.0F;
  const uint32_t nan_bits = 0x7fc12345U;
  std::memcpy(&nan, &nan_bits, sizeof(nan));
  return {.step = step,
          .config_toml = "[train]\nsteps = 10\n",
          .state_json = fmt::format("{}{}}}", R"({"words":)", step * 100 + flavour),
          .model = {{"moe.experts0.w0",
                     Tensor::from<float>({2, 2, 2}, {1, 2, 3, value, 5, -0.0F, nan, 8})},
                    {"embedding", Tensor::from<tensor::Bf16>({3}, {{0x3f80}, {0x7fc1}, {0x8000}})},
                    {"gate.empty", Tensor::from<float>({0, 4}, {})}},
          .optimizer = {{"embedding/m", Tensor::from<float>({3}, {value, 0.5F, 0.25F})},
                        {"steps", Tensor::from<int64_t>({}, {step})}},
          .state = {{"lstm1.h", Tensor::from<int32_t>({2}, {flavour, -1})},
                    {"mask", Tensor::from<uint8_t>({3}, {0, 255, 7})}},
          .plugins = {{.kind = "gate", .id = "org.example.gate", .version = "0.1.0", .sha256 = ""}},
          .data_hash = "d0",
          .vocabulary_hash = "v0",
          .engine_version = "0.1.0"};
}

}  // namespace switchyard::checkpoint
