#include "tests/support/plugin_test_host.h"

#include <cmath>
#include <cstring>
#include <dlfcn.h>
#include <numbers>

#include "tests/support/reference_ew.h"
#include "tests/support/reference_ops.h"

namespace switchyard::test {

namespace {

/// A number in (0, 1) that depends on its address only.
double uniform_at(uint64_t a, uint64_t b, uint64_t c) {
  uint64_t z = a * 0x9e3779b97f4a7c15u + b * 0xbf58476d1ce4e5b9u + c * 0x94d049bb133111ebu + 1;
  for (int round = 0; round < 3; ++round) {
    z = (z ^ (z >> 31)) * 0xff51afd7ed558ccdu;
  }
  return (static_cast<double>(z >> 11) + 0.5) / 9007199254740992.0;
}

double normal_at(uint64_t a, uint64_t b, uint64_t c) {
  return std::sqrt(-2.0 * std::log(uniform_at(a, b, 2 * c))) *
         std::cos(2.0 * std::numbers::pi * uniform_at(a, b, 2 * c + 1));
}

void fill_initial(TestParameter& p) {
  for (int64_t i = 0; i < p.value.size(); ++i) {
    const auto element = static_cast<uint64_t>(i);
    double v = 0.0;
    if (p.desc.init == SY_INIT_CONST) {
      v = p.desc.a;
    } else if (p.desc.init == SY_INIT_UNIFORM) {
      v = p.desc.a + (p.desc.b - p.desc.a) * uniform_at(7, p.name.size(), element);
    } else if (p.desc.init != SY_INIT_ZERO) {
      v = p.desc.a + p.desc.b * normal_at(7, p.name.size(), element);
    }
    p.value.f32()[i] = static_cast<float>(v);
  }
}

}  // namespace

PluginFile::PluginFile(const std::string& path, const sy_host& host) {
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    throw sy::Error(SY_E_NOTFOUND, dlerror());
  }
  library_ = std::shared_ptr<void>(handle, dlclose);
  const auto entry =
      reinterpret_cast<decltype(&sy_plugin_entry_v1)>(dlsym(handle, "sy_plugin_entry_v1"));
  if (!entry) {
    throw sy::Error(SY_E_ABI, path + " has no sy_plugin_entry_v1");
  }
  sy::HostError error;
  error.check(entry(&host, &plugin_, error.get()));
}

const sy_component& PluginFile::component(const std::string& id) const {
  for (const sy_component* const* c = plugin_->components; *c; ++c) {
    if (id.empty() || (*c)->id == id) {
      return **c;
    }
  }
  throw sy::Error(SY_E_NOTFOUND, "no component " + id);
}

/// The service tables; the context's component is a PluginTestHost.
struct HostServices {
  static PluginTestHost& host(sy_ctx& ctx) { return *static_cast<PluginTestHost*>(ctx.component); }

  static Buffer make(sy_dtype dtype, int32_t ndim, const int64_t* shape) {
    Buffer b(dtype, std::vector<int64_t>(shape, shape + ndim));
    b.poison();
    return b;
  }
  static void scratch(sy_ctx& ctx, sy_dtype dtype, int32_t ndim, const int64_t* shape,
                      sy_tensor* out) {
    *out = host(ctx).scratch_.emplace_back(make(dtype, ndim, shape)).view();
  }
  static void save(sy_ctx& ctx, uint32_t slot, sy_dtype dtype, int32_t ndim, const int64_t* shape,
                   sy_tensor* out) {
    sy::require(slot < SY_MAX_SAVED, "save: slot ", slot);
    *out = (host(ctx).slots_[slot] = make(dtype, ndim, shape)).view();
  }
  static void saved(sy_ctx& ctx, uint32_t slot, sy_tensor* out) {
    const auto found = host(ctx).slots_.find(slot);
    if (found == host(ctx).slots_.end()) {
      sy::fail(SY_E_NOTFOUND, "saved: nothing in slot ", slot);
    }
    *out = found->second.view();
  }
  static void get(sy_ctx& ctx, uint32_t handle, int32_t which, sy_tensor* out) {
    TestParameter& p = host(ctx).parameters_.at(handle);
    *out = (which == SY_GRAD ? p.grad : p.value).view();
  }
  static void random(sy_ctx& ctx, uint32_t purpose, int32_t dist, double a, double b,
                     const sy_tensor* y) {
    PluginTestHost& h = host(ctx);
    const bool is_normal = dist == SY_RNG_NORMAL;
    sy::require(is_normal || dist == SY_RNG_UNIFORM,
                "the test host draws normal and uniform numbers only");
    const int64_t width = y->ndim > 1 ? y->shape[1] : 1;
    for (int64_t i = 0; i < y->shape[0] * width; ++i) {
      const auto at = static_cast<size_t>(h.token_base * width + i);
      const auto step = static_cast<uint64_t>(h.step);
      const double z = h.noise.empty() ? normal_at(purpose, step, at) : h.noise.at(at);
      const double u = a + (b - a) * uniform_at(purpose, step, at);
      static_cast<float*>(y->data)[i] = static_cast<float>(is_normal ? a + b * z : u);
    }
  }
  static void size_rank(sy_ctx* ctx, int32_t, int32_t* size, int32_t* rank) {
    *size = host(*ctx).num_ranks;
    *rank = 0;
  }
  static void all_reduce(sy_ctx& ctx, int32_t, int32_t, const sy_tensor* x) {
    if (host(ctx).on_all_reduce) {
      host(ctx).on_all_reduce(static_cast<float*>(x->data), sy::num_elements(*x));
    }
  }
  static const void* find(const sy_host*, const char* id);
};

const void* HostServices::find(const sy_host*, const char* id) {
  static const sy_mem mem{sizeof(sy_mem), 0, Service<scratch>::call, Service<save>::call,
                          Service<saved>::call};
  static const sy_params params{sizeof(sy_params), 0, Service<get>::call};
  static const sy_rng rng{sizeof(sy_rng), 0, Service<random>::call, nullptr};
  static const sy_comm comm{sizeof(sy_comm), 0, size_rank, Service<all_reduce>::call, nullptr};
  const std::pair<const char*, const void*> tables[] = {
      {SY_SVC_MEM, &mem},   {SY_SVC_PARAMS, &params},     {SY_SVC_RNG, &rng},
      {SY_SVC_COMM, &comm}, {SY_SVC_EW, &reference_ew()}, {SY_SVC_OPS, &reference_ops()}};
  for (const auto& [name, table] : tables) {
    if (std::strcmp(name, id) == 0) {
      return table;
    }
  }
  return nullptr;
}

std::string PluginTestHost::path(const std::string& plugin) {
  return std::string(SWITCHYARD_TEST_PLUGIN_DIR "/") + plugin + ".syplugin.so";
}

PluginTestHost::PluginTestHost(const std::string& plugin) {
  host_.struct_size = sizeof(sy_host);
  host_.abi_major = SY_ABI_MAJOR;
  host_.abi_minor = SY_ABI_MINOR;
  host_.engine = "test host";
  host_.engine_version = "0.1.0";
  host_.device_mask = 1u << SY_CPU;
  host_.log = [](const sy_host*, int32_t, const char*, const char*) {};
  host_.get_service = HostServices::find;
  file_ = std::make_unique<PluginFile>(path(plugin), host_);
  component_ = &file_->component("");
  ctx_.component = this;
  ctx_.on_call = [this] {
    if (fail_after && (*fail_after)-- == 0) {
      throw sy::Error(SY_E_NOMEM, "injected");
    }
  };
}

PluginTestHost::~PluginTestHost() {
  if (instance_) {
    component_->destroy(instance_);
  }
}

sy_layer_info PluginTestHost::layer(int64_t d_in, int64_t d_out, int32_t num_experts) {
  sy_layer_info info{};
  info.struct_size = sizeof(info);
  info.d_in = d_in;
  info.d_out = d_out;
  info.n_experts = num_experts;
  info.n_local = num_experts;
  info.device_type = SY_CPU;
  info.param = info.compute = sy_dtype{SY_FLOAT, 32, 1};
  return info;
}

void PluginTestHost::create(const sy_layer_info& layer, const TestConfig& config) {
  struct Registrar : sy_builder {
    std::deque<TestParameter>* parameters = nullptr;
  } registrar;
  registrar.struct_size = sizeof(sy_builder);
  registrar.parameters = &parameters_;
  registrar.param = [](const sy_builder* b, const sy_param_desc* d, uint32_t* handle, sy_error*) {
    auto& list = *static_cast<const Registrar*>(b)->parameters;
    *handle = static_cast<uint32_t>(list.size());
    const std::vector<int64_t> shape(d->shape, d->shape + d->ndim);
    TestParameter& p = list.emplace_back(
        TestParameter{*d, d->name, Buffer(d->dtype, shape), Buffer(d->dtype, shape)});
    p.desc.name = p.name.c_str();
    fill_initial(p);
    return sy_status{SY_OK};
  };
  sy::HostError error;
  if (component_->check) {
    error.check(component_->check(component_, &layer, &config, error.get()));
  }
  error.check(component_->create(component_, &host_, &layer, &config, &instance_, error.get()));
  error.check(component_->build(instance_, &registrar, error.get()));
}

TestParameter& PluginTestHost::parameter(const std::string& name) {
  for (TestParameter& p : parameters_) {
    if (p.name == name) {
      return p;
    }
  }
  throw sy::Error(SY_E_NOTFOUND, "no parameter " + name);
}

void PluginTestHost::zero_grads() {
  for (TestParameter& p : parameters_) {
    p.grad.zero();
  }
}

template <typename Function, typename... Arguments>
void PluginTestHost::run(Function function, Arguments... arguments) {
  sy_call call{};
  call.struct_size = sizeof(call);
  call.flags = flags;
  call.host = &host_;
  call.ctx = &ctx_;
  call.device_type = SY_CPU;
  call.step = step;
  call.token_base = token_base;
  call.token_stride = 1;
  call.save_policy = save_policy;
  call.compute = sy_dtype{SY_FLOAT, 32, 1};
  sy::HostError error;
  const sy_status status = function(instance_, &call, arguments..., error.get());
  scratch_.clear();
  error.check(status);
}

sy_gate_info PluginTestHost::gate_info() {
  sy_gate_info info{};
  info.struct_size = sizeof(info);
  sy::HostError error;
  error.check(
      static_cast<const sy_gate_vt*>(component_->impl)->info(instance_, &info, error.get()));
  return info;
}

void PluginTestHost::gate_forward(const sy_gate_in& in, const sy_gate_out& out) {
  slots_.clear();
  run(static_cast<const sy_gate_vt*>(component_->impl)->forward, &in, &out);
}

void PluginTestHost::gate_backward(const sy_gate_in& in, const sy_gate_out& out,
                                   const sy_gate_grad& grad) {
  run(static_cast<const sy_gate_vt*>(component_->impl)->backward, &in, &out, &grad);
}

void PluginTestHost::gate_step_end() {
  run(static_cast<const sy_gate_vt*>(component_->impl)->step_end);
}

void PluginTestHost::expert_forward(const sy_expert_io& io) {
  slots_.clear();
  run(static_cast<const sy_expert_vt*>(component_->impl)->forward, &io);
}

void PluginTestHost::expert_backward(const sy_expert_io& io) {
  run(static_cast<const sy_expert_vt*>(component_->impl)->backward, &io);
}

void PluginTestHost::expert_cost(double* madds, double* bytes) {
  sy::HostError error;
  error.check(static_cast<const sy_expert_vt*>(component_->impl)
                  ->cost(instance_, madds, bytes, error.get()));
}

std::deque<TestState> PluginTestHost::optimizer_plan(const sy_param_info& info) {
  struct Planner : sy_state_builder {
    const sy_param_info* info = nullptr;
    std::deque<TestState>* states = nullptr;
  } planner;
  std::deque<TestState> states;
  planner.struct_size = sizeof(sy_state_builder);
  planner.info = &info;
  planner.states = &states;
  planner.state = [](const sy_state_builder* b, const char* name, sy_dtype dtype, int32_t ndim,
                     const int8_t* dim_map, double init, sy_error*) {
    const auto* self = static_cast<const Planner*>(b);
    std::vector<int64_t> shape;
    for (int32_t i = 0; i < ndim; ++i) {
      shape.push_back(dim_map[i] < 0 ? 1 : self->info->local[dim_map[i]]);
    }
    TestState& s = self->states->emplace_back(TestState{name, Buffer(dtype, shape)});
    std::fill_n(s.value.f32(), s.value.size(), static_cast<float>(init));
    return sy_status{SY_OK};
  };
  planner.sharding = [](const sy_state_builder*, uint32_t) {};
  sy::HostError error;
  error.check(static_cast<const sy_optimizer_vt*>(component_->impl)
                  ->plan(instance_, &info, &planner, error.get()));
  return states;
}

void PluginTestHost::optimizer_step(const sy_opt_step& step_info) {
  run(static_cast<const sy_optimizer_vt*>(component_->impl)->step, &step_info);
}

}  // namespace switchyard::test
