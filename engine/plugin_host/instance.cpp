#include "plugin_host/instance.h"

#include "plugin_host/config_view.h"
#include "plugin_host/name_list.h"
#include "plugin_host/plugin_table.h"
#include "plugin_host/state_stream.h"
#include "plugin_host/tensor_view.h"

namespace switchyard::plugin_host {

namespace {

using core::require;

std::string describe(const sy_component& component, const std::string& name) {
  return fmt::format("{} '{}' {} at {}", name_of(static_cast<ComponentKind>(component.kind)),
                     component.id, component.version, name);
}

}  // namespace

void check_with_component(const InstanceSetup& setup) {
  const sy_component& component = *setup.component;
  if (!component.check) {
    return;
  }
  const ConfigView config(setup.config);
  Complaint complaint;
  const sy_status status = complaint.call(component.check, &component, &setup.layer,
                                          static_cast<const sy_config*>(&config));
  if (status != SY_OK) {
    core::fail(code_of_status(status), "{}: {} ({})", setup.where, complaint.text(),
               describe(component, setup.name));
  }
}

/// Where build() registers tensors. The contract gives build() a const builder, so what it changes
/// stands behind pointers.
struct ComponentInstance::ParameterBuilder : sy_builder {
  ComponentInstance* instance;
  tensor::ParameterSet* parameters;

  ParameterBuilder(ComponentInstance& self, tensor::ParameterSet& set)
      : sy_builder{}, instance(&self), parameters(&set) {
    struct_size = sizeof(sy_builder);
    param = &add;
  }

  static sy_status add(const sy_builder* builder, const sy_param_desc* desc, uint32_t* handle,
                       sy_error* error) {
    return guard(error, [&] {
      const auto* self = static_cast<const ParameterBuilder*>(builder);
      require(SY_HAS(desc, sy_param_desc, b) && handle != nullptr,
              "param: the description or the place for the handle is a null pointer, or too short");
      std::vector<tensor::Parameter*>& known = self->instance->parameters_;
      known.push_back(&self->parameters->add(self->instance->make_parameter(*desc)));
      *handle = static_cast<uint32_t>(known.size() - 1);
    });
  }
};

ComponentInstance::ComponentInstance(InstanceSetup setup, tensor::ParameterSet* parameters)
    : setup_(std::move(setup)) {
  const Host& host = setup_.library->host();
  if (host.device == tensor::DeviceType::kCuda && (caps() & SY_CAP_CUDA) == 0) {
    core::fail(core::ErrorCode::kUnsupported,
               "{}: {} does not run on CUDA: run on the CPU or choose another plugin", setup_.where,
               described());
  }
  check_with_component(setup_);
  context_.host = &host;
  context_.instance = &setup_.name;
  context_.parameters = &parameters_;
  create();
  if (parameters != nullptr) {
    try {
      build(*parameters);
    } catch (...) {
      setup_.component->destroy(instance_);
      throw;
    }
  }
  host.instances.push_back(this);
}

ComponentInstance::~ComponentInstance() {
  std::erase(context_.host->instances, this);
  setup_.component->destroy(instance_);
}

std::string ComponentInstance::described() const {
  return describe(*setup_.component, setup_.name);
}

void ComponentInstance::fail(const char* what, sy_status status, const Complaint& complaint) const {
  core::fail(code_of_status(status), "{}: {} failed ({}): {}", described(), what,
             name_of_status(status), complaint.text());
}

void ComponentInstance::create() {
  const sy_component* component = setup_.component;
  const ConfigView config(setup_.config);
  Complaint complaint;
  const sy_status status =
      complaint.call(component->create, component, static_cast<const sy_host*>(context_.host),
                     &setup_.layer, static_cast<const sy_config*>(&config), &instance_);
  if (status != SY_OK) {
    core::fail(code_of_status(status), "{}: {}: create failed ({}): {}", setup_.where, described(),
               name_of_status(status), complaint.text());
  }
  if (instance_ == nullptr) {
    core::fail(core::ErrorCode::kAbi, "{}: create gave no instance", described());
  }
}

void ComponentInstance::build(tensor::ParameterSet& parameters) {
  const ParameterBuilder builder(*this, parameters);
  call("build", setup_.component->build, static_cast<const sy_builder*>(&builder));
  if (keeps_state()) {
    parameters.keep(*this);
  }
}

const sy_live* ComponentInstance::live() const {
  const auto get = setup_.component->get_extension;
  return get == nullptr ? nullptr : static_cast<const sy_live*>(get(instance_, SY_EXT_LIVE));
}

void ComponentInstance::require_live(const ResolvedConfig& wanted) const {
  std::string fixed;
  std::string free;
  for (const FieldSchema& field : read_schema(*setup_.component).fields) {
    if ((field.flags & SY_FF_LIVE) != 0) {
      append_name(free, "'" + field.name + "'");
    } else if (wanted.at(field.name) != setup_.config.at(field.name)) {
      append_name(fixed, "'" + field.name + "'");
    }
  }
  require(fixed.empty(), "{}: {} cannot change while training; of {} only these can: {}",
          setup_.where, fixed, described(), free.empty() ? "none" : free);
  const sy_live* extension = live();
  if (!SY_HAS_FN(extension, sy_live, set)) {
    core::fail(core::ErrorCode::kUnsupported,
               "{}: {} has no {}, so none of its settings can change while training", setup_.where,
               described(), SY_EXT_LIVE);
  }
  InstanceSetup changed = setup_;
  changed.config = wanted;
  check_with_component(changed);
}

void ComponentInstance::reconfigure(ResolvedConfig wanted) {
  const ConfigView config(wanted);
  call("set", live()->set, static_cast<const sy_config*>(&config));
  setup_.config = std::move(wanted);
}

std::vector<uint8_t> ComponentInstance::save() const {
  SavedStream stream;
  call("save", setup_.component->save, static_cast<const sy_stream*>(&stream));
  return stream.take();
}

void ComponentInstance::load(std::span<const uint8_t> bytes, uint32_t saved_version) {
  if (saved_version > version()) {
    core::fail(core::ErrorCode::kUnsupported,
               "{}: its state was saved in version {}, this plugin reads versions up to {}: use "
               "the newer plugin",
               described(), saved_version, version());
  }
  const LoadedStream stream(bytes);
  call("load", setup_.component->load, static_cast<const sy_stream*>(&stream), saved_version);
}

tensor::Parameter ComponentInstance::make_parameter(const sy_param_desc& desc) const {
  const std::string name = text_or_empty(desc.name);
  require(!name.empty(), "param: a tensor has no name");
  require(desc.init <= SY_INIT_UNIFORM, "param '{}': the initialisation must be 0 ... {}, got {}",
          name, int{SY_INIT_UNIFORM}, desc.init);
  require(desc.expert_dim >= -1 && desc.expert_dim < desc.ndim,
          "param '{}': expert_dim must be -1 or one of its {} dimensions, got {}", name, desc.ndim,
          desc.expert_dim);
  tensor::Parameter parameter;
  parameter.name = setup_.name + "." + name;
  parameter.shape = shape_of(desc.ndim, desc.shape);
  parameter.dtype = dtype_of(desc.dtype);
  parameter.role =
      setup_.component->kind == SY_KIND_GATE ? tensor::Role::kGate : tensor::Role::kExpert;
  parameter.init = {.kind = static_cast<tensor::InitKind>(desc.init), .a = desc.a, .b = desc.b};
  parameter.expert_dim = desc.expert_dim;
  parameter.flags = desc.flags;
  parameter.is_buffer = (desc.flags & SY_PF_BUFFER) != 0;
  parameter.stays_f32 = (desc.flags & SY_PF_FP32) != 0;
  parameter.only_multiplied = (desc.flags & SY_PF_MULTIPLIED) != 0;
  return parameter;
}

}  // namespace switchyard::plugin_host
