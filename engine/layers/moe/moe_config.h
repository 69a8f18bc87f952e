#pragma once

#include <cstdint>
#include <vector>

#include "core/config_value.h"
#include "layers/moe/windowed_experts.h"

namespace switchyard::layers {

/// Who computes the balance losses of a layer, and the unit of balance.
enum class BalanceBy {
  kGate,     // each gate, by its own settings
  kTokens,   // the layer, counting tokens
  kCompute,  // the layer, counting multiply-adds
};

/// The balance losses of a layer; see balance.h.
struct BalanceConfig {
  BalanceBy by = BalanceBy::kGate;
  double w_importance = 0.1;  // ignored with kGate, as is w_load
  double w_load = 0.1;
};

/// Experts of one plugin and shape within an MoE layer.
struct ExpertGroupConfig {
  core::ComponentConfig component;
  int64_t count = 0;
};

/// An MoE layer. With a single expert and no gate plugin, the layer is that expert.
struct MoeConfig {
  core::ComponentConfig gate;
  std::vector<ExpertGroupConfig> experts;
  // Two levels: `gate` chooses among this many groups, and each group has its own gate that chooses
  // among its experts. 0 = one gate for all. Groups are ranges of the flat numbering of experts and
  // independent of the entries of `experts`.
  int64_t groups = 0;
  core::ComponentConfig secondary_gate;  // of every group; without a plugin: the same as `gate`
  BalanceConfig balance;
  ExpertMemory memory;     // of every group of experts
  int64_t max_tokens = 0;  // rows of a training pass, upper bound; 0 = unknown
};

}  // namespace switchyard::layers
