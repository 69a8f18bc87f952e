#include "plugin_host/rehearsal.h"

#include <array>
#include <memory>

#include "core/thread_pool.h"
#include "layers/workspace.h"
#include "plugin_host/plugin_expert_group.h"
#include "plugin_host/plugin_gate.h"

namespace switchyard::plugin_host {

namespace {

using layers::StepMemory;
using tensor::DType;
using tensor::Shape;
using tensor::Tensor;

// Rows of the two runs. As many rows make blocks of whole alignments in an arena, so that the line
// through both is exact.
constexpr int64_t kFewRows = 64;
constexpr int64_t kMoreRows = 128;

/// A dry run of one component: parameters and a workspace of its own, all values zero.
class Stage {
 public:
  tensor::ParameterSet parameters;

  void allocate() { parameters.allocate(device_.memory()); }

  [[nodiscard]] Tensor zeros(DType dtype, const Shape& shape) {
    return Tensor::zeros(dtype, shape, device_);
  }

  /// Bytes that `step` takes.
  template <typename Step>
  [[nodiscard]] StepMemory measure(const Step& step) {
    layers::Workspace workspace(ops::backend_on(device_));
    step(workspace.begin(layers::Mode::kTrain, 0, 1));
    return workspace.peak_memory();
  }

 private:
  core::ThreadPool threads_{1};
  tensor::CpuDevice device_{threads_};
};

StepMemory run_gate(const InstanceSetup& setup, int64_t T) {
  Stage stage;
  PluginGate gate(setup, stage.parameters);
  stage.allocate();
  const int64_t E = setup.layer.n_experts;
  const int64_t K = gate.top_k();
  const bool host_balances = setup.layer.balance == SY_BALANCE_HOST;
  const Tensor per_expert = host_balances ? stage.zeros(DType::kF32, {E}) : Tensor();
  const layers::GateInput input = {.x = stage.zeros(DType::kF32, {T, setup.layer.d_in}),
                                   .mask = Tensor(),
                                   .token_ids = stage.zeros(DType::kI32, {T}),
                                   .sequence = stage.zeros(DType::kI32, {T})};
  layers::Routing routing = {.expert_index = stage.zeros(DType::kI32, {T, K}),
                             .gate_weight = stage.zeros(DType::kF32, {T, K}),
                             .importance = stage.zeros(DType::kF32, {E}),
                             .load = stage.zeros(DType::kF32, {E}),
                             .aux_loss = stage.zeros(DType::kF32, {1})};
  const layers::GateGrad grad = {.grad_gate_weight = stage.zeros(DType::kF32, {T, K}),
                                 .grad_aux_loss = stage.zeros(DType::kF32, {1}),
                                 .grad_x = stage.zeros(DType::kF32, {T, setup.layer.d_in}),
                                 .grad_importance = per_expert,
                                 .grad_load = per_expert};
  return stage.measure([&](layers::Pass& pass) {
    gate.forward(input, routing, pass);
    gate.backward(input, routing, grad, pass);
  });
}

InstanceSetup with_one_expert(InstanceSetup setup) {
  setup.layer.n_local = 1;
  return setup;
}

StepMemory run_expert(const InstanceSetup& setup, int64_t num_rows) {
  Stage stage;
  PluginExpertGroup expert(with_one_expert(setup), stage.parameters);
  stage.allocate();
  const std::array<int32_t, 2> range = {0, static_cast<int32_t>(num_rows)};
  const Tensor offsets = Tensor::from<int32_t>({2}, {range[0], range[1]});
  const layers::ExpertRows rows = {.offsets = offsets, .host_offsets = range};
  const Shape in = {num_rows, setup.layer.d_in};
  const Shape out = {num_rows, setup.layer.d_out};
  const Tensor x = stage.zeros(DType::kF32, in);
  const Tensor y = stage.zeros(DType::kF32, out);
  const Tensor grad_y = stage.zeros(DType::kF32, out);
  const Tensor grad_x = stage.zeros(DType::kF32, in);
  return stage.measure([&](layers::Pass& pass) {
    expert.forward(x, rows, y, pass);
    expert.backward(x, rows, grad_y, grad_x, pass);
  });
}

double line_through(double at_few, double at_more, int64_t num_rows) {
  const double per_row = (at_more - at_few) / static_cast<double>(kMoreRows - kFewRows);
  return at_few + per_row * static_cast<double>(num_rows - kFewRows);
}

// Few rows are run as they are.
template <typename Run>
StepMemory memory_of(const InstanceSetup& setup, int64_t num_rows, const Run& run) {
  if (num_rows <= kMoreRows) {
    return run(setup, num_rows);
  }
  const StepMemory few = run(setup, kFewRows);
  const StepMemory more = run(setup, kMoreRows);
  return {.kept = line_through(few.kept, more.kept, num_rows),
          .scratch = line_through(few.scratch, more.scratch, num_rows)};
}

}  // namespace

StepMemory gate_memory(const InstanceSetup& setup, int64_t num_rows) {
  return memory_of(setup, num_rows, run_gate);
}

StepMemory experts_memory(const InstanceSetup& setup, int64_t num_rows) {
  return memory_of(setup, num_rows, run_expert);
}

}  // namespace switchyard::plugin_host
