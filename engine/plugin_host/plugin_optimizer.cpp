#include "plugin_host/plugin_optimizer.h"

#include <algorithm>

#include "plugin_host/plugin_table.h"
#include "plugin_host/tensor_view.h"

namespace switchyard::plugin_host {

namespace {

using core::ErrorCode;
using core::fail;
using core::require;

sy_param_info info_of(const tensor::Parameter& parameter) {
  sy_param_info info{};
  info.struct_size = sizeof(sy_param_info);
  info.role = static_cast<uint32_t>(parameter.role);
  info.flags = parameter.flags;
  info.ndim = parameter.shape.dim();
  info.name = parameter.name.c_str();
  for (int axis = 0; axis < parameter.shape.dim(); ++axis) {
    info.global[axis] = parameter.shape[axis];
    info.local[axis] = parameter.shape[axis];
  }
  info.expert_dim = parameter.expert_dim;
  info.dtype = sy_dtype_of(parameter.dtype);
  return info;
}

}  // namespace

/// Where plan() declares the state of one parameter.
struct PluginOptimizer::StateCollector : sy_state_builder {
  const tensor::Parameter* parameter;
  std::vector<optim::StateTensor>* state_list;

  StateCollector(const tensor::Parameter& of, std::vector<optim::StateTensor>& into)
      : sy_state_builder{}, parameter(&of), state_list(&into) {
    struct_size = sizeof(sy_state_builder);
    state = &add;
    // On one rank nothing is cut, so every need is met.
    sharding = [](const sy_state_builder*, uint32_t) {};
  }

  static sy_status add(const sy_state_builder* builder, const char* name, sy_dtype dtype,
                       int32_t ndim, const int8_t* dim_map, double init, sy_error* error) {
    return guard(error, [&] {
      const auto* self = static_cast<const StateCollector*>(builder);
      self->state_list->push_back(
          make_state(*self->parameter, text_or_empty(name), dtype, ndim, dim_map, init));
      const std::string& added = self->state_list->back().name;
      const auto is_same = [&added](const auto& other) { return other.name == added; };
      require(std::count_if(self->state_list->begin(), self->state_list->end(), is_same) == 1,
              "state '{}' is declared twice", added);
    });
  }

  static optim::StateTensor make_state(const tensor::Parameter& parameter, const std::string& name,
                                       sy_dtype dtype, int32_t ndim, const int8_t* dim_map,
                                       double init) {
    require(!name.empty(), "a state of '{}' has no name", parameter.name);
    optim::StateTensor state;
    state.name = parameter.name + "/" + name;
    state.parameter = &parameter;
    state.init = init;
    if (dtype_of(dtype) != tensor::DType::kF32) {
      fail(ErrorCode::kUnsupported, "state '{}' must be f32", state.name);
    }
    require(ndim >= 0 && ndim <= SY_MAX_DIMS && (ndim == 0 || dim_map != nullptr),
            "state '{}' must have 0 ... {} dimensions, got {}", state.name, SY_MAX_DIMS, ndim);
    std::array<int64_t, SY_MAX_DIMS> extents{};
    for (int32_t i = 0; i < ndim; ++i) {
      require(dim_map[i] >= -1 && dim_map[i] < parameter.shape.dim(),
              "state '{}': dim_map[{}] must be -1 or one of the parameter's {} dimensions, got {}",
              state.name, i, parameter.shape.dim(), int{dim_map[i]});
      extents[static_cast<size_t>(i)] = dim_map[i] < 0 ? 1 : parameter.shape[dim_map[i]];
      state.dim_map.push_back(dim_map[i]);
    }
    state.shape = shape_of(ndim, extents.data());
    return state;
  }
};

PluginOptimizer::PluginOptimizer(InstanceSetup setup)
    : instance_(std::move(setup), nullptr), functions_(instance_.functions<sy_optimizer_vt>()) {
}

void PluginOptimizer::plan(std::span<tensor::Parameter* const> parameters) {
  if (is_planned_) {
    fail(ErrorCode::kState, "{}: plan() was called before", instance_.described());
  }
  for (tensor::Parameter* parameter : parameters) {
    if ((instance_.caps() & SY_CAP_GRAD_ROWS) == 0) {
      parameter->touched_rows = {};
    }
    Item& item = items_.emplace_back();
    item.parameter = parameter;
    item.info = info_of(*parameter);
    item.first_state = state_.size();
    std::vector<optim::StateTensor> declared;
    const StateCollector collector(*parameter, declared);
    instance_.call("plan", functions_.plan, static_cast<const sy_param_info*>(&item.info),
                   static_cast<const sy_state_builder*>(&collector));
    item.item.n_state = static_cast<uint32_t>(declared.size());
    std::move(declared.begin(), declared.end(), std::back_inserter(state_));
  }
  prepare_items();
  is_planned_ = true;
}

void PluginOptimizer::allocate(tensor::Allocator& allocator) {
  if (!is_planned_) {
    fail(ErrorCode::kState, "{}: plan() must come before allocate()", instance_.described());
  }
  if (allocator.device() != tensor::DeviceType::kCpu) {
    fail(ErrorCode::kUnsupported, "{}: state on {} is not supported by this build",
         instance_.described(), tensor::name_of(allocator.device()));
  }
  for (optim::StateTensor& state : state_) {
    state.value = tensor::Tensor::zeros(tensor::DType::kF32, state.shape, allocator);
    if (state.init != 0.0) {
      std::fill_n(state.value.data<float>(), state.value.count(), static_cast<float>(state.init));
    }
  }
  is_allocated_ = true;
}

void PluginOptimizer::step(const optim::OptimizerStep& step) {
  if (!is_allocated_) {
    fail(ErrorCode::kState, "{}: allocate() must come before step()", instance_.described());
  }
  refresh_items(step);
  run(step, item_pointers_);
}

void PluginOptimizer::run(const optim::OptimizerStep& step,
                          std::span<const sy_opt_item* const> items) {
  if (items.empty()) {
    return;
  }
  const StepCall call(instance_.context(), step);
  const sy_opt_step all = {.struct_size = sizeof(sy_opt_step),
                           .n_items = static_cast<uint32_t>(items.size()),
                           .items = items.data(),
                           .step = step.step,
                           .grad_mult = view_of(step.grad_scale)};
  instance_.call("step", functions_.step, call.get(), &all);
}

void PluginOptimizer::step_slice(const optim::OptimizerStep& step,
                                 const tensor::ParameterSlice& slice) {
  const auto item = std::find_if(items_.begin(), items_.end(), [&slice](const Item& known) {
    return known.parameter == slice.parameter;
  });
  if (!is_allocated_ || item == items_.end()) {
    fail(is_allocated_ ? ErrorCode::kNotFound : ErrorCode::kState,
         "{}: plan() and allocate() must have seen '{}' before step_slice()", instance_.described(),
         slice.parameter->name);
  }
  bind_slice_states(*item, slice.first, slice.value.size(0));
  sy_param_info info = item->info;
  info.local[0] = slice.value.size(0);
  info.start[0] = slice.first;
  info.dtype = sy_dtype_of(slice.value.dtype());
  sy_opt_item part = item->item;
  part.info = &info;
  part.param = view_of(slice.value);
  part.grad = view_of(slice.grad);
  part.state = slice_views_.data();
  part.lr = step.learning_rate;
  const sy_opt_item* const parts[] = {&part};
  run(step, parts);
}

void PluginOptimizer::bind_slice_states(const Item& item, int64_t first, int64_t count) {
  slice_states_.clear();
  slice_views_.clear();
  for (size_t i = item.first_state; i < item.first_state + item.item.n_state; ++i) {
    const optim::StateTensor& state = state_[i];
    if (state.dim_map.empty() || state.dim_map[0] != 0) {
      fail(ErrorCode::kUnsupported,
           "{}: the state '{}' is not stacked over experts, so they cannot be updated a few at a "
           "time; set model.moe.update_in_backward = false or use another optimizer for experts",
           instance_.described(), state.name);
    }
    slice_states_.push_back(state.value.slice(0, first, first + count));
  }
  // Views point into the tensors, so these are all there first.
  for (const tensor::Tensor& state : slice_states_) {
    slice_views_.push_back(view_of(state));
  }
}

std::vector<optim::StateTensor*> PluginOptimizer::state() {
  std::vector<optim::StateTensor*> all;
  all.reserve(state_.size());
  for (optim::StateTensor& state : state_) {
    all.push_back(&state);
  }
  return all;
}

std::vector<core::OpaqueState*> PluginOptimizer::opaque_states() {
  return instance_.keeps_state() ? std::vector<core::OpaqueState*>{&instance_}
                                 : std::vector<core::OpaqueState*>{};
}

void PluginOptimizer::prepare_items() {
  state_views_.resize(state_.size());
  for (Item& item : items_) {
    item.item.struct_size = sizeof(sy_opt_item);
    item.item.info = &item.info;
    item.item.state = state_views_.data() + item.first_state;
    if (!item.parameter->updated_in_backward) {
      item_pointers_.push_back(&item.item);
    }
  }
}

// A restored checkpoint may have given parameters and state other memory, so views are made anew.
void PluginOptimizer::refresh_items(const optim::OptimizerStep& step) {
  for (size_t i = 0; i < state_.size(); ++i) {
    state_views_[i] = view_of(state_[i].value);
  }
  for (Item& item : items_) {
    const tensor::Parameter& parameter = *item.parameter;
    if (parameter.updated_in_backward) {
      continue;
    }
    if (!parameter.value.defined() || !parameter.has_grad()) {
      fail(ErrorCode::kState, "{}: the parameter '{}' has no memory yet", instance_.described(),
           parameter.name);
    }
    item.grad = parameter.grad_values();
    item.rows = parameter.row_grad.defined() ? parameter.row_grad.rows() : tensor::Tensor();
    item.item.param = view_of(parameter.value);
    item.item.grad = view_of(item.grad);
    item.item.rows = view_of(item.rows);
    item.item.lr = step.learning_rate;
  }
}

}  // namespace switchyard::plugin_host
