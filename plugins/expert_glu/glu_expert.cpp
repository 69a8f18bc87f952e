// Gated linear units as experts: y = (act(x Wg) * (x Wu)) Wd (Dauphin et al. 2017,
// arXiv:1612.08083; as a feed-forward layer with several activations, Shazeer 2020,
// arXiv:2002.05202). No biases.
#include <optional>
#include <string>

#include <switchyard/sdk.hpp>

namespace {

using sy::Call;

constexpr const char* kActivations[] = {"silu", "gelu", "sigmoid", "relu", "identity", nullptr};

constexpr sy::Schema kSchema{
    sy::int_field("hidden", "Hidden size", 1024)
        .range(1, 1 << 20, 1)
        .section("Shape")
        .flags(SY_FF_SHAPE)
        .help("Width between the first two matrices and the third."),
    sy::choice_field("activation", "Activation", kActivations, "silu")
        .section("Shape")
        .help("Of the gating half; identity makes the unit bilinear."),
    sy::init_scale_field(1.0),
    sy::bool_field("recompute", "Recompute in backward", false)
        .section("Memory")
        .help("Keeps no hidden values and computes them again: two ninths more work, less memory."),
};

/// The SY_A_* of a name; nothing for identity.
std::optional<int32_t> activation_of(const std::string& name) {
  if (name == "silu") {
    return SY_A_SILU;
  }
  if (name == "gelu") {
    return SY_A_GELU;
  }
  if (name == "sigmoid") {
    return SY_A_SIGMOID;
  }
  if (name == "relu") {
    return SY_A_RELU;
  }
  sy::require(name == "identity",
              "glu: activation must be silu, gelu, sigmoid, relu or identity, got '", name, "'");
  return std::nullopt;
}

class GluExpert final : public sy::Expert {
 public:
  static constexpr const char* kId = "switchyard.expert.glu";
  static constexpr const char* kLabel = "Gated linear unit";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kSummary = "a hidden layer whose one half gates the other";
  static constexpr uint32_t kStateVersion = 1;
  static constexpr uint32_t kCaps = SY_CAP_CUDA | SY_CAP_DETERMINISTIC;
  static constexpr const sy_field* const* fields() { return kSchema.get(); }

  GluExpert(const sy_layer_info& layer, const sy::Config& config)
      : num_experts_(layer.n_local),
        d_in_(layer.d_in),
        d_out_(layer.d_out),
        hidden_(config.integer("hidden")),
        activation_(activation_of(config.text("activation"))),
        init_scale_(config.number("init_scale")),
        recompute_(config.flag("recompute")) {
    sy::require(hidden_ > 0, "glu: hidden must be at least 1, got ", hidden_);
  }

  void build(const sy::Builder& builder) override {
    gate_kernel_ = add_kernel(builder, "w_gate", d_in_, hidden_);
    up_kernel_ = add_kernel(builder, "w_up", d_in_, hidden_);
    down_kernel_ = add_kernel(builder, "w_down", hidden_, d_out_);
  }

  void forward(Call& call, const sy_expert_io& io) override {
    if (io.x.shape[0] == 0) {
      return;
    }
    const Halves halves = run_halves(call, io, !keeps_nothing(call));
    const sy_tensor hidden = scratch(call, io);
    call.binary(SY_B_MUL, activated(call, io, halves.gate), halves.up, hidden);
    call.grouped_gemm(SY_GG_FWD, io.offsets, 1.0, hidden, call.param(down_kernel_), 0.0, io.y);
  }

  void backward(Call& call, const sy_expert_io& io) override {
    if (io.x.shape[0] == 0) {
      return;
    }
    const Halves halves = keeps_nothing(call) ? run_halves(call, io, false)
                                              : Halves{call.saved(kGateSlot), call.saved(kUpSlot)};
    const sy_tensor factor = activated(call, io, halves.gate);
    const sy_tensor hidden = scratch(call, io);
    call.binary(SY_B_MUL, factor, halves.up, hidden);
    add_grad(call, io, down_kernel_, hidden, io.dy);
    const sy_tensor grad_hidden = scratch(call, io);
    call.grouped_gemm(SY_GG_DGRAD, io.offsets, 1.0, io.dy, call.param(down_kernel_), 0.0,
                      grad_hidden);

    const sy_tensor grad_up = hidden;  // not needed any more
    call.binary(SY_B_MUL, grad_hidden, factor, grad_up);
    const sy_tensor grad_gate = grad_hidden;
    call.binary(SY_B_MUL, grad_hidden, halves.up, grad_gate);
    if (activation_) {
      call.act_grad(*activation_, halves.gate, grad_gate, grad_gate);
    }
    add_grads(call, io, gate_kernel_, grad_gate, 0.0);
    add_grads(call, io, up_kernel_, grad_up, 1.0);
  }

  [[nodiscard]] sy::ExpertCost cost() const override {
    const auto hidden = static_cast<double>(hidden_);
    return {.madds_per_row = hidden * static_cast<double>(2 * d_in_ + d_out_),
            .saved_bytes_per_row = recompute_ ? 0.0 : 2.0 * hidden * sizeof(float)};
  }

 private:
  static constexpr uint32_t kGateSlot = 0;
  static constexpr uint32_t kUpSlot = 1;

  /// x Wg, before its activation, and x Wu; [rows, hidden].
  struct Halves {
    sy_tensor gate;
    sy_tensor up;
  };

  [[nodiscard]] bool keeps_nothing(const Call& call) const {
    return recompute_ || call.keeps_nothing();
  }

  uint32_t add_kernel(const sy::Builder& builder, const char* name, int64_t in, int64_t out) const {
    return builder.add(sy::Parameter(name, {num_experts_, in, out})
                           .per_expert(0)
                           .flags(SY_PF_MULTIPLIED)
                           .fan_in(init_scale_, in));
  }

  [[nodiscard]] sy_tensor scratch(Call& call, const sy_expert_io& io) const {
    return call.scratch({io.x.shape[0], hidden_});
  }

  [[nodiscard]] Halves run_halves(Call& call, const sy_expert_io& io, bool keep) const {
    const int64_t rows = io.x.shape[0];
    const Halves halves =
        keep ? Halves{call.save(kGateSlot, {rows, hidden_}), call.save(kUpSlot, {rows, hidden_})}
             : Halves{scratch(call, io), scratch(call, io)};
    call.grouped_gemm(SY_GG_FWD, io.offsets, 1.0, io.x, call.param(gate_kernel_), 0.0, halves.gate);
    call.grouped_gemm(SY_GG_FWD, io.offsets, 1.0, io.x, call.param(up_kernel_), 0.0, halves.up);
    return halves;
  }

  [[nodiscard]] sy_tensor activated(Call& call, const sy_expert_io& io,
                                    const sy_tensor& gate) const {
    if (!activation_) {
      return gate;
    }
    const sy_tensor output = scratch(call, io);
    call.act(*activation_, gate, output);
    return output;
  }

  /// Adds to the gradient of a matrix.
  static void add_grad(Call& call, const sy_expert_io& io, uint32_t kernel, const sy_tensor& x,
                       const sy_tensor& grad_y) {
    const auto grad = call.param_grad_sum(kernel);
    call.grouped_gemm(SY_GG_WGRAD, io.offsets, 1.0, x, grad_y, grad.beta, grad.sum);
  }

  /// Adds to the gradient of a matrix on x, and io.dx = grad W^T + beta io.dx.
  static void add_grads(Call& call, const sy_expert_io& io, uint32_t kernel, const sy_tensor& grad,
                        double beta) {
    add_grad(call, io, kernel, io.x, grad);
    call.grouped_gemm(SY_GG_DGRAD, io.offsets, 1.0, grad, call.param(kernel), beta, io.dx);
  }

  int64_t num_experts_;
  int64_t d_in_;
  int64_t d_out_;
  int64_t hidden_;
  std::optional<int32_t> activation_;
  double init_scale_;
  bool recompute_;
  uint32_t gate_kernel_ = 0;
  uint32_t up_kernel_ = 0;
  uint32_t down_kernel_ = 0;
};

}  // namespace

SY_PLUGIN("switchyard.expert.glu", "0.1.0", "Switchyard", "Apache-2.0", "", GluExpert);
