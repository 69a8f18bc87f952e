// Adam (Kingma and Ba 2015, arXiv:1412.6980) with bias correction and decoupled weight decay
// (Loshchilov and Hutter 2019, arXiv:1711.05101). One pass over memory per tensor.
#include <cmath>

#include <switchyard/sdk.hpp>

namespace {

constexpr sy::Schema kSchema{
    sy::float_field("beta1", "Beta 1", 0.9)
        .range(0, 0.999999)
        .section("Step")
        .help("Share of the running mean of gradients that is kept per step."),
    sy::float_field("beta2", "Beta 2", 0.999)
        .range(0, 0.999999)
        .section("Step")
        .help("Share of the running mean of squared gradients that is kept per step."),
    sy::float_field("eps", "Epsilon", 1e-8)
        .range(0, 1)
        .section("Step")
        .flags(SY_FF_ADVANCED)
        .help("Added to the root of the mean square."),
    sy::float_field("weight_decay", "Weight decay", 0.0)
        .range(0, 1, 1e-4)
        .section("Step")
        .flags(SY_FF_LIVE)
        .help("Every step takes learning rate times this share off each weight."),
};

class AdamOptimizer final : public sy::Optimizer {
 public:
  static constexpr const char* kId = "switchyard.optimizer.adam";
  static constexpr const char* kLabel = "Adam";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kSummary = "Adam with bias correction and decoupled weight decay";
  static constexpr uint32_t kStateVersion = 1;
  static constexpr uint32_t kCaps = SY_CAP_CUDA | SY_CAP_DETERMINISTIC | SY_CAP_GRAD_ROWS;
  static constexpr const sy_field* const* fields() { return kSchema.get(); }

  AdamOptimizer(const sy_layer_info&, const sy::Config& config)
      : beta1_(config.number("beta1")),
        beta2_(config.number("beta2")),
        eps_(config.number("eps")),
        weight_decay_(config.number("weight_decay")) {}

  void reconfigure(const sy::Config& config) { weight_decay_ = config.number("weight_decay"); }

  void plan(const sy_param_info&, const sy::StateBuilder& state) override {
    state.sharding(SY_SHARD_ANY);
    state.like_parameter("m");
    state.like_parameter("v");
  }

  void step(sy::Call& call, const sy_opt_step& step) override {
    sy::require(step.step >= 1, "adam: steps count from 1, got ", step.step);
    const auto t = static_cast<double>(step.step);
    const Correction correction{1.0 / (1.0 - std::pow(beta1_, t)),
                                1.0 / std::sqrt(1.0 - std::pow(beta2_, t))};
    for (uint32_t i = 0; i < step.n_items; ++i) {
      update(call, *step.items[i], step.grad_mult, correction);
    }
  }

 private:
  struct Correction {
    double mean;  // 1 / (1 - beta1^t)
    double root;  // 1 / sqrt(1 - beta2^t)
  };

  /// m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2;
  /// p = (1 - lr decay) p - lr m_hat / (sqrt(v_hat) + eps).
  /// Where only some rows have a gradient, the others rest: p, m and v stay as they are.
  void update(sy::Call& call, const sy_opt_item& item, const sy_tensor& grad_mult,
              const Correction& correction) const {
    sy::Program p;
    const auto param = p.by_row(item.param);
    const auto mean_slot = p.by_row(item.state[0]);
    const auto square_slot = p.by_row(item.state[1]);
    const auto g = p.mul(p.load(p.tensor(item.grad)), p.scalar(p.tensor(grad_mult)));
    // Twelve registers do not hold every constant at once: `c` carries one after another.
    const auto c = p.constant(beta1_);
    const auto mean = p.load(mean_slot);
    p.multiply_by(mean, c);
    p.set(c, 1.0 - beta1_);
    p.fma(mean, g, c);
    p.store(mean, mean_slot);

    const auto square = p.load(square_slot);
    p.set(c, beta2_);
    p.multiply_by(square, c);
    p.set(c, 1.0 - beta2_);
    p.multiply_by(c, g);
    p.fma(square, g, c);
    p.store(square, square_slot);

    const auto root = p.sqrt(square);
    p.set(c, correction.root);
    p.multiply_by(root, c);
    p.set(c, eps_);
    const auto direction = p.div(mean, p.add(root, c));
    const auto value = p.load(param);
    p.set(c, 1.0 - item.lr * sy::weight_decay(item, weight_decay_));
    p.multiply_by(value, c);
    p.set(c, -item.lr * correction.mean);
    p.store(p.fma(value, direction, c), param);
    p.run(call, sy::gradient_rows(item));
  }

  double beta1_;
  double beta2_;
  double eps_;
  double weight_decay_;
};

}  // namespace

SY_PLUGIN("switchyard.optimizer.adam", "0.1.0", "Switchyard", "Apache-2.0", "", AdamOptimizer);
