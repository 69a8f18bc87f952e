// The noisy top-k gate of Shazeer et al. 2017, arXiv:1701.06538, equations 3 to 11.
//
//     H = x W_g + noise sigma,   sigma = softplus(x W_noise) + epsilon
//     G = softmax over the k largest of H
//
// The load is smooth: the probability that an expert is chosen if only its own noise is drawn anew.
// The gradient of the load loss flows through the threshold of that probability too.
#include <switchyard/sdk.hpp>

namespace {

using sy::Call;
using sy::View;

constexpr sy::Schema kSchema{
    sy::k_field(4).flags(SY_FF_SHAPE),
    sy::w_importance_field(0.1),
    sy::float_field("w_load", "Weight of the load loss", 0.1)
        .range(0, 1e6, 0.01)
        .section("Balance")
        .flags(SY_FF_LIVE)
        .help("Coefficient of CV^2(load): evens out the number of tokens."),
    sy::float_field("noise", "Scale of the noise", 1.0)
        .range(0, 1e3, 0.1)
        .section("Noise")
        .help("Factor on the noise in training; 0 turns it off. There is none in evaluation."),
    sy::float_field("noise_epsilon", "Floor of the noise", 1e-2)
        .range(0, 1, 1e-3)
        .section("Noise")
        .flags(SY_FF_ADVANCED)
        .help("Added to softplus(x W_noise), so that the noise cannot be trained away."),
};

class NoisyTopKGate final : public sy::LinearGate {
 public:
  static constexpr const char* kId = "switchyard.gate.noisy_topk";
  static constexpr const char* kLabel = "Noisy top-k";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kSummary =
      "k experts per token, chosen with trained noise; smooth load and importance losses";
  static constexpr const sy_field* const* fields() { return kSchema.get(); }

  NoisyTopKGate(const sy_layer_info& layer, const sy::Config& config)
      : LinearGate(layer, config),
        importance_balance_(sy::host_balances(layer), config.number("w_importance")),
        load_balance_(sy::host_balances(layer), config.number("w_load")),
        noise_(config.number("noise")),
        noise_epsilon_(config.number("noise_epsilon")) {}

  void reconfigure(const sy::Config& config) {
    importance_balance_.set_weight(config.number("w_importance"));
    load_balance_.set_weight(config.number("w_load"));
  }

  void build(const sy::Builder& builder) override {
    // Both start at zero: no signal and some noise, so that every expert gets its share at first.
    LinearGate::build(builder);
    w_noise_ = add_matrix(builder, "w_noise", 0.0);
  }

  void forward(Call& call, const sy_gate_in& in, const sy_gate_out& out) override {
    if (in.x.shape[0] > 0) {
      const sy::Padding padding(in);
      const bool keep = is_noisy(call) && !call.keeps_nothing();
      const Draw draw = is_noisy(call) ? noisy_draw(call, in.x, keep) : plain_draw(call, in.x);
      choose(call, draw, padding, out);
      sum_weights(call, out.ids, out.weights, out.importance);
      if (is_smooth(call)) {
        sum_probabilities(call, draw, padding, out.load);
      } else {
        call.bincount(out.ids, out.load);
      }
    }
    sum_over_ranks(call, out);
    importance_balance_.add_loss(call, out.importance, out.aux_loss);
    load_balance_.add_loss(call, out.load, out.aux_loss);
  }

  void backward(Call& call, const sy_gate_in& in, const sy_gate_out& out,
                const sy_gate_grad& grad) override {
    const int64_t tokens = in.x.shape[0];
    if (tokens == 0) {
      return;
    }
    const sy_tensor grad_h = spread(call, grad_of_chosen(call, out, grad), out.ids);
    if (!is_noisy(call)) {
      add_grad_of_logits(call, in.x, grad_h, grad.dx);
      return;
    }
    const Draw draw = call.keeps_nothing() ? noisy_draw(call, in.x, false) : saved_draw(call);
    const sy_tensor grad_probability = call.scratch({tokens, num_experts_});  // q of the paper
    if (is_smooth(call)) {
      grad_of_load(call, in, out, grad, draw, grad_probability, grad_h);
    }
    const sy_tensor grad_raw = split_grad(call, draw, grad_probability, grad_h);
    add_grad_of_logits(call, in.x, grad_h, grad.dx);
    add_grad_of_product(call, in.x, w_noise_, grad_raw, grad.dx);
  }

 private:
  /// The random part of one forward pass, T tokens and E experts; b = k + 1 where the load is
  /// smooth, else k.
  struct Draw {
    sy_tensor raw;      // [T, E], x W_noise
    sy_tensor sigma;    // [T, E]
    sy_tensor noise;    // [T, E], standard normal
    sy_tensor margin;   // [T, E], (x W_g - threshold) / sigma
    sy_tensor largest;  // [T, b], of H, falling
    sy_tensor order;    // [T, b] i32, whose they are
  };
  enum Slot : uint32_t { kRaw, kSigma, kNoise, kMargin, kOrder };

  [[nodiscard]] bool is_noisy(const Call& call) const {
    return call.is_training() && noise_ != 0.0;
  }
  [[nodiscard]] bool is_smooth(const Call& call) const {
    return is_noisy(call) && k_ < num_experts_;
  }

  [[nodiscard]] Draw plain_draw(Call& call, const sy_tensor& x) const {
    const int64_t tokens = x.shape[0];
    const sy_tensor h = logits(call, x, call.scratch({tokens, num_experts_}));
    Draw draw{};
    draw.largest = call.scratch({tokens, k_});
    draw.order = call.scratch(sy::kI32, {tokens, k_});
    call.topk(h, static_cast<int32_t>(k_), draw.largest, draw.order);
    return draw;
  }

  /// `keep`: into slots for backward, not into scratch memory. The numbers are the same.
  [[nodiscard]] Draw noisy_draw(Call& call, const sy_tensor& x, bool keep) const {
    const int64_t tokens = x.shape[0];
    const int64_t b = k_ < num_experts_ ? k_ + 1 : k_;
    const auto matrix = [&](Slot slot) {
      return keep ? call.save(slot, {tokens, num_experts_}) : call.scratch({tokens, num_experts_});
    };
    Draw draw{};
    draw.raw = product(call, x, w_noise_, matrix(kRaw));
    draw.sigma = matrix(kSigma);
    draw.noise = matrix(kNoise);
    draw.margin = logits(call, x, matrix(kMargin));
    draw.largest = call.scratch({tokens, b});
    draw.order =
        keep ? call.save(kOrder, sy::kI32, {tokens, b}) : call.scratch(sy::kI32, {tokens, b});
    call.unary(SY_U_SOFTPLUS, draw.raw, draw.sigma);
    call.random(0, SY_RNG_NORMAL, 0.0, 1.0, draw.noise);
    const sy_tensor h = add_noise(call, draw);
    call.topk(h, static_cast<int32_t>(b), draw.largest, draw.order);
    if (k_ < num_experts_) {
      measure_margin(call, draw);
    }
    return draw;
  }

  [[nodiscard]] Draw saved_draw(Call& call) const {
    Draw draw{};
    draw.raw = call.saved(kRaw);
    draw.sigma = call.saved(kSigma);
    draw.noise = call.saved(kNoise);
    draw.margin = call.saved(kMargin);
    draw.order = call.saved(kOrder);
    return draw;
  }

  /// sigma = noise_ (sigma + epsilon); returns H = margin + noise sigma.
  [[nodiscard]] sy_tensor add_noise(Call& call, const Draw& draw) const {
    const sy_tensor h = call.scratch({draw.sigma.shape[0], num_experts_});
    sy::Program p;
    const auto result = p.tensor(h);
    const auto sigma_slot = p.tensor(draw.sigma);
    const auto floored = p.add(p.load(sigma_slot), p.constant(noise_epsilon_));
    const auto sigma = p.mul(floored, p.constant(noise_));
    p.store(sigma, sigma_slot);
    const auto sum = p.load(p.tensor(draw.margin));
    p.store(p.fma(sum, sigma, p.load(p.tensor(draw.noise))), result);
    p.run(call);
    return h;
  }

  /// margin = (margin - threshold) / sigma. The threshold of a chosen expert is the (k+1)-th
  /// largest of H, that of any other the k-th.
  void measure_margin(Call& call, const Draw& draw) const {
    const View last_in = View::columns(draw.largest, k_ - 1, 1);
    const View first_out = View::columns(draw.largest, k_, 1);
    const sy_tensor gap = call.scratch({draw.largest.shape[0], k_});
    call.fill(0.0, gap);
    call.binary(SY_B_ADD, gap, last_in, gap);
    call.binary(SY_B_SUB, gap, first_out, gap);
    call.binary(SY_B_SUB, draw.margin, last_in, draw.margin);
    call.put_add(gap, View::columns(draw.order, 0, k_), draw.margin);
    call.binary(SY_B_DIV, draw.margin, draw.sigma, draw.margin);
  }

  void choose(Call& call, const Draw& draw, const sy::Padding& padding,
              const sy_gate_out& out) const {
    call.copy(View::columns(draw.order, 0, k_), out.ids);
    call.softmax(View::columns(draw.largest, 0, k_), out.weights);
    padding.clear_choice(call, out.ids, out.weights);
  }

  void sum_probabilities(Call& call, const Draw& draw, const sy::Padding& padding,
                         const sy_tensor& load) const {
    const sy_tensor probability = call.scratch({draw.margin.shape[0], num_experts_});
    call.unary(SY_U_NORM_CDF, draw.margin, probability);
    padding.clear(call, probability);
    call.reduce(SY_R_SUM, probability, 0, 0.0, load);
  }

  /// d(loss)/dH of the chosen experts [T, k]: of the task and of the importance loss.
  [[nodiscard]] sy_tensor grad_of_chosen(Call& call, const sy_gate_out& out,
                                         const sy_gate_grad& grad) const {
    const sy_tensor grad_h = call.scratch({out.ids.shape[0], k_});
    call.softmax_grad(out.weights, grad_of_weights(call, importance_balance_, out, grad), grad_h);
    return grad_h;
  }

  /// q = u phi(margin) / sigma, u = d(loss)/d(load); adds to grad_h what flows through the two
  /// thresholds: minus the sum of q over the chosen to the first that was not chosen, minus the sum
  /// over the others to the last that was.
  void grad_of_load(Call& call, const sy_gate_in& in, const sy_gate_out& out,
                    const sy_gate_grad& grad, const Draw& draw, const sy_tensor& q,
                    const sy_tensor& grad_h) const {
    const int64_t tokens = q.shape[0];
    const sy_tensor load_grad = call.scratch({num_experts_});
    load_balance_.gradient(call, out.load, grad.daux, sy::asked_of_load(grad), load_grad);
    call.unary(SY_U_NORM_PDF, draw.margin, q);
    call.binary(SY_B_MUL, q, load_grad, q);
    call.binary(SY_B_DIV, q, draw.sigma, q);
    sy::Padding(in).clear(call, q);

    const sy_tensor of_chosen = call.scratch({tokens, k_});
    const sy_tensor threshold = call.scratch({tokens, 2});
    const View of_last_in = View::column(threshold, 0);
    const View of_first_out = View::column(threshold, 1);
    call.take(q, View::columns(draw.order, 0, k_), of_chosen);
    call.reduce(SY_R_SUM, of_chosen, 1, 0.0, of_first_out);
    call.reduce(SY_R_SUM, q, 1, 0.0, of_last_in);
    call.binary(SY_B_SUB, of_last_in, of_first_out, of_last_in);
    call.affine(threshold, -1.0, 0.0, threshold);
    call.put_add(threshold, View::columns(draw.order, k_ - 1, 2), grad_h);
  }

  /// From dH and q: grad_h becomes d(loss)/d(x W_g); returns d(loss)/d(x W_noise).
  [[nodiscard]] sy_tensor split_grad(Call& call, const Draw& draw, const sy_tensor& q,
                                     const sy_tensor& grad_h) const {
    const sy_tensor grad_raw = call.scratch({q.shape[0], num_experts_});
    call.unary(SY_U_SIGMOID, draw.raw, grad_raw);
    sy::Program p;
    const auto h_slot = p.tensor(grad_h);
    const auto h = p.load(h_slot);
    auto of_sigma = p.mul(h, p.load(p.tensor(draw.noise)));
    if (is_smooth(call)) {
      const auto through_p = p.load(p.tensor(q));
      p.store(p.add(h, through_p), h_slot);
      of_sigma = p.sub(of_sigma, p.mul(through_p, p.load(p.tensor(draw.margin))));
    }
    const auto raw_slot = p.tensor(grad_raw);
    const auto of_raw = p.mul(of_sigma, p.load(raw_slot));
    p.store(p.mul(of_raw, p.constant(noise_)), raw_slot);
    p.run(call);
    return grad_raw;
  }

  sy::BalanceTerm importance_balance_;
  sy::BalanceTerm load_balance_;
  double noise_;
  double noise_epsilon_;
  uint32_t w_noise_ = 0;
};

}  // namespace

SY_PLUGIN("switchyard.gate.noisy_topk", "0.1.0", "Switchyard", "Apache-2.0", "", NoisyTopKGate);
