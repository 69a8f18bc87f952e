#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/tensor.h"

namespace switchyard::checkpoint {

/// A tensor and its name, such as "moe.experts0.w0".
struct NamedTensor {
  std::string name;
  tensor::Tensor tensor;
};

/// The plugin that computed something: enough to notice that another one is used today.
struct PluginIdentity {
  std::string kind;     // "gate", "expert", "optimizer"
  std::string id;       // "org.switchyard.gate.noisy_topk"
  std::string version;  // "0.1.0"
  std::string sha256;   // of the plugin's file; may be empty

  [[nodiscard]] bool operator==(const PluginIdentity&) const = default;
};

/// The contents of a checkpoint. Saving them twice writes the same bytes.
struct CheckpointContents {
  int64_t step = 0;
  std::string config_toml;  // the resolved configuration
  std::string state_json;   // the state of the trainer; any JSON text
  std::vector<NamedTensor> model;
  std::vector<NamedTensor> optimizer;
  std::vector<NamedTensor> state;  // such as recurrent state carried between windows
  std::vector<PluginIdentity> plugins;
  std::string data_hash;
  std::string vocabulary_hash;
  std::string engine_version;
};

/// The three files of tensors in a checkpoint.
enum class Part { kModel, kOptimizer, kState };

/// The name of the file of a part.
[[nodiscard]] constexpr std::string_view file_of(Part part) {
  switch (part) {
    case Part::kModel:
      return "model.safetensors";
    case Part::kOptimizer:
      return "optimizer.safetensors";
    case Part::kState:
      return "state.safetensors";
  }
  return "";
}

/// Returns a contiguous tensor on the CPU with the same elements. Called for one tensor at a time,
/// and only for tensors that are not already contiguous on the CPU.
using ToHost = std::function<tensor::Tensor(const tensor::Tensor&)>;

}  // namespace switchyard::checkpoint
