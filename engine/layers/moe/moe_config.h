#pragma once

#include <cstdint>
#include <vector>

#include "core/config_value.h"
#include "layers/moe/windowed_experts.h"

namespace switchyard::layers {

/// Who asks for balance among the experts of a layer, and in what it is counted.
enum class BalanceBy {
  kGate,     // each gate by its own settings
  kTokens,   // the layer, every expert counted alike
  kCompute,  // the layer, every expert counted with its multiply-adds
};

/// The balance losses of a layer; see balance.h.
struct BalanceConfig {
  BalanceBy by = BalanceBy::kGate;
  double w_importance = 0.1;  // these two mean nothing with kGate
  double w_load = 0.1;
};

/// Experts of one plugin and shape within an MoE layer.
struct ExpertGroupConfig {
  core::ComponentConfig component;
  int64_t count = 0;
};

/// An MoE layer. With one expert in all and no gate plugin it is that expert.
struct MoeConfig {
  core::ComponentConfig gate;
  std::vector<ExpertGroupConfig> experts;
  // Two levels: `gate` chooses among that many groups, each with a gate of its own among its
  // experts. 0 = one gate for all. The groups are cut from the flat numbering of the experts and
  // have nothing to do with `experts`, whose entries may begin and end anywhere.
  int64_t groups = 0;
  core::ComponentConfig secondary_gate;  // of every group; without a plugin: the same as `gate`
  BalanceConfig balance;
  ExpertMemory memory;  // of every group of experts
};

}  // namespace switchyard::layers
