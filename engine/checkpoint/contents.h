#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/tensor.h"

namespace switchyard::checkpoint {

/// A tensor under the name by which others find it, such as "moe.experts0.w0".
struct NamedTensor {
  std::string name;
  tensor::Tensor tensor;
};

/// Which plugin computed something: enough to tell that another one is used today.
struct PluginIdentity {
  std::string kind;     // "gate", "expert", "optimizer"
  std::string id;       // "org.switchyard.gate.noisy_topk"
  std::string version;  // "0.1.0"
  std::string sha256;   // of the plugin's file; may be empty

  [[nodiscard]] bool operator==(const PluginIdentity&) const = default;
};

/// Everything that one checkpoint holds. Saving it twice writes the same bytes.
struct CheckpointContents {
  int64_t step = 0;
  std::string config_toml;  // the resolved configuration
  std::string state_json;   // what the trainer wants to know again: any JSON text
  std::vector<NamedTensor> model;
  std::vector<NamedTensor> optimizer;
  std::vector<NamedTensor> state;  // such as the recurrent state carried between windows
  std::vector<PluginIdentity> plugins;
  std::string data_hash;
  std::string vocabulary_hash;
  std::string engine_version;
};

/// The three files of tensors in a checkpoint.
enum class Part { kModel, kOptimizer, kState };

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

/// Gives a contiguous tensor on the CPU with the same elements; called for one tensor at a time and
/// only for those that lie elsewhere.
using ToHost = std::function<tensor::Tensor(const tensor::Tensor&)>;

}  // namespace switchyard::checkpoint
