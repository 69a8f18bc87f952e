#include "plugin_host/plugin_expert_group.h"

#include "plugin_host/rehearsal.h"
#include "plugin_host/tensor_view.h"

namespace switchyard::plugin_host {

PluginExpertGroup::PluginExpertGroup(InstanceSetup setup, tensor::ParameterSet& parameters)
    : instance_(std::move(setup), &parameters), functions_(instance_.functions<sy_expert_vt>()) {
  if (SY_HAS_FN(&functions_, sy_expert_vt, cost)) {
    double saved_bytes_per_row = 0.0;  // what is measured needs no claim
    instance_.call("cost", functions_.cost, &madds_per_row_, &saved_bytes_per_row);
  }
}

layers::StepMemory PluginExpertGroup::step_memory(int64_t num_rows) const {
  return experts_memory(instance_.setup(), num_rows);
}

void PluginExpertGroup::forward(const tensor::Tensor& x, const layers::ExpertRows& rows,
                                const tensor::Tensor& y, layers::Pass& pass) {
  PassCall call(instance_.context(), pass, instance_.layer().layer, CallPhase::kForward);
  sy_expert_io io = io_of(x, rows);
  io.y = view_of(y);
  instance_.call("forward", functions_.forward, call.get(), static_cast<const sy_expert_io*>(&io));
  call.keep_saved();
}

void PluginExpertGroup::backward(const tensor::Tensor& x, const layers::ExpertRows& rows,
                                 const tensor::Tensor& grad_y, const tensor::Tensor& grad_x,
                                 layers::Pass& pass) {
  const PassCall call(instance_.context(), pass, instance_.layer().layer, CallPhase::kBackward);
  sy_expert_io io = io_of(x, rows);
  io.dy = view_of(grad_y);
  io.dx = view_of(grad_x);
  instance_.call("backward", functions_.backward, call.get(),
                 static_cast<const sy_expert_io*>(&io));
}

sy_expert_io PluginExpertGroup::io_of(const tensor::Tensor& x,
                                      const layers::ExpertRows& rows) const {
  sy_expert_io io{};
  io.struct_size = sizeof(sy_expert_io);
  io.x = view_of(x);
  io.offsets = view_of(rows.offsets);
  if (!rows.host_offsets.empty()) {
    io.host_offsets = rows.host_offsets.data();
  } else if (rows.offsets.device() == tensor::DeviceType::kCpu) {
    io.host_offsets = rows.offsets.data<int32_t>();
  } else if ((instance_.caps() & SY_CAP_HOST_OFFSETS) != 0) {
    core::fail(core::ErrorCode::kUnsupported,
               "{}: it needs its offsets on the host, and they were not read back",
               instance_.described());
  }
  return io;
}

}  // namespace switchyard::plugin_host
