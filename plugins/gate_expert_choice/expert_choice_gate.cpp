// The expert choice gate of Zhou et al. 2022, arXiv:2202.09368, section 3.2. With n tokens, E
// experts and k experts per token on average:
//
//     S = softmax(x W_g), over the experts of a token
//     expert e takes the m tokens with the largest S_te,   m = k n / E
//     the weight of token t in expert e is S_te
//
// Every expert gets the same number of tokens, so nothing needs to be balanced; a token may get no
// expert, some, or all.
#include <switchyard/sdk.hpp>

namespace {

using sy::Call;
using sy::View;

constexpr sy::Schema kSchema{
    sy::k_field(2).help("On average: every expert takes k/experts of the batch's tokens, rounded "
                        "down, but at least one. At most the number of experts."),
    sy::init_scale_field(1.0).help(
        "Uniform with variance scale^2 / inputs; with 0 all experts take the same tokens in the "
        "first step."),
};

class ExpertChoiceGate final : public sy::LinearGate {
 public:
  static constexpr const char* kId = "switchyard.gate.expert_choice";
  static constexpr const char* kLabel = "Expert choice";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kSummary = "experts choose tokens: each takes the same number";
  static constexpr const sy_field* const* fields() { return kSchema.get(); }

  ExpertChoiceGate(const sy_layer_info& layer, const sy::Config& config)
      : LinearGate(layer, config), init_scale_(config.number("init_scale")) {}

  void build(const sy::Builder& builder) override { add_w_gate(builder, init_scale_); }

  [[nodiscard]] uint32_t layout() const override { return SY_EXPERT_CHOICE; }
  [[nodiscard]] int32_t k_max() const override { return static_cast<int32_t>(num_experts_); }
  [[nodiscard]] double k_mean() const override { return static_cast<double>(k_); }

  void forward(Call& call, const sy_gate_in& in, const sy_gate_out& out) override {
    const int64_t tokens = in.x.shape[0];
    if (tokens > 0) {
      const sy_tensor scores = call.keeps_nothing() ? call.scratch({tokens, num_experts_})
                                                    : call.save(kScores, {tokens, num_experts_});
      score(call, in, scores);
      call.fill(-1.0, out.ids);
      choose(call, scores, sy::is_supplied(in.mask), out);
    }
    sum_over_ranks(call, out);
  }

  void backward(Call& call, const sy_gate_in& in, const sy_gate_out& out,
                const sy_gate_grad& grad) override {
    const int64_t tokens = in.x.shape[0];
    if (tokens == 0) {
      return;
    }
    const sy_tensor scores = scores_of_forward(call, in);
    const sy_tensor grad_columns = call.scratch({num_experts_, tokens});
    const sy_tensor grad_scores = call.scratch({tokens, num_experts_});
    const int64_t m = taken(tokens);
    call.fill(0.0, grad_columns);
    call.put_add(grad_of_chosen(call, grad, m), View::columns(out.ids, 0, m), grad_columns);
    call.copy(View::transpose(grad_columns), grad_scores);
    call.softmax_grad(scores, grad_scores, grad_scores);
    add_grad_of_logits(call, in.x, grad_scores, grad.dx);
  }

 private:
  enum Slot : uint32_t { kScores };

  /// Tokens that each expert takes of a batch of that many, padding included.
  [[nodiscard]] int64_t taken(int64_t tokens) const {
    return std::max(int64_t{1}, k_ * tokens / num_experts_);
  }

  /// scores [T, E] = S, rows of padding 0.
  void score(Call& call, const sy_gate_in& in, const sy_tensor& scores) const {
    call.softmax(logits(call, in.x, scores), scores);
    sy::Padding(in).clear(call, scores);
  }

  [[nodiscard]] sy_tensor scores_of_forward(Call& call, const sy_gate_in& in) const {
    if (!call.keeps_nothing()) {
      return call.saved(kScores);
    }
    const sy_tensor scores = call.scratch({in.x.shape[0], num_experts_});
    score(call, in, scores);
    return scores;
  }

  /// The m best tokens of each expert. Padding comes last, and is left out where it comes at all.
  void choose(Call& call, const sy_tensor& scores, bool has_padding, const sy_gate_out& out) const {
    const int64_t tokens = scores.shape[0];
    const int64_t m = taken(tokens);
    const sy_tensor columns = call.scratch({num_experts_, tokens});
    const sy_tensor best = call.scratch({num_experts_, m});
    const sy_tensor who = call.scratch(sy::kI32, {num_experts_, m});
    call.copy(View::transpose(scores), columns);
    call.topk(columns, static_cast<int32_t>(m), best, who);
    call.copy(best, View::columns(out.weights, 0, m));
    call.reduce(SY_R_SUM, best, 1, 0.0, out.importance);
    if (!has_padding) {
      call.copy(who, View::columns(out.ids, 0, m));
      call.fill(static_cast<double>(m), out.load);
      return;
    }
    // Padding has the score 0, which no real token has.
    const sy_tensor is_real = call.scratch({num_experts_, m});
    call.binary(SY_B_LT, call.number(sy::kF32, 0.0), best, is_real);
    call.reduce(SY_R_SUM, is_real, 1, 0.0, out.load);
    call.where(is_real, who, call.number(sy::kI32, -1.0), View::columns(out.ids, 0, m));
  }

  /// d(loss)/d(weights) [E, m]: of the task, and of what the host asks of the importance.
  [[nodiscard]] sy_tensor grad_of_chosen(Call& call, const sy_gate_grad& grad, int64_t m) const {
    const sy_tensor sum = call.scratch({num_experts_, m});
    const sy_tensor asked = sy::asked_of_importance(grad);
    call.copy(View::columns(grad.dweights, 0, m), sum);
    if (sy::is_supplied(asked)) {
      call.binary(SY_B_ADD, sum, View::reshape(asked, {num_experts_, 1}), sum);
    }
    return sum;
  }

  double init_scale_;
};

}  // namespace

SY_PLUGIN("switchyard.gate.expert_choice", "0.1.0", "Switchyard", "Apache-2.0", "",
          ExpertChoiceGate);
