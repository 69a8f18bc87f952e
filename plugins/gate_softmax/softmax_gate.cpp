// The softmax gate: dense over all experts (Shazeer et al. 2017, arXiv:1701.06538, equation 2), or
// over the k largest logits, without noise.
#include <switchyard/sdk.hpp>

namespace {

using sy::Call;
using sy::View;

constexpr sy::Schema kSchema{
    sy::int_field("k", "Experts per token", 0)
        .range(0, 1024, 1)
        .section("Routing")
        .flags(SY_FF_SHAPE)
        .help("How many experts each token visits; 0 = all of them."),
    sy::float_field("w_importance", "Weight of the importance loss", 0.0)
        .range(0, 1e6, 0.01)
        .section("Balance")
        .flags(SY_FF_LIVE)
        .help("Coefficient of CV^2(importance): evens out the sum of gate weights."),
    sy::float_field("init_scale", "Scale of the first weights", 0.0)
        .range(0, 100, 0.1)
        .section("Start")
        .flags(SY_FF_ADVANCED)
        .help("Uniform with variance scale^2 / inputs; 0 starts with equal weights."),
};

class SoftmaxGate final : public sy::Gate {
 public:
  static constexpr const char* kId = "switchyard.gate.softmax";
  static constexpr const char* kLabel = "Softmax";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kSummary = "all experts, or the k best, weighted by a softmax";
  static constexpr uint32_t kStateVersion = 1;
  static constexpr uint32_t kCaps = SY_CAP_CUDA | SY_CAP_DETERMINISTIC | SY_CAP_COMM;
  static constexpr const sy_field* const* fields() { return kSchema.get(); }

  static void check(const sy_layer_info& layer, const sy::Config& config) {
    sy::require(config.integer("k") <= layer.n_experts, "softmax: k must be at most the number of",
                " experts, got k = ", config.integer("k"), " for ", layer.n_experts, " experts");
  }

  SoftmaxGate(const sy_layer_info& layer, const sy::Config& config)
      : d_in_(layer.d_in),
        num_experts_(layer.n_experts),
        is_dense_(config.integer("k") == 0),
        k_(is_dense_ ? num_experts_ : config.integer("k")),
        importance_balance_(sy::host_balances(layer), config.number("w_importance")),
        init_scale_(config.number("init_scale")) {
    check(layer, config);
  }

  void build(const sy::Builder& builder) override {
    gate_ = builder.add(sy::Parameter("w_gate", {d_in_, num_experts_})
                            .flags(SY_PF_FP32)
                            .fan_in(init_scale_, d_in_));
  }

  [[nodiscard]] int32_t k_max() const override { return static_cast<int32_t>(k_); }

  void forward(Call& call, const sy_gate_in& in, const sy_gate_out& out) override {
    const int64_t tokens = in.x.shape[0];
    if (tokens > 0) {
      const sy_tensor logits = call.scratch({tokens, num_experts_});
      call.gemm(Call::Transpose::kNone, Call::Transpose::kNone, 1.0, in.x, call.param(gate_), 0.0,
                logits);
      if (is_dense_) {
        choose_all(call, logits, out);
      } else {
        const sy_tensor largest = call.scratch({tokens, k_});
        call.topk(logits, k_max(), largest, out.ids);
        call.softmax(largest, out.weights);
      }
      sy::Padding(call, in).clear_choice(call, out.ids, out.weights);
      sum_weights(call, out.ids, out.weights, out.importance);
      call.bincount(out.ids, out.load);
    }
    sum_over_ranks(call, out);
    importance_balance_.add_loss(call, out.importance, out.aux_loss);
  }

  void backward(Call& call, const sy_gate_in& in, const sy_gate_out& out,
                const sy_gate_grad& grad) override {
    using enum Call::Transpose;
    const int64_t tokens = in.x.shape[0];
    if (tokens == 0) {
      return;
    }
    const sy_tensor grad_chosen = call.scratch({tokens, k_});
    call.softmax_grad(out.weights, grad_of_weights(call, out, grad), grad_chosen);
    const sy_tensor grad_logits = call.scratch({tokens, num_experts_});
    call.fill(0.0, grad_logits);
    call.put_add(grad_chosen, out.ids, grad_logits);
    call.gemm(kYes, kNone, 1.0, in.x, grad_logits, 1.0, call.param_grad(gate_));
    call.gemm(kNone, kYes, 1.0, grad_logits, call.param(gate_), 1.0, grad.dx);
  }

 private:
  /// ids of every row = 0, 1, ... E - 1; weights = softmax(logits).
  void choose_all(Call& call, const sy_tensor& logits, const sy_gate_out& out) const {
    const sy_tensor rows = call.scratch({logits.shape[0], num_experts_});
    call.fill(0.0, rows);
    call.binary(SY_B_ADD, rows, sy::count_up(call, num_experts_), rows);
    call.copy(rows, out.ids);
    call.softmax(logits, out.weights);
  }

  /// d(loss)/d(weights) [T, k]: of the task and of the importance loss.
  [[nodiscard]] sy_tensor grad_of_weights(Call& call, const sy_gate_out& out,
                                          const sy_gate_grad& grad) const {
    const sy_tensor asked = sy::asked_of_importance(grad);
    if (importance_balance_.is_idle(asked)) {
      return grad.dweights;
    }
    const int64_t entries = out.ids.shape[0] * k_;
    const sy_tensor importance_grad = call.scratch({num_experts_});
    importance_balance_.gradient(call, out.importance, grad.daux, asked, importance_grad);
    const sy_tensor sum = call.scratch({out.ids.shape[0], k_});
    call.gather_rows(View::reshape(importance_grad, {num_experts_, 1}),
                     View::reshape(out.ids, {entries}), View::reshape(sum, {entries, 1}));
    call.binary(SY_B_ADD, sum, grad.dweights, sum);
    return sum;
  }

  int64_t d_in_;
  int64_t num_experts_;
  bool is_dense_;
  int64_t k_;
  sy::BalanceTerm importance_balance_;
  double init_scale_;
  uint32_t gate_ = 0;
};

}  // namespace

SY_PLUGIN("switchyard.gate.softmax", "0.1.0", "Switchyard", "Apache-2.0", "", SoftmaxGate);
