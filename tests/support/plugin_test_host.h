#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <switchyard/switchyard.h>
#include <switchyard/view.hpp>

#include "tests/support/buffer.h"
#include "tests/support/host_context.h"
#include "tests/support/test_config.h"

namespace switchyard::test {

/// A plugin loaded with dlopen from a path; throws sy::Error with the reason where it cannot be.
class PluginFile {
 public:
  PluginFile(const std::string& path, const sy_host& host);
  [[nodiscard]] const sy_plugin& plugin() const { return *plugin_; }
  [[nodiscard]] const sy_component& component(const std::string& id) const;

 private:
  std::shared_ptr<void> library_;
  const sy_plugin* plugin_ = nullptr;
};

struct TestParameter {
  sy_param_desc desc{};
  std::string name;
  Buffer value;
  Buffer grad;
};

/// A state tensor that an optimizer declared.
struct TestState {
  std::string name;
  Buffer value;
};

/// An instance of a component together with the host that serves it: parameters, saved slots,
/// scratch memory full of NaN, given or generated noise. One object stands for one rank.
class PluginTestHost {
 public:
  /// Loads the file `plugin` (a name such as "gate_softmax") and finds its first component.
  explicit PluginTestHost(const std::string& plugin);
  /// Where the build put that plugin.
  [[nodiscard]] static std::string path(const std::string& plugin);
  ~PluginTestHost();
  PluginTestHost(const PluginTestHost&) = delete;
  PluginTestHost& operator=(const PluginTestHost&) = delete;

  [[nodiscard]] TestConfig config() const { return TestConfig(component_->fields); }
  [[nodiscard]] const sy_component& component() const { return *component_; }
  [[nodiscard]] const sy_plugin& plugin() const { return file_->plugin(); }
  [[nodiscard]] const sy_host& host() const { return host_; }

  /// Makes the instance and its parameters (gradients zero). Throws sy::Error as the plugin says.
  void create(const sy_layer_info& layer, const TestConfig& config);
  /// A layer on one rank that holds all its experts.
  [[nodiscard]] static sy_layer_info layer(int64_t d_in, int64_t d_out, int32_t num_experts);

  [[nodiscard]] TestParameter& parameter(const std::string& name);
  [[nodiscard]] std::deque<TestParameter>& parameters() { return parameters_; }
  [[nodiscard]] bool kept_something() const { return !slots_.empty(); }
  void zero_grads();

  // The next call.
  uint32_t flags = SY_F_TRAINING;
  uint32_t save_policy = SY_SAVE_ALL;
  int64_t step = 1;
  int64_t token_base = 0;

  /// Normal numbers for sy.rng (uniform ones are always generated), row-major from token_base 0;
  /// empty: generated from the address.
  std::vector<float> noise;
  int32_t num_ranks = 1;
  /// Replaces the local values by the reduced ones.
  std::function<void(float*, int64_t)> on_all_reduce;
  /// The service call after that many fails with SY_E_NOMEM "injected".
  std::optional<int64_t> fail_after;

  // Runs one function of the component's table; throws sy::Error with the plugin's own words.
  [[nodiscard]] sy_gate_info gate_info();
  void gate_forward(const sy_gate_in& in, const sy_gate_out& out);
  void gate_backward(const sy_gate_in& in, const sy_gate_out& out, const sy_gate_grad& grad);
  void gate_step_end();
  void expert_forward(const sy_expert_io& io);
  void expert_backward(const sy_expert_io& io);
  void expert_cost(double* madds, double* bytes);
  [[nodiscard]] std::deque<TestState> optimizer_plan(const sy_param_info& info);
  void optimizer_step(const sy_opt_step& step);

 private:
  friend struct HostServices;
  template <typename Function, typename... Arguments>
  void run(Function function, Arguments... arguments);

  sy_host host_{};
  std::unique_ptr<PluginFile> file_;
  const sy_component* component_ = nullptr;
  sy_instance* instance_ = nullptr;
  sy_ctx ctx_;
  std::deque<TestParameter> parameters_;
  std::map<uint32_t, Buffer> slots_;
  std::deque<Buffer> scratch_;
};

}  // namespace switchyard::test
