// Feed-forward experts: any list of hidden layers, each with the same activation, and a linear
// output (Shazeer et al. 2017, arXiv:1701.06538, section 3.2 and appendix C.1).
#include <string>
#include <vector>

#include <switchyard/sdk.hpp>

namespace {

using sy::Call;
using sy::View;

constexpr const char* kActivations[] = {"relu", "gelu", "silu", "tanh", nullptr};

constexpr sy::Schema kSchema{
    sy::int_list_field("hidden", "Hidden sizes", "1024")
        .range(1, 1 << 20, 1)
        .section("Shape")
        .flags(SY_FF_SHAPE)
        .help("Widths of the hidden layers, from the input on; empty = one matrix."),
    sy::choice_field("activation", "Activation", kActivations, "relu")
        .section("Shape")
        .help("Applied after every hidden layer, never to the output."),
    sy::bool_field("bias", "Biases", false)
        .section("Shape")
        .flags(SY_FF_SHAPE)
        .help("Adds a bias to every layer, the output too."),
    sy::init_scale_field(1.0),
    sy::bool_field("recompute", "Recompute in backward", false)
        .section("Memory")
        .help(
            "Keeps no hidden activations and computes them again: a sixth more work, less memory."),
};

int32_t activation_of(const std::string& name) {
  if (name == "relu") {
    return SY_A_RELU;
  }
  if (name == "gelu") {
    return SY_A_GELU;
  }
  if (name == "silu") {
    return SY_A_SILU;
  }
  sy::require(name == "tanh", "ffn: activation must be relu, gelu, silu or tanh, got '", name, "'");
  return SY_A_TANH;
}

class FfnExpert final : public sy::Expert {
 public:
  static constexpr const char* kId = "switchyard.expert.ffn";
  static constexpr const char* kLabel = "Feed-forward";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kSummary = "layers of any widths with one activation";
  static constexpr uint32_t kStateVersion = 1;
  static constexpr uint32_t kCaps = SY_CAP_CUDA | SY_CAP_DETERMINISTIC;
  static constexpr const sy_field* const* fields() { return kSchema.get(); }

  static void check(const sy_layer_info&, const sy::Config& config) {
    const size_t layers = config.integers("hidden").size();
    sy::require(layers <= SY_MAX_SAVED, "ffn: hidden must list at most ", SY_MAX_SAVED,
                " sizes, got ", layers);
    for (const int64_t width : config.integers("hidden")) {
      sy::require(width > 0, "ffn: every hidden size must be at least 1, got ", width);
    }
  }

  FfnExpert(const sy_layer_info& layer, const sy::Config& config)
      : num_experts_(layer.n_local),
        activation_(activation_of(config.text("activation"))),
        has_bias_(config.flag("bias")),
        init_scale_(config.number("init_scale")),
        recompute_(config.flag("recompute")) {
    check(layer, config);
    widths_.push_back(layer.d_in);
    for (const int64_t width : config.integers("hidden")) {
      widths_.push_back(width);
    }
    widths_.push_back(layer.d_out);
  }

  void build(const sy::Builder& builder) override {
    for (size_t i = 0; i < num_layers(); ++i) {
      const int64_t in = widths_[i];
      const int64_t out = widths_[i + 1];
      const std::string number = std::to_string(i);
      const std::string kernel = "w" + number;
      kernels_.push_back(builder.add(sy::Parameter(kernel.c_str(), {num_experts_, in, out})
                                         .per_expert(0)
                                         .flags(SY_PF_MULTIPLIED)
                                         .fan_in(init_scale_, in)));
      if (has_bias_) {
        const std::string bias = "b" + number;
        biases_.push_back(builder.add(sy::Parameter(bias.c_str(), {num_experts_, out})
                                          .per_expert(0)
                                          .flags(SY_PF_NO_DECAY | SY_PF_MULTIPLIED)));
      }
    }
  }

  void forward(Call& call, const sy_expert_io& io) override {
    if (io.x.shape[0] == 0) {
      return;
    }
    const bool keep = !keeps_nothing(call);
    const std::vector<sy_tensor> hidden = run_hidden(call, io, keep);
    const size_t last = num_layers() - 1;
    run_layer(call, io, last, last == 0 ? io.x : output_of(call, hidden[last - 1]), io.y);
  }

  void backward(Call& call, const sy_expert_io& io) override {
    if (io.x.shape[0] == 0) {
      return;
    }
    const std::vector<sy_tensor> hidden =
        keeps_nothing(call) ? run_hidden(call, io, false) : saved_hidden(call);
    sy_tensor grad_y = io.dy;
    for (size_t i = num_layers() - 1; i > 0; --i) {
      add_grad(call, io, i, output_of(call, hidden[i - 1]), grad_y);
      const sy_tensor grad_x = call.scratch({io.x.shape[0], widths_[i]});
      call.grouped_gemm(SY_GG_DGRAD, io.offsets, 1.0, grad_y, call.param(kernels_[i]), 0.0, grad_x);
      call.act_grad(activation_, hidden[i - 1], grad_x, grad_x);
      grad_y = grad_x;
    }
    add_grad(call, io, 0, io.x, grad_y);
    call.grouped_gemm(SY_GG_DGRAD, io.offsets, 1.0, grad_y, call.param(kernels_[0]), 0.0, io.dx);
  }

  [[nodiscard]] sy::ExpertCost cost() const override {
    sy::ExpertCost cost;
    for (size_t i = 0; i < num_layers(); ++i) {
      cost.madds_per_row += static_cast<double>(widths_[i]) * static_cast<double>(widths_[i + 1]);
      if (i > 0 && !recompute_) {
        cost.saved_bytes_per_row += static_cast<double>(widths_[i]) * sizeof(float);
      }
    }
    return cost;
  }

 private:
  [[nodiscard]] size_t num_layers() const { return widths_.size() - 1; }

  [[nodiscard]] bool keeps_nothing(const Call& call) const {
    return recompute_ || call.keeps_nothing();
  }

  /// The gradient of ReLU can be had from its output, so only that is held; the others need their
  /// input, and their output is computed from it where it is wanted.
  [[nodiscard]] bool holds_output() const { return activation_ == SY_A_RELU; }

  /// What is held of every hidden layer, [rows, width] each: in slots for backward, or in scratch
  /// memory.
  [[nodiscard]] std::vector<sy_tensor> run_hidden(Call& call, const sy_expert_io& io,
                                                  bool keep) const {
    std::vector<sy_tensor> hidden;
    for (size_t i = 0; i + 1 < num_layers(); ++i) {
      const int64_t rows = io.x.shape[0];
      const int64_t width = widths_[i + 1];
      const sy_tensor held =
          keep ? call.save(static_cast<uint32_t>(i), {rows, width}) : call.scratch({rows, width});
      run_layer(call, io, i, i == 0 ? io.x : output_of(call, hidden[i - 1]), held);
      if (holds_output()) {
        call.act(activation_, held, held);
      }
      hidden.push_back(held);
    }
    return hidden;
  }

  [[nodiscard]] std::vector<sy_tensor> saved_hidden(Call& call) const {
    std::vector<sy_tensor> hidden;
    for (size_t i = 0; i + 1 < num_layers(); ++i) {
      hidden.push_back(call.saved(static_cast<uint32_t>(i)));
    }
    return hidden;
  }

  /// A hidden layer's output from what is held of it.
  [[nodiscard]] sy_tensor output_of(Call& call, const sy_tensor& held) const {
    if (holds_output()) {
      return held;
    }
    const sy_tensor output = call.scratch({held.shape[0], held.shape[1]});
    call.act(activation_, held, output);
    return output;
  }

  /// y = x W_i + b_i, each row with its own expert's.
  void run_layer(Call& call, const sy_expert_io& io, size_t i, const sy_tensor& x,
                 const sy_tensor& y) const {
    call.grouped_gemm(SY_GG_FWD, io.offsets, 1.0, x, call.param(kernels_[i]), 0.0, y);
    if (has_bias_) {
      call.grouped_gemm(SY_GG_FWD, io.offsets, 1.0, ones(call, io),
                        View::reshape(call.param(biases_[i]), {num_experts_, 1, widths_[i + 1]}),
                        1.0, y);
    }
  }

  /// Adds to the gradients of layer i's parameters.
  void add_grad(Call& call, const sy_expert_io& io, size_t i, const sy_tensor& x,
                const sy_tensor& grad_y) const {
    const auto kernel = call.param_grad_sum(kernels_[i]);
    call.grouped_gemm(SY_GG_WGRAD, io.offsets, 1.0, x, grad_y, kernel.beta, kernel.sum);
    if (has_bias_) {
      const auto bias = call.param_grad_sum(biases_[i]);
      call.grouped_gemm(SY_GG_WGRAD, io.offsets, 1.0, ones(call, io), grad_y, bias.beta,
                        View::reshape(bias.sum, {num_experts_, 1, widths_[i + 1]}));
    }
  }

  /// [rows, 1]: makes a product of a bias, so that rows find their expert through the offsets.
  [[nodiscard]] static sy_tensor ones(Call& call, const sy_expert_io& io) {
    const sy_tensor one = call.scratch({io.x.shape[0], 1});
    call.fill(1.0, one);
    return one;
  }

  int64_t num_experts_;
  int32_t activation_;
  bool has_bias_;
  double init_scale_;
  bool recompute_;
  std::vector<int64_t> widths_;  // d_in, hidden ..., d_out
  std::vector<uint32_t> kernels_;
  std::vector<uint32_t> biases_;
};

}  // namespace

SY_PLUGIN("switchyard.expert.ffn", "0.1.0", "Switchyard", "Apache-2.0", "", FfnExpert);
