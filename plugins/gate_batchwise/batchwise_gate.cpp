// The strictly balanced gate of Shazeer et al. 2017, arXiv:1701.06538, appendix F, equations 15 to
// 20. With X = softmax(x W_g) over all rows of the batch:
//
//     training     M_ji = 1 where X_ji is among the m largest of column i,  m = k |X| / n
//     evaluation   M_ji = 1 where X_ji > T_i
//     G_ji = X_ji M_ji / sum over j of X_ji M_ji, which is a softmax over the chosen experts
//     L_batchwise = sum_ji ([X_ji > T_i] - M_ji) (X_ji - T_i), which teaches T what training did
//
// Slot i of a token belongs to expert i, and is empty where M is 0.
#include <limits>

#include <switchyard/sdk.hpp>

namespace {

using sy::Call;
using sy::View;

constexpr sy::Schema kSchema{
    sy::k_field(4).help(
        "On average. In training every expert takes exactly k/experts of the batch's tokens, "
        "rounded "
        "down; a token may get none, some or all experts. At most the number of experts."),
    sy::w_importance_field(0.01),
    sy::float_field("w_batchwise", "Weight of the thresholds' loss", 0.01)
        .range(0, 1e6, 0.01)
        .section("Thresholds")
        .flags(SY_FF_LIVE)
        .help("Coefficient of L_batchwise per token, from which the thresholds of evaluation are "
              "learned; 0 leaves them as they are."),
    sy::bool_field("batchwise_to_gate", "Thresholds' loss trains the gate", false)
        .section("Thresholds")
        .flags(SY_FF_ADVANCED)
        .help("Let the gradient of L_batchwise flow into the gate's weights and its input too, "
              "not into the thresholds alone."),
};

class BatchwiseGate final : public sy::LinearGate {
 public:
  static constexpr const char* kId = "switchyard.gate.batchwise";
  static constexpr const char* kLabel = "Batchwise";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kSummary =
      "every expert takes the same number of tokens; learned thresholds in evaluation";
  static constexpr const sy_field* const* fields() { return kSchema.get(); }

  BatchwiseGate(const sy_layer_info& layer, const sy::Config& config)
      : LinearGate(layer, config),
        importance_balance_(sy::host_balances(layer), config.number("w_importance")),
        batchwise_weight_(config.number("w_batchwise")),
        trains_gate_(config.flag("batchwise_to_gate")) {}

  void reconfigure(const sy::Config& config) {
    importance_balance_.set_weight(config.number("w_importance"));
    batchwise_weight_ = config.number("w_batchwise");
  }

  void build(const sy::Builder& builder) override {
    LinearGate::build(builder);
    // The value of an entry of X where the gate knows nothing.
    threshold_ = builder.add(sy::Parameter("threshold", {num_experts_})
                                 .flags(SY_PF_FP32 | SY_PF_NO_DECAY)
                                 .constant(1.0 / static_cast<double>(num_experts_)));
  }

  [[nodiscard]] int32_t k_max() const override { return static_cast<int32_t>(num_experts_); }
  [[nodiscard]] double k_mean() const override { return static_cast<double>(k_); }

  void forward(Call& call, const sy_gate_in& in, const sy_gate_out& out) override {
    const int64_t tokens = in.x.shape[0];
    const sy::Padding padding(in);
    const sy_tensor h = call.scratch({tokens, num_experts_});
    const sy_tensor probability = probability_matrix(call, tokens, keeps_probability(call));
    const sy_tensor chosen = call.scratch({tokens, num_experts_});
    if (tokens > 0) {
      score(call, in.x, h, probability);
      if (call.is_training()) {
        choose_by_batch(call, padding, probability, chosen);
      } else {
        pass_thresholds(call, padding, probability, chosen);
      }
      write_choice(call, h, chosen, out);
    }
    sum_over_ranks(call, out);
    importance_balance_.add_loss(call, out.importance, out.aux_loss);
    if (trains_thresholds(call)) {
      const Excess excess = measure(call, padding, probability, chosen, !call.keeps_nothing());
      add_batchwise_loss(call, excess, out.aux_loss);
    }
  }

  void backward(Call& call, const sy_gate_in& in, const sy_gate_out& out,
                const sy_gate_grad& grad) override {
    const int64_t tokens = in.x.shape[0];
    const sy_tensor grad_logits = call.scratch({tokens, num_experts_});
    if (tokens > 0) {
      call.softmax_grad(out.weights, grad_of_weights(call, out, grad), grad_logits);
    }
    if (trains_thresholds(call)) {
      add_batchwise_grad(call, in, out, grad, grad_logits);
    }
    if (tokens > 0) {
      add_grad_of_logits(call, in.x, grad_logits, grad.dx);
    }
  }

 private:
  /// What L_batchwise and its gradients need: X; [X > T] - M, entry by entry and summed over rows;
  /// one over the number of real rows of all ranks.
  struct Excess {
    sy_tensor probability;   // [T, E]
    sy_tensor of_entries;    // [T, E]
    sy_tensor of_columns;    // [E]
    sy_tensor one_per_rows;  // [1]
  };
  enum Slot : uint32_t { kProbability, kOfEntries, kOfColumns, kOnePerRows };
  enum Purpose : uint32_t { kTies };

  [[nodiscard]] bool trains_thresholds(const Call& call) const {
    return call.is_training() && batchwise_weight_ != 0.0;
  }
  [[nodiscard]] bool keeps_probability(const Call& call) const {
    return trains_thresholds(call) && trains_gate_ && !call.keeps_nothing();
  }

  [[nodiscard]] sy_tensor probability_matrix(Call& call, int64_t tokens, bool keep) const {
    return keep ? call.save(kProbability, {tokens, num_experts_})
                : call.scratch({tokens, num_experts_});
  }

  /// h = x W_g, probability = softmax(h), both [T, E].
  void score(Call& call, const sy_tensor& x, const sy_tensor& h,
             const sy_tensor& probability) const {
    call.softmax(logits(call, x, h), probability);
  }

  /// Which of the m largest of a column count, where m is at most `most`: the j-th does as long as
  /// j experts are no more than k |X|, |X| being the real rows.
  struct Quota {
    int64_t most = 0;
    sy_tensor is_within{};  // [1, most]: 1, or 0 from the m-th on
    sy_tensor last{};       // i32 [E, 1]: m - 1, or -1
  };

  [[nodiscard]] Quota quota(Call& call, const sy::Padding& padding, int64_t tokens) const {
    Quota q;
    q.most = k_ * tokens / num_experts_;
    if (q.most == 0) {
      return q;
    }
    q.is_within = sy::count_up(call, sy::kF32, q.most);
    q.last = call.scratch(sy::kI32, {num_experts_, 1});
    const auto n = static_cast<double>(num_experts_);
    const sy_tensor wanted = call.scratch({1});
    padding.count_real(call, tokens, wanted);
    call.affine(wanted, static_cast<double>(k_), 0.0, wanted);
    call.affine(q.is_within, n, n, q.is_within);
    call.binary(SY_B_GE, wanted, q.is_within, q.is_within);
    const sy_tensor sum = call.scratch({1});
    const sy_tensor m = call.scratch(sy::kI32, {1});
    call.reduce(SY_R_SUM, q.is_within, -1, 0.0, sum);
    call.copy(sum, m);
    call.binary(SY_B_ADD, m, call.number(sy::kI32, -1.0), q.last);
    return q;
  }

  /// chosen [T, E] = the mask of equation 18. Equal values are told apart by random numbers that
  /// belong to the row and the expert, so that experts without an opinion choose different rows.
  void choose_by_batch(Call& call, const sy::Padding& padding, const sy_tensor& probability,
                       const sy_tensor& chosen) const {
    const int64_t tokens = probability.shape[0];
    call.fill(0.0, chosen);
    const Quota q = quota(call, padding, tokens);
    if (q.most == 0) {
      return;
    }
    padding.clear(call, probability);
    const sy_tensor columns = call.scratch({num_experts_, tokens});
    call.copy(View::transpose(probability), columns);
    const sy_tensor best = call.scratch({num_experts_, q.most});
    const sy_tensor rows = call.scratch(sy::kI32, {num_experts_, q.most});
    const sy_tensor worst_chosen = call.scratch({num_experts_, 1});
    call.topk(columns, static_cast<int32_t>(q.most), best, rows);
    call.take(best, q.last, worst_chosen);

    const sy_tensor rank = rank_in_columns(call, padding, columns, worst_chosen);
    call.topk(rank, static_cast<int32_t>(q.most), best, rows);
    call.fill(0.0, best);
    call.binary(SY_B_ADD, best, q.is_within, best);
    call.put_add(best, rows, View::transpose(chosen));
  }

  /// [E, T]: 2 or more where a value is above the last that is chosen, at least 1 and below 2 where
  /// it equals that, 0 where it is below or a row is padding.
  [[nodiscard]] sy_tensor rank_in_columns(Call& call, const sy::Padding& padding,
                                          const sy_tensor& columns,
                                          const sy_tensor& worst_chosen) const {
    const int64_t tokens = columns.shape[1];
    const sy_tensor ties = call.scratch({tokens, num_experts_});
    const sy_tensor rank = call.scratch({num_experts_, tokens});
    const sy_tensor is = call.scratch({num_experts_, tokens});
    call.random(kTies, SY_RNG_UNIFORM, 0.0, 0.5, ties);
    call.affine(View::transpose(ties), 1.0, 1.0, rank);
    call.binary(SY_B_GE, columns, worst_chosen, is);
    call.binary(SY_B_MUL, rank, is, rank);
    call.binary(SY_B_LT, worst_chosen, columns, is);
    call.binary(SY_B_ADD, rank, is, rank);
    padding.clear(call, View::transpose(rank));
    return rank;
  }

  /// passed [T, E] = the mask of equation 19.
  void pass_thresholds(Call& call, const sy::Padding& padding, const sy_tensor& probability,
                       const sy_tensor& passed) const {
    call.binary(SY_B_LT, call.param(threshold_), probability, passed);
    padding.clear(call, passed);
  }

  /// From a mask [T, E]: slots, weights (equation 16), importance and the hard load.
  void write_choice(Call& call, const sy_tensor& h, const sy_tensor& chosen,
                    const sy_gate_out& out) const {
    const sy_tensor number = sy::count_up(call, sy::kI32, num_experts_);
    call.where(chosen, number, call.number(sy::kI32, -1.0), out.ids);

    sy::Program p;
    const auto h_slot = p.tensor(h);
    const auto chosen_value = p.load(p.tensor(chosen));
    const auto masked = p.constant(-std::numeric_limits<double>::infinity());
    p.store(p.select(masked, chosen_value, p.load(h_slot)), h_slot);
    p.run(call);
    call.softmax(h, out.weights);  // 0 in a row without experts
    call.reduce(SY_R_SUM, out.weights, 0, 0.0, out.importance);
    call.reduce(SY_R_SUM, chosen, 0, 0.0, out.load);
  }

  [[nodiscard]] Excess measure(Call& call, const sy::Padding& padding, const sy_tensor& probability,
                               const sy_tensor& chosen, bool keep) const {
    const int64_t tokens = probability.shape[0];
    Excess e{};
    e.probability = probability;
    e.of_entries = keep && trains_gate_ ? call.save(kOfEntries, {tokens, num_experts_})
                                        : call.scratch({tokens, num_experts_});
    e.of_columns = keep ? call.save(kOfColumns, {num_experts_}) : call.scratch({num_experts_});
    e.one_per_rows = keep ? call.save(kOnePerRows, {1}) : call.scratch({1});
    call.fill(0.0, e.of_columns);
    if (tokens > 0) {
      pass_thresholds(call, padding, probability, e.of_entries);
      call.binary(SY_B_SUB, e.of_entries, chosen, e.of_entries);
      call.reduce(SY_R_SUM, e.of_entries, 0, 0.0, e.of_columns);
    }
    const sy_tensor rows = call.scratch({1});
    padding.count_real(call, tokens, rows);
    call.all_reduce(SY_GROUP_DATA, SY_R_SUM, rows);
    sy::Program p;
    const auto result = p.tensor(e.one_per_rows);
    const auto at_least_one = p.max(p.load(p.tensor(rows)), p.constant(1.0));
    p.store(p.div(p.constant(1.0), at_least_one), result);
    p.run(call);
    return e;
  }

  /// loss [1] += w L_batchwise / |X|, summed over the ranks.
  void add_batchwise_loss(Call& call, const Excess& excess, const sy_tensor& loss) const {
    const sy_tensor sum = call.scratch({1});
    const int64_t tokens = excess.probability.shape[0];
    call.fill(0.0, sum);
    if (tokens > 0) {
      const sy_tensor terms = call.scratch({tokens, num_experts_});
      call.binary(SY_B_SUB, excess.probability, call.param(threshold_), terms);
      call.binary(SY_B_MUL, terms, excess.of_entries, terms);
      call.reduce(SY_R_SUM, terms, -1, 0.0, sum);
    }
    call.all_reduce(SY_GROUP_DATA, SY_R_SUM, sum);
    call.binary(SY_B_MUL, sum, excess.one_per_rows, sum);
    call.affine(sum, batchwise_weight_, 0.0, sum);
    call.binary(SY_B_ADD, loss, sum, loss);
  }

  /// The measures of forward, kept or taken again.
  [[nodiscard]] Excess excess_of(Call& call, const sy_gate_in& in, const sy_gate_out& out) const {
    if (!call.keeps_nothing()) {
      Excess e{};
      e.of_columns = call.saved(kOfColumns);
      e.one_per_rows = call.saved(kOnePerRows);
      if (trains_gate_) {
        e.of_entries = call.saved(kOfEntries);
        e.probability = call.saved(kProbability);
      }
      return e;
    }
    const int64_t tokens = in.x.shape[0];
    const sy_tensor chosen = call.scratch({tokens, num_experts_});
    const sy_tensor probability = call.scratch({tokens, num_experts_});
    if (tokens > 0) {
      score(call, in.x, chosen, probability);
      const sy_tensor is_there = call.scratch(sy::kI32, {tokens, num_experts_});  // or 0
      call.binary(SY_B_ADD, out.ids, call.number(sy::kI32, 1.0), is_there);
      call.where(is_there, call.number(sy::kF32, 1.0), call.number(sy::kF32, 0.0), chosen);
    }
    return measure(call, sy::Padding(in), probability, chosen, false);
  }

  /// dL/dT = -w sum of the excess over rows / |X|; dL/dX = w excess / |X| where it may flow.
  void add_batchwise_grad(Call& call, const sy_gate_in& in, const sy_gate_out& out,
                          const sy_gate_grad& grad, const sy_tensor& grad_logits) const {
    const Excess excess = excess_of(call, in, out);
    const auto scaled = [&](sy::Program& p, const sy_tensor& x, double weight) {
      const auto scale =
          p.mul(p.scalar(p.tensor(grad.daux)), p.scalar(p.tensor(excess.one_per_rows)));
      return p.mul(p.load(p.tensor(x)), p.mul(scale, p.constant(weight)));
    };
    sy::Program thresholds;
    const auto sum = thresholds.tensor(call.param_grad(threshold_));
    thresholds.store(thresholds.add(thresholds.load(sum),
                                    scaled(thresholds, excess.of_columns, -batchwise_weight_)),
                     sum);
    thresholds.run(call);
    if (!trains_gate_ || in.x.shape[0] == 0) {
      return;
    }
    const sy_tensor of_entries = call.scratch({in.x.shape[0], num_experts_});
    sy::Program entries;
    const auto result = entries.tensor(of_entries);
    entries.store(scaled(entries, excess.of_entries, batchwise_weight_), result);
    entries.run(call);
    call.softmax_grad(excess.probability, of_entries, of_entries);
    call.binary(SY_B_ADD, grad_logits, of_entries, grad_logits);
  }

  /// d(loss)/d(weights) [T, E]: of the task and of the importance loss. The entries of empty slots
  /// do not matter.
  [[nodiscard]] sy_tensor grad_of_weights(Call& call, const sy_gate_out& out,
                                          const sy_gate_grad& grad) const {
    if (importance_balance_.is_idle(sy::asked_of_importance(grad))) {
      return grad.dweights;
    }
    const sy_tensor sum = call.scratch({out.ids.shape[0], num_experts_});
    call.binary(SY_B_ADD, grad.dweights, grad_of_importance(call, importance_balance_, out, grad),
                sum);
    return sum;
  }

  sy::BalanceTerm importance_balance_;
  double batchwise_weight_;
  bool trains_gate_;
  uint32_t threshold_ = 0;
};

}  // namespace

SY_PLUGIN("switchyard.gate.batchwise", "0.1.0", "Switchyard", "Apache-2.0", "", BatchwiseGate);
