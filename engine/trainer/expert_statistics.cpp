#include "trainer/expert_statistics.h"

#include <algorithm>
#include <cmath>

namespace switchyard::trainer {

double gate_entropy(const tensor::Tensor& gate_weight, const tensor::Tensor& expert_index) {
  const auto* weights = gate_weight.data<float>();
  const auto* experts = expert_index.data<int32_t>();
  double entropy = 0.0;
  for (int64_t i = 0; i < gate_weight.count(); ++i) {
    const double g = weights[i];
    if (experts[i] >= 0 && g > 0.0) {
      entropy -= g * std::log(g);
    }
  }
  return entropy / static_cast<double>(std::max<int64_t>(gate_weight.size(0), 1));
}

void ExpertStatistics::report(int64_t step, const std::vector<layers::Routed*>& layers,
                              RunListener& listener) {
  for (const layers::Routed* layer : layers) {
    if (!layer->has_gate()) {
      continue;
    }
    const layers::MoeTrace& trace = layer->trace();
    const auto E = static_cast<size_t>(layer->num_experts());
    const auto* offsets = trace.offsets.data<int32_t>();
    tokens_per_expert_.resize(E);
    for (size_t e = 0; e < E; ++e) {
      tokens_per_expert_[e] = offsets[e + 1] - offsets[e];
    }
    listener.on_experts(
        {.step = step,
         .layer = layer->name(),
         .top_k = std::lround(layer->experts_per_token()),
         .importance = {trace.routing.importance.data<float>(), E},
         .load = {trace.routing.load.data<float>(), E},
         .tokens = tokens_per_expert_,
         .gate_entropy = gate_entropy(trace.routing.gate_weight, trace.routing.expert_index)});
  }
}

}  // namespace switchyard::trainer
