#pragma once

#include <memory>
#include <vector>

#include "layers/moe/component_factory.h"

namespace switchyard::layers {

/// How a group of experts is stored and updated.
struct ExpertMemory {
  tensor::DType weights = tensor::DType::kF32;  // or kBf16, rounded at random after an update
  bool update_in_backward = false;              // needed for bf16
  int64_t experts_at_once = 0;                  // 0 = the whole group

  [[nodiscard]] bool is_plain() const {
    return weights == tensor::DType::kF32 && !update_in_backward && experts_at_once == 0;
  }
};

/// A group of experts that is processed a few experts at a time, so that it may hold billions of
/// parameters. Weights may be stored in bf16 and become f32 only while they are updated (or, unless
/// they are only multiplied, while their experts run), and the optimizer may consume the gradients
/// of some experts before the next ones compute theirs.
///
/// Window by window, the component inside sees `experts_at_once` experts with parameters of its own
/// (rounded down to a divisor of the group's count). This class registers the stacked parameters of
/// the whole group and binds the component's parameters to a window of them.
class WindowedExperts final : public ExpertGroup {
 public:
  /// Registers the parameters of the whole group under the names that the component gives them.
  /// Throws Error(kInvalidArgument) if bf16 is requested without update_in_backward, or the
  /// component has a parameter that is not stacked over experts in its first axis.
  WindowedExperts(const core::ComponentConfig& config, ComponentPlace place,
                  const ExpertMemory& memory, ComponentFactory& factory,
                  tensor::ParameterSet& parameters);

  void forward(const tensor::Tensor& x, const ExpertRows& rows, const tensor::Tensor& y,
               Pass& pass) override;
  void backward(const tensor::Tensor& x, const ExpertRows& rows, const tensor::Tensor& grad_y,
                const tensor::Tensor& grad_x, Pass& pass) override;

  [[nodiscard]] double madds_per_row() const override { return experts_->madds_per_row(); }
  /// Assumes that all windows get equally many rows.
  [[nodiscard]] StepMemory step_memory(int64_t num_rows) const override;

 private:
  /// A stacked parameter and the component's own for one window.
  struct Stacked {
    tensor::Parameter* all = nullptr;
    tensor::Parameter* window = nullptr;
  };

  void register_stacked(const ExpertMemory& memory, tensor::ParameterSet& parameters);
  [[nodiscard]] static tensor::Tensor in_f32(const tensor::Tensor& resting, Pass& pass);
  void bind_values(int64_t first, Pass& pass);
  void bind_gradients(int64_t first, Pass& pass);
  void update(int64_t first, Pass& pass);

  int64_t count_;
  int64_t at_once_;
  tensor::ParameterSet window_parameters_;
  std::unique_ptr<ExpertGroup> experts_;
  std::vector<Stacked> stacked_;
};

}  // namespace switchyard::layers
