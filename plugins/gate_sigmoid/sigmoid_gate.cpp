// A sigmoid gate that is balanced by a bias instead of a loss: Wang et al. 2024, arXiv:2408.15664,
// as used in DeepSeek-V3.
//
//     s = sigmoid(x W_g);  the k experts with the largest s + b are chosen;  G = scale s / sum of s
//     after each step:  b_i += bias_rate sign(mean load - load_i)
//
// The bias decides who is chosen, never with which weight, so no gradient disturbs the task.
#include <switchyard/sdk.hpp>

namespace {

using sy::Call;
using sy::View;

constexpr sy::Schema kSchema{
    sy::k_field(4).flags(SY_FF_SHAPE),
    sy::bool_field("normalize", "Weights sum to one", true)
        .section("Routing")
        .help("Divide the scores of the chosen experts by their sum. With k = 1 and this on, the "
              "task has no gradient for the gate."),
    sy::float_field("scale", "Factor on the weights", 1.0)
        .range(1e-3, 1e3, 0.1)
        .section("Routing")
        .flags(SY_FF_ADVANCED)
        .help("Multiplies the weights, normalized or not."),
    sy::float_field("bias_rate", "Step of the bias", 1e-3)
        .range(0, 1, 1e-3)
        .section("Balance")
        .flags(SY_FF_LIVE)
        .help("How far a step moves the bias of an expert, up where it got fewer tokens than the "
              "mean and down where it got more; 0 turns balancing off."),
    sy::init_scale_field(1.0).help(
        "Uniform with variance scale^2 / inputs; with 0 the first step gives every token to "
        "the same k experts."),
};

/// Keeps 0 / 0 away where every chosen score underflows.
constexpr double kTinySum = 1e-20;

class SigmoidGate final : public sy::LinearGate {
 public:
  static constexpr const char* kId = "switchyard.gate.sigmoid";
  static constexpr const char* kLabel = "Sigmoid with balancing bias";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kSummary =
      "k experts per token by sigmoid scores; a bias evens out the load, without a loss";
  static constexpr const sy_field* const* fields() { return kSchema.get(); }

  SigmoidGate(const sy_layer_info& layer, const sy::Config& config)
      : LinearGate(layer, config),
        is_normalized_(config.flag("normalize")),
        scale_(config.number("scale")),
        bias_rate_(config.number("bias_rate")),
        init_scale_(config.number("init_scale")) {}

  void reconfigure(const sy::Config& config) { bias_rate_ = config.number("bias_rate"); }

  void build(const sy::Builder& builder) override {
    constexpr uint32_t kBuffer = SY_PF_FP32 | SY_PF_NO_DECAY | SY_PF_BUFFER;
    add_w_gate(builder, init_scale_);
    bias_ = builder.add(sy::Parameter("bias", {num_experts_}).flags(kBuffer));
    // The load of the step so far, over its microbatches; 0 between steps.
    step_load_ = builder.add(sy::Parameter("step_load", {num_experts_}).flags(kBuffer));
  }

  void forward(Call& call, const sy_gate_in& in, const sy_gate_out& out) override {
    const int64_t tokens = in.x.shape[0];
    const bool keep = !call.keeps_nothing();
    const sy_tensor chosen = keep ? call.save(kChosen, {tokens, k_}) : call.scratch({tokens, k_});
    if (tokens > 0) {
      const sy_tensor scores = score(call, in.x);
      const sy_tensor biased = call.scratch({tokens, num_experts_});
      call.binary(SY_B_ADD, scores, call.param(bias_), biased);
      call.topk(biased, k_max(), chosen, out.ids);
      call.take(scores, out.ids, chosen);
      weigh(call, chosen, out.weights);
      sy::Padding(in).clear_choice(call, out.ids, out.weights);
      sum_weights(call, out.ids, out.weights, out.importance);
      call.bincount(out.ids, out.load);
    }
    sum_over_ranks(call, out);
    const bool is_again = (call.info().flags & SY_F_RECOMPUTE) != 0;
    if (call.is_training() && !is_again) {
      const sy_tensor step_load = call.param(step_load_);
      call.binary(SY_B_ADD, step_load, out.load, step_load);
    }
  }

  void backward(Call& call, const sy_gate_in& in, const sy_gate_out& out,
                const sy_gate_grad& grad) override {
    if (in.x.shape[0] > 0) {
      const sy_tensor grad_logits = spread(call, grad_of_chosen(call, in, out, grad), out.ids);
      add_grad_of_logits(call, in.x, grad_logits, grad.dx);
    }
  }

  void step_end(Call& call) override {
    const sy_tensor load = call.param(step_load_);
    const sy_tensor mean = call.scratch({1});
    call.reduce(SY_R_MEAN, load, -1, 0.0, mean);
    sy::Program p;
    const auto bias = p.tensor(call.param(bias_));
    const auto load_slot = p.tensor(load);
    const auto missing = p.sub(p.scalar(p.tensor(mean)), p.load(load_slot));
    const auto moved = p.fma(p.load(bias), p.sign(missing), p.constant(bias_rate_));
    p.store(moved, bias);
    p.store(p.constant(0.0), load_slot);
    p.run(call);
  }

 private:
  enum Slot : uint32_t { kChosen };

  /// sigmoid(x W_g), [T, E].
  [[nodiscard]] sy_tensor score(Call& call, const sy_tensor& x) const {
    const sy_tensor scores = logits(call, x, call.scratch({x.shape[0], num_experts_}));
    call.unary(SY_U_SIGMOID, scores, scores);
    return scores;
  }

  /// weights [T, k] from the scores of the chosen experts.
  void weigh(Call& call, const sy_tensor& chosen, const sy_tensor& weights) const {
    call.affine(chosen, scale_, 0.0, weights);
    if (is_normalized_) {
      call.binary(SY_B_DIV, weights, sum_of_chosen(call, chosen), weights);
    }
  }

  /// [T, 1].
  [[nodiscard]] static sy_tensor sum_of_chosen(Call& call, const sy_tensor& chosen) {
    const int64_t tokens = chosen.shape[0];
    const sy_tensor sum = call.scratch({tokens, 1});
    call.reduce(SY_R_SUM, chosen, 1, 0.0, View::reshape(sum, {tokens}));
    call.affine(sum, 1.0, kTinySum, sum);
    return sum;
  }

  /// d(loss)/d(logits) of the chosen experts [T, k], of the task and of what the host asks of the
  /// importance:
  ///
  ///     scale (1 - s_j) p_j (g_j - sum of p_i g_i)   normalized, p = s / sum of s
  ///     scale (1 - s_j) s_j g_j                      else
  [[nodiscard]] sy_tensor grad_of_chosen(Call& call, const sy_gate_in& in, const sy_gate_out& out,
                                         const sy_gate_grad& grad) const {
    const int64_t tokens = in.x.shape[0];
    const sy_tensor scores = scores_of_chosen(call, in, out);
    const sy_tensor grad_weights = grad_of_weights(call, host_asks_alone_, out, grad);
    const sy_tensor result = call.scratch({tokens, k_});
    if (is_normalized_) {
      call.affine(out.weights, 1.0 / scale_, 0.0, result);
      call.softmax_grad(result, grad_weights, result);
    } else {
      call.binary(SY_B_MUL, scores, grad_weights, result);
    }
    const sy_tensor rest = call.scratch({tokens, k_});
    call.affine(scores, -scale_, scale_, rest);
    call.binary(SY_B_MUL, result, rest, result);
    return result;
  }

  [[nodiscard]] sy_tensor scores_of_chosen(Call& call, const sy_gate_in& in,
                                           const sy_gate_out& out) const {
    if (!call.keeps_nothing()) {
      return call.saved(kChosen);
    }
    const sy_tensor chosen = call.scratch({in.x.shape[0], k_});
    call.take(score(call, in.x), out.ids, chosen);
    return chosen;
  }

  sy::BalanceTerm host_asks_alone_{true, 0.0};  // no loss of its own
  bool is_normalized_;
  double scale_;
  double bias_rate_;
  double init_scale_;
  uint32_t bias_ = 0;
  uint32_t step_load_ = 0;
};

}  // namespace

SY_PLUGIN("switchyard.gate.sigmoid", "0.1.0", "Switchyard", "Apache-2.0", "", SigmoidGate);
