// The recurrent layer of experts computes its activations again: same bits, less memory.
#include <numeric>

#include <gtest/gtest.h>

#include "tests/engine/models/recurrent_bench.h"

namespace switchyard::models {
namespace {

using tests::relative_error;
using tests::to_double;

struct NamedGate {
  std::string name;
  MoeConfig moe;
};

std::vector<NamedGate> every_gate() {
  std::vector<NamedGate> all;
  for (const core::ComponentConfig& each : {gate("noisy_topk", 2), gate("batchwise", 2),
                                            gate("sigmoid", 2), gate("softmax", 2), dense_gate()}) {
    all.push_back({each.plugin, config_of(each).moe});
  }
  MoeConfig two_levels = config_of(gate("noisy_topk", 1)).moe;
  two_levels.groups = 3;
  two_levels.secondary_gate = gate("noisy_topk", 2);
  all.push_back({"two levels", two_levels});
  MoeConfig windows = config_of(gate("noisy_topk", 2)).moe;
  windows.memory.experts_at_once = 1;
  all.push_back({"windows", windows});
  return all;
}

// The records of forward, over all steps.
std::vector<Floats> numbers_of(const layers::MoeTrace& trace) {
  const std::vector<int32_t> experts = trace.routing.expert_index.to_vector<int32_t>();
  const std::vector<int32_t> offsets = trace.offsets.to_vector<int32_t>();
  return {trace.routing.gate_weight.to_vector<float>(), trace.routing.importance.to_vector<float>(),
          trace.routing.load.to_vector<float>(),        trace.routing.aux_loss.to_vector<float>(),
          Floats(experts.begin(), experts.end()),       Floats(offsets.begin(), offsets.end())};
}

// Noise, ties told apart at random and loads that a gate counts: none of it reveals that the
// activations are computed twice.
TEST(Recomputation, ChangesNoBit) {
  for (const NamedGate& each : every_gate()) {
    RecurrentMoeConfig config = config_of({});
    config.moe = each.moe;
    config.segment = 0;
    MoeBench kept(moe(config));
    kept.run(7, 1);
    kept.run(7, 50);
    const std::vector<Floats> expected = kept.results();
    for (const int64_t segment : {int64_t{1}, int64_t{2}, int64_t{3}, int64_t{100}, int64_t{-1}}) {
      SCOPED_TRACE(fmt::format("{}, segment {}", each.name, segment));
      config.segment = segment;
      MoeBench repeated(moe(config));
      repeated.run(7, 1);
      repeated.run(7, 50);
      EXPECT_EQ(repeated.results(), expected);
      EXPECT_EQ(numbers_of(repeated.pass.traces.back()), numbers_of(kept.pass.traces.back()));
    }
  }
}

TEST(Recomputation, AGateThatCountsItsLoadCountsItOnce) {
  RecurrentMoeConfig config = config_of(gate("sigmoid", 2));
  config.segment = 2;
  MoeBench bench(moe(config));
  move(bench.parameters, 100, -0.3);  // its buffers to 0 again
  bench.run(7);
  const Numbers counted = to_double(bench.parameter("layer.gate.step_load").value);
  const Numbers load = to_double(bench.pass.traces.back().routing.load);
  EXPECT_LT(relative_error(counted, load), 1e-6);
  EXPECT_EQ(std::accumulate(load.begin(), load.end(), 0.0), 2.0 * kStreams * 7);
}

/// Bytes of activations of a training step.
struct StepBytes {
  double taken = 0.0;
  double described = 0.0;
};

StepBytes bytes_of(int64_t segment, int64_t num_steps) {
  RecurrentMoeConfig config = config_of(gate("noisy_topk", 2));
  config.moe.experts = {{.component = ffn(2048), .count = 6}};
  config.segment = segment;
  MoeBench bench(moe(config));
  bench.run(num_steps);
  return {.taken = bench.workspace.peak_memory().kept,
          .described = bench.layer->step_memory(kStreams, num_steps).kept};
}

TEST(Recomputation, MemoryGrowsWithTheRootOfTheSteps) {
  const StepBytes all_of_64 = bytes_of(0, 64);
  const StepBytes all_of_256 = bytes_of(0, 256);
  const StepBytes segments_of_64 = bytes_of(layers::kAutomaticSegment, 64);
  const StepBytes segments_of_256 = bytes_of(layers::kAutomaticSegment, 256);
  EXPECT_NEAR(all_of_256.taken / all_of_64.taken, 4.0, 0.4);
  EXPECT_NEAR(segments_of_256.taken / segments_of_64.taken, 2.0, 0.3);
  for (const StepBytes& each : {all_of_64, all_of_256, segments_of_64, segments_of_256}) {
    // The small tensors of three rows take 256 bytes each.
    EXPECT_NEAR(each.described / each.taken, 0.9, 0.15);
  }
}

TEST(Recomputation, TakesNoMemoryAfterWarmUp) {
  MoeBench bench(moe(config_of(gate("noisy_topk", 2))));
  bench.run(9);
  bench.run(9);
  const int64_t activations = bench.workspace.pass().activations->capacity_bytes();
  const int64_t scratch = bench.workspace.pass().scratch->capacity_bytes();
  bench.run(9);
  EXPECT_EQ(bench.workspace.pass().activations->capacity_bytes(), activations);
  EXPECT_EQ(bench.workspace.pass().scratch->capacity_bytes(), scratch);
}

}  // namespace
}  // namespace switchyard::models
