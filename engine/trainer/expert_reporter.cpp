#include "trainer/expert_reporter.h"

#include <algorithm>
#include <cmath>

namespace switchyard::trainer {

double gate_entropy(tensor::Device& device, const tensor::Tensor& gate_weight,
                    const tensor::Tensor& expert_index) {
  const tensor::HostView<float> weights = device.read_back<float>(gate_weight);
  const tensor::HostView<int32_t> experts = device.read_back<int32_t>(expert_index);
  double entropy = 0.0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const double g = weights[i];
    if (experts[i] >= 0 && g > 0.0) {
      entropy -= g * std::log(g);
    }
  }
  return entropy / static_cast<double>(std::max<int64_t>(gate_weight.size(0), 1));
}

void ExpertReporter::report(int64_t step, std::span<const layers::MoeTrace> traces,
                            tensor::Device& device, RunListener& listener) {
  for (const layers::MoeTrace& trace : traces) {
    const auto E = static_cast<size_t>(trace.layer->num_experts());
    const tensor::HostView<int32_t> offsets = device.read_back<int32_t>(trace.offsets);
    const tensor::HostView<float> importance = device.read_back<float>(trace.routing.importance);
    const tensor::HostView<float> load = device.read_back<float>(trace.routing.load);
    tokens_per_expert_.resize(E);
    for (size_t e = 0; e < E; ++e) {
      tokens_per_expert_[e] = offsets[e + 1] - offsets[e];
    }
    listener.on_experts({.step = step,
                         .layer = trace.layer->name(),
                         .top_k = std::lround(trace.layer->experts_per_token()),
                         .importance = importance,
                         .load = load,
                         .tokens = tokens_per_expert_,
                         .gate_entropy = gate_entropy(device, trace.routing.gate_weight,
                                                      trace.routing.expert_index)});
  }
}

}  // namespace switchyard::trainer
