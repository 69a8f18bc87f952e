// Experts of different plugins and shapes in one MoE layer, with the real plugins.
#include <algorithm>
#include <memory>

#include <gtest/gtest.h>

#include "layers/initialize.h"
#include "layers/moe/moe_layer.h"
#include "layers/workspace.h"
#include "tests/support/dense_gradient.h"
#include "tests/support/plugin_directory.h"
#include "tests/support/random_tensor.h"

namespace switchyard::layers {
namespace {

using tensor::Tensor;
using tests::relative_error;
using tests::to_double;
using Numbers = std::vector<double>;

constexpr int64_t kTokens = 7;
constexpr int64_t kWidth = 6;

core::ComponentConfig component(const std::string& plugin,
                                std::map<std::string, core::ConfigValue> values) {
  return {.plugin = plugin, .values = std::move(values), .where = "test"};
}

// A softmax gate over all experts of three groups: linear, deep, and gated linear units.
class MixedExperts : public testing::Test {
 protected:
  MixedExperts()
      : layer_("moe", 0, kWidth,
               {.gate = component("softmax", {}),
                .experts = {{component("ffn", {{"hidden", std::vector<double>{}}}), 1},
                            {component("ffn", {{"hidden", std::vector<double>{8, 5}}}), 2},
                            {component("glu", {{"hidden", int64_t{32}}}), 2}}},
               plugins_, parameters_) {
    parameters_.allocate(allocator_);
    initialize(ops::backend_on(device_), parameters_, 5);
    // The gate starts as the mean; here it must matter.
    Tensor& gate = parameters_.find("moe.gate.w_gate")->value;
    const std::vector<float> values = tests::random_values(gate.count(), 8);
    std::copy(values.begin(), values.end(), gate.data<float>());
  }

  struct Outcome {
    Numbers y;
    Numbers grad_x;
  };

  // One forward and backward with the last matrix of the named groups set to zero, so that only
  // the other groups contribute.
  Outcome run_without(const std::vector<std::string>& silent) {
    std::vector<std::pair<tensor::Parameter*, std::vector<float>>> kept;
    for (const std::string& name : silent) {
      tensor::Parameter* last = parameters_.find("moe." + name);
      kept.emplace_back(last, last->value.to_vector<float>());
      std::fill_n(last->value.data<float>(), last->value.count(), 0.0F);
    }
    const Outcome outcome = run();
    for (auto& [parameter, values] : kept) {
      std::copy(values.begin(), values.end(), parameter->value.data<float>());
    }
    return outcome;
  }

  Outcome run() {
    tests::zero_gradients(parameters_);
    Pass& pass = workspace_.begin(Mode::kTrain, 0, 1);
    const SequenceInfo sequence = {.num_streams = 1, .num_steps = kTokens};
    const Tensor y = layer_.forward(x_, sequence, pass);
    const Tensor grad_x = tests::zero_tensor({kTokens, kWidth});
    layer_.backward(grad_y_, sequence, grad_x, pass);
    return {to_double(y), to_double(grad_x)};
  }

  plugin_host::PluginRegistry plugins_{tests::built_plugins()};
  core::ThreadPool threads_{2};
  tensor::CpuDevice device_{threads_};
  tensor::CpuAllocator allocator_;
  Workspace workspace_{ops::backend_on(device_)};
  tensor::ParameterSet parameters_;
  MoeLayer layer_;
  Tensor x_ = tests::random_tensor({kTokens, kWidth}, 1);
  Tensor grad_y_ = tests::random_tensor({kTokens, kWidth}, 2);
};

Numbers sum(const std::vector<Numbers>& parts) {
  Numbers total(parts[0].size());
  for (const Numbers& part : parts) {
    for (size_t i = 0; i < total.size(); ++i) {
      total[i] += part[i];
    }
  }
  return total;
}

TEST_F(MixedExperts, AreTheSumOfTheirGroups) {
  ASSERT_EQ(layer_.num_experts(), 5);
  const Outcome all = run();
  const Outcome linear = run_without({"experts1.w2", "experts2.w_down"});
  const Outcome deep = run_without({"experts0.w0", "experts2.w_down"});
  const Outcome glu = run_without({"experts0.w0", "experts1.w2"});
  EXPECT_LT(relative_error(sum({linear.y, deep.y, glu.y}), all.y), 1e-6);
  EXPECT_LT(relative_error(sum({linear.grad_x, deep.grad_x, glu.grad_x}), all.grad_x), 1e-5);
  for (const Outcome* part : {&linear, &deep, &glu}) {
    EXPECT_GT(relative_error(part->y, all.y), 1e-3) << "no group is the whole layer";
    EXPECT_GT(relative_error(part->y, Numbers(all.y.size()), 1.0), 1e-3) << "each says something";
  }
}

}  // namespace
}  // namespace switchyard::layers
