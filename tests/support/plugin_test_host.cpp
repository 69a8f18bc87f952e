#include "tests/support/plugin_test_host.h"

#include <cmath>
#include <cstring>
#include <dlfcn.h>
#include <numbers>

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
  static void elementwise(sy_ctx&, const sy_ew_ins* code, int32_t n_code, const sy_tensor* io,
                          int32_t n_io, const float* k, int32_t n_k);
  static void elementwise_matrices(sy_ctx&, const sy_ew_ins* code, int32_t n_code,
                                   const sy_tensor* io, int32_t n_io, const float* k, int32_t n_k,
                                   const sy_tensor* active);
  static void elementwise_rows(sy_ctx&, const sy_ew_ins* code, int32_t n_code, const sy_tensor* io,
                               int32_t n_io, const float* k, int32_t n_k, const sy_tensor* rows,
                               uint32_t by_row);
  static const void* find(const sy_host*, const char* id);
};

namespace {

float elementwise_value(const sy_ew_ins& i, const float* r) {
  const float a = r[i.a];
  const float b = i.op <= SY_EW_FMA || i.op == SY_EW_SELECT ? r[i.b] : 0.0f;
  switch (i.op) {
    case SY_EW_ADD:
      return a + b;
    case SY_EW_SUB:
      return a - b;
    case SY_EW_MUL:
      return a * b;
    case SY_EW_DIV:
      return a / b;
    case SY_EW_MAX:
      return std::max(a, b);
    case SY_EW_MIN:
      return std::min(a, b);
    case SY_EW_FMA:
      return std::fma(a, b, r[i.d]);
    case SY_EW_SQRT:
      return std::sqrt(a);
    case SY_EW_RSQRT:
      return 1.0f / std::sqrt(a);
    case SY_EW_EXP:
      return std::exp(a);
    case SY_EW_LOG:
      return std::log(a);
    case SY_EW_TANH:
      return std::tanh(a);
    case SY_EW_ABS:
      return std::fabs(a);
    case SY_EW_SIGN:
      return static_cast<float>((a > 0) - (a < 0));
    case SY_EW_SELECT:
      return a > 0 ? b : r[i.d];
    default:
      throw sy::Error(SY_E_INVALID, "elementwise: unknown instruction");
  }
}

}  // namespace

namespace {

/// Where the element at `index` of io[0] is found in each tensor.
using ElementPlace = std::function<int64_t(const sy_tensor&)>;

void run_element(const sy_ew_ins* code, int32_t n_code, const sy_tensor* io, int32_t n_io,
                 const float* k, int32_t n_k, const ElementPlace& place) {
  float r[SY_EW_REGISTERS] = {};
  for (int32_t c = 0; c < n_code; ++c) {
    const sy_ew_ins& i = code[c];
    sy::require(i.d < SY_EW_REGISTERS, "elementwise: register ", int{i.d});
    if (i.op == SY_EW_CONST) {
      sy::require(i.a < n_k, "elementwise: constant ", int{i.a});
      r[i.d] = k[i.a];
    } else if (i.op == SY_EW_LOAD || i.op == SY_EW_STORE || i.op == SY_EW_SCALAR) {
      sy::require(i.a < n_io, "elementwise: tensor ", int{i.a});
      const int64_t size = sy::num_elements(io[i.a]);
      sy::require(i.op == SY_EW_LOAD || size == (i.op == SY_EW_SCALAR ? 1 : sy::num_elements(*io)),
                  "elementwise: tensor ", int{i.a}, " has ", size, " elements");
      float* data = static_cast<float*>(io[i.a].data);
      if (i.op == SY_EW_STORE) {
        data[place(io[i.a])] = r[i.d];
      } else {
        r[i.d] = data[i.op == SY_EW_SCALAR ? 0 : place(io[i.a])];
      }
    } else {
      r[i.d] = elementwise_value(i, r);
    }
  }
}

}  // namespace

void HostServices::elementwise(sy_ctx&, const sy_ew_ins* code, int32_t n_code, const sy_tensor* io,
                               int32_t n_io, const float* k, int32_t n_k) {
  for (int64_t e = 0; e < sy::num_elements(io[0]); ++e) {
    run_element(code, n_code, io, n_io, k, n_k, [&](const sy_tensor& t) {
      sy::require(sy::num_elements(t) == sy::num_elements(io[0]),
                  "elementwise: ", sy::num_elements(t), " elements");
      return e;
    });
  }
}

void HostServices::elementwise_matrices(sy_ctx&, const sy_ew_ins* code, int32_t n_code,
                                        const sy_tensor* io, int32_t n_io, const float* k,
                                        int32_t n_k, const sy_tensor* active) {
  const int64_t* shape = io[0].shape;
  sy::require(io[0].ndim == 3, "elementwise_matrices: io[0] has ", io[0].ndim, " dimensions");
  for (int64_t e = 0; e < sy::num_elements(io[0]); ++e) {
    const int64_t index[3] = {e / (shape[1] * shape[2]), e / shape[2] % shape[1], e % shape[2]};
    if (active && static_cast<const float*>(active->data)[index[0]] == 0.0f) {
      continue;
    }
    run_element(code, n_code, io, n_io, k, n_k, [&](const sy_tensor& t) {
      int64_t at = 0;
      for (int d = 0; d < 3; ++d) {
        sy::require(t.ndim == 3 && (t.shape[d] == shape[d] || t.shape[d] == 1),
                    "elementwise_matrices: a shape does not fit");
        at = at * t.shape[d] + (t.shape[d] == 1 ? 0 : index[d]);
      }
      return at;
    });
  }
}

// One row after the other, each as a program of its own.
void HostServices::elementwise_rows(sy_ctx& ctx, const sy_ew_ins* code, int32_t n_code,
                                    const sy_tensor* io, int32_t n_io, const float* k, int32_t n_k,
                                    const sy_tensor* rows, uint32_t by_row) {
  const int64_t n = sy::num_elements(*rows);
  for (int64_t j = 0; j < n; ++j) {
    std::vector<sy_tensor> row(io, io + n_io);
    for (int32_t i = 0; i < n_io; ++i) {
      const bool chosen = (by_row >> i & 1u) != 0;
      if (!chosen && sy::num_elements(io[i]) == 1 && io[i].ndim == 1 && n != 1) {
        continue;  // a scalar
      }
      const int64_t at = chosen ? static_cast<const int32_t*>(rows->data)[j] : j;
      sy::require(at >= 0 && at < io[i].shape[0], "elementwise: row ", at, " of tensor ", i);
      row[i].data = static_cast<float*>(io[i].data) + at * io[i].strides[0];
      row[i].ndim = io[i].ndim - 1;
      row[i].shape = io[i].shape + 1;
      row[i].strides = io[i].strides + 1;
    }
    elementwise(ctx, code, n_code, row.data(), n_io, k, n_k);
  }
}

const void* HostServices::find(const sy_host*, const char* id) {
  static const sy_mem mem{sizeof(sy_mem), 0, Service<scratch>::call, Service<save>::call,
                          Service<saved>::call};
  static const sy_params params{sizeof(sy_params), 0, Service<get>::call};
  static const sy_rng rng{sizeof(sy_rng), 0, Service<random>::call, nullptr};
  static const sy_comm comm{sizeof(sy_comm), 0, size_rank, Service<all_reduce>::call, nullptr};
  static const sy_ew ew{sizeof(sy_ew), 0, Service<elementwise>::call,
                        Service<elementwise_matrices>::call, Service<elementwise_rows>::call};
  const std::pair<const char*, const void*> tables[] = {
      {SY_SVC_MEM, &mem},   {SY_SVC_PARAMS, &params}, {SY_SVC_RNG, &rng},
      {SY_SVC_COMM, &comm}, {SY_SVC_EW, &ew},         {SY_SVC_OPS, &reference_ops()}};
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
