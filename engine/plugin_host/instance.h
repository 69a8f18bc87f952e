#pragma once

#include <memory>
#include <string>
#include <vector>

#include <switchyard/component/live.h>

#include "core/opaque_state.h"
#include "plugin_host/border.h"
#include "plugin_host/call.h"
#include "plugin_host/plugin_library.h"
#include "plugin_host/schema.h"
#include "tensor/parameter.h"

namespace switchyard::plugin_host {

/// Everything that an instance is made from.
struct InstanceSetup {
  std::shared_ptr<const PluginLibrary> library;
  const sy_component* component = nullptr;  // of that library
  ResolvedConfig config;
  std::string name;   // "moe.gate": prefix of its parameters, key of its random numbers
  std::string where;  // for messages: "model.moe.gate (demo.toml:12)"
  sy_layer_info layer{};
};

/// Runs the component's own check() of a configuration, where it has one.
/// Throws Error with the component's status, its text behind `where`.
void check_with_component(const InstanceSetup& setup);

/// One instance of a component: its life, its parameters, its context, and the state that it keeps
/// outside of tensors, if its table has save and load. Threads: [inst].
class ComponentInstance final : public core::OpaqueState {
 public:
  /// Checks, creates and builds. Registers its tensors in `parameters` as "<name>.<tensor>", and
  /// its other state; a null `parameters` (optimizers) skips building. Throws Error naming
  /// component and instance.
  ComponentInstance(InstanceSetup setup, tensor::ParameterSet* parameters);
  ~ComponentInstance() override;

  [[nodiscard]] sy_instance* get() const { return instance_; }
  [[nodiscard]] sy_ctx& context() { return context_; }
  [[nodiscard]] const InstanceSetup& setup() const { return setup_; }
  [[nodiscard]] const sy_layer_info& layer() const { return setup_.layer; }
  [[nodiscard]] const std::string& name() const override { return setup_.name; }
  /// The tensors that build() registered, in that order.
  [[nodiscard]] const std::vector<tensor::Parameter*>& parameters() const { return parameters_; }
  [[nodiscard]] uint32_t caps() const { return setup_.component->caps; }
  /// Throws Error unless `wanted`, a whole configuration, may replace the instance's own while it
  /// trains: kInvalidArgument, naming the fields, if one changes that is not SY_FF_LIVE;
  /// kUnsupported if the component has no sy.live/1; else what its check() says.
  void require_live(const ResolvedConfig& wanted) const;
  /// Replaces the configuration, between steps. Needs require_live(); throws what the component
  /// answers, and then the old one stays.
  void reconfigure(ResolvedConfig wanted);
  [[nodiscard]] bool keeps_state() const { return setup_.component->save != nullptr; }
  [[nodiscard]] uint32_t version() const override { return setup_.component->state_version; }
  /// Needs keeps_state(), as does load().
  [[nodiscard]] std::vector<uint8_t> save() const override;
  void load(std::span<const uint8_t> bytes, uint32_t saved_version) override;
  template <typename Functions>
  [[nodiscard]] const Functions& functions() const {
    return *static_cast<const Functions*>(setup_.component->impl);
  }

  /// Calls function(instance, arguments..., error) and throws Error, with the status and the text
  /// that came back, unless that was SY_OK.
  template <typename Function, typename... Arguments>
  void call(const char* what, Function function, Arguments... arguments) const {
    Complaint complaint;
    const sy_status status = complaint.call(function, instance_, arguments...);
    if (status != SY_OK) {
      fail(what, status, complaint);
    }
  }
  /// "gate 'org.example.topk' 1.2.0 at moe.gate", for messages.
  [[nodiscard]] std::string described() const;

 private:
  struct ParameterBuilder;

  [[noreturn]] void fail(const char* what, sy_status status, const Complaint& complaint) const;
  [[nodiscard]] const sy_live* live() const;
  void create();
  void build(tensor::ParameterSet& parameters);
  tensor::Parameter make_parameter(const sy_param_desc& desc) const;

  InstanceSetup setup_;
  sy_instance* instance_ = nullptr;
  std::vector<tensor::Parameter*> parameters_;
  sy_ctx context_;
};

}  // namespace switchyard::plugin_host
