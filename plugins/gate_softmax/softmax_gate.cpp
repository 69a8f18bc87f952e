// The softmax gate: dense over all experts (Shazeer et al. 2017, arXiv:1701.06538, equation 2), or
// over the k largest logits, without noise.
#include <switchyard/sdk.hpp>

namespace {

using sy::Call;
using sy::View;

constexpr sy::Schema kSchema{
    sy::k_field(0)
        .range(0, 1024, 1)
        .flags(SY_FF_SHAPE)
        .help("How many experts each token visits; 0 = all of them."),
    sy::w_importance_field(0.0),
    sy::init_scale_field(0.0),
};

class SoftmaxGate final : public sy::LinearGate {
 public:
  static constexpr const char* kId = "switchyard.gate.softmax";
  static constexpr const char* kLabel = "Softmax";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kSummary = "all experts, or the k best, weighted by a softmax";
  static constexpr const sy_field* const* fields() { return kSchema.get(); }

  SoftmaxGate(const sy_layer_info& layer, const sy::Config& config)
      : LinearGate(layer, config),
        is_dense_(k_ == 0),
        importance_balance_(sy::host_balances(layer), config.number("w_importance")),
        init_scale_(config.number("init_scale")) {
    k_ = is_dense_ ? num_experts_ : k_;
  }

  void reconfigure(const sy::Config& config) {
    importance_balance_.set_weight(config.number("w_importance"));
  }

  void build(const sy::Builder& builder) override { add_w_gate(builder, init_scale_); }

  void forward(Call& call, const sy_gate_in& in, const sy_gate_out& out) override {
    const int64_t tokens = in.x.shape[0];
    if (tokens > 0) {
      const sy_tensor h = logits(call, in.x, call.scratch({tokens, num_experts_}));
      if (is_dense_) {
        choose_all(call, h, out);
      } else {
        const sy_tensor largest = call.scratch({tokens, k_});
        call.topk(h, k_max(), largest, out.ids);
        call.softmax(largest, out.weights);
      }
      sy::Padding(in).clear_choice(call, out.ids, out.weights);
      sum_weights(call, out.ids, out.weights, out.importance);
      call.bincount(out.ids, out.load);
    }
    sum_over_ranks(call, out);
    importance_balance_.add_loss(call, out.importance, out.aux_loss);
  }

  void backward(Call& call, const sy_gate_in& in, const sy_gate_out& out,
                const sy_gate_grad& grad) override {
    const int64_t tokens = in.x.shape[0];
    if (tokens == 0) {
      return;
    }
    const sy_tensor grad_chosen = call.scratch({tokens, k_});
    const sy_tensor grad_weights = grad_of_weights(call, importance_balance_, out, grad);
    call.softmax_grad(out.weights, grad_weights, grad_chosen);
    add_grad_of_logits(call, in.x, spread(call, grad_chosen, out.ids), grad.dx);
  }

 private:
  /// ids of every row = 0, 1, ... E - 1; weights = softmax(logits).
  void choose_all(Call& call, const sy_tensor& logits, const sy_gate_out& out) const {
    call.binary(SY_B_ADD, sy::count_up(call, sy::kI32, num_experts_), call.number(sy::kI32, 0.0),
                out.ids);
    call.softmax(logits, out.weights);
  }

  bool is_dense_;
  sy::BalanceTerm importance_balance_;
  double init_scale_;
};

}  // namespace

SY_PLUGIN("switchyard.gate.softmax", "0.1.0", "Switchyard", "Apache-2.0", "", SoftmaxGate);
