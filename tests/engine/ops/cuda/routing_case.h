#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/thread_pool.h"
#include "ops/moe/kernels.h"

namespace switchyard::test {

/// A routing problem with its results on the CPU: what the same kernels of another device must
/// give.
struct RoutingCase {
  std::string name;
  ops::moe::RoutingDims n;
  std::vector<int32_t> offsets, row_pair, pair_row;
  std::vector<float> x, gate_weight, expert_out, grad_y, grad_rows, grad_x_before;
  // Expected.
  std::vector<float> rows, y, grad_x, grad_expert_out, grad_gate_weight;
};

inline std::vector<float> random_floats(int64_t count, std::mt19937& random) {
  std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) {
    value = uniform(random);
  }
  return values;
}

/// Every seventh slot is empty if `with_empty_slots`. Untouched rows keep the value -7.
inline RoutingCase make_routing_case(const std::string& name, const ops::moe::RoutingDims& n,
                                     bool with_empty_slots) {
  std::mt19937 random(17);
  RoutingCase c{.name = name, .n = n};
  std::vector<int32_t> expert_index(static_cast<size_t>(n.T * n.K));
  for (size_t pair = 0; pair < expert_index.size(); ++pair) {
    const auto expert = static_cast<int32_t>(random() % static_cast<uint32_t>(n.E));
    expert_index[pair] = with_empty_slots && pair % 7 == 3 ? -1 : expert;
  }
  c.offsets.resize(static_cast<size_t>(n.E + 1));
  c.row_pair.resize(expert_index.size());
  c.pair_row.resize(expert_index.size());
  c.x = random_floats(n.T * n.D, random);
  c.gate_weight = random_floats(n.T * n.K, random);
  c.expert_out = random_floats(n.T * n.K * n.D, random);
  c.grad_y = random_floats(n.T * n.D, random);
  c.grad_rows = random_floats(n.T * n.K * n.D, random);
  c.grad_x_before = random_floats(n.T * n.D, random);
  c.rows.assign(c.expert_out.size(), -7.0F);
  c.y.assign(c.x.size(), -7.0F);
  c.grad_x = c.grad_x_before;
  c.grad_expert_out.assign(c.expert_out.size(), -7.0F);
  c.grad_gate_weight.assign(c.gate_weight.size(), -7.0F);

  core::ThreadPool threads(1);
  const tensor::Stream stream{.threads = &threads};
  const ops::moe::Kernels cpu = ops::moe::cpu_kernels();
  cpu.plan(stream, n, expert_index.data(), c.offsets.data(), c.row_pair.data(), c.pair_row.data());
  cpu.dispatch(stream, n, c.x.data(), c.row_pair.data(), &c.offsets.back(), c.rows.data());
  cpu.dispatch_grad(stream, n, c.grad_rows.data(), c.pair_row.data(), c.grad_x.data());
  cpu.combine(stream, n, c.expert_out.data(), c.gate_weight.data(), c.pair_row.data(), c.y.data());
  cpu.combine_grad(stream, n, c.grad_y.data(), c.expert_out.data(), c.gate_weight.data(),
                   c.pair_row.data(), c.grad_expert_out.data(), c.grad_gate_weight.data());
  return c;
}

/// Widths with and without whole vectors, less than a warp, one expert, no token, empty slots.
inline std::vector<RoutingCase> routing_cases() {
  return {make_routing_case("WholeVectors", {.T = 19, .K = 4, .E = 8, .D = 64}, false),
          make_routing_case("OddWidth", {.T = 13, .K = 3, .E = 5, .D = 37}, false),
          make_routing_case("EmptySlots", {.T = 21, .K = 2, .E = 6, .D = 12}, true),
          make_routing_case("OneExpertTakesAll", {.T = 9, .K = 1, .E = 1, .D = 5}, false),
          make_routing_case("NoTokens", {.T = 0, .K = 2, .E = 3, .D = 8}, false)};
}

}  // namespace switchyard::test
