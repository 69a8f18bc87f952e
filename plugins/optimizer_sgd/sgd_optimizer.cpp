// Stochastic gradient descent, with heavy-ball momentum on request and decoupled weight decay.
#include <switchyard/sdk.hpp>

namespace {

constexpr sy::Schema kSchema{
    sy::float_field("momentum", "Momentum", 0.0)
        .range(0, 1, 0.01)
        .section("Step")
        .help("Share of the last direction that is kept; 0 keeps none and stores nothing."),
    sy::float_field("weight_decay", "Weight decay", 0.0)
        .range(0, 1, 1e-4)
        .section("Step")
        .flags(SY_FF_LIVE)
        .help("Every step takes learning rate times this share off each weight."),
};

class SgdOptimizer final : public sy::Optimizer {
 public:
  static constexpr const char* kId = "switchyard.optimizer.sgd";
  static constexpr const char* kLabel = "SGD";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kSummary = "gradient descent with optional momentum";
  static constexpr uint32_t kStateVersion = 1;
  static constexpr uint32_t kCaps =
      SY_CAP_CUDA | SY_CAP_DETERMINISTIC | SY_CAP_CAPTURABLE | SY_CAP_GRAD_ROWS;
  static constexpr const sy_field* const* fields() { return kSchema.get(); }

  SgdOptimizer(const sy_layer_info&, const sy::Config& config)
      : momentum_(config.number("momentum")), weight_decay_(config.number("weight_decay")) {}

  void reconfigure(const sy::Config& config) { weight_decay_ = config.number("weight_decay"); }

  void plan(const sy_param_info&, const sy::StateBuilder& state) override {
    state.sharding(SY_SHARD_ANY);
    if (momentum_ != 0.0) {
      state.like_parameter("momentum");
    }
  }

  void step(sy::Call& call, const sy_opt_step& step) override {
    for (uint32_t i = 0; i < step.n_items; ++i) {
      update(call, *step.items[i], step.grad_mult);
    }
  }

 private:
  /// v = momentum v + g;  p = (1 - lr decay) p - lr v.
  /// Where only some rows have a gradient, the others rest: p and v stay as they are.
  void update(sy::Call& call, const sy_opt_item& item, const sy_tensor& grad_mult) const {
    sy::Program p;
    const auto param = p.by_row(item.param);
    auto direction = p.mul(p.load(p.tensor(item.grad)), p.scalar(p.tensor(grad_mult)));
    if (momentum_ != 0.0) {
      const auto state = p.by_row(item.state[0]);
      direction = p.fma(direction, p.load(state), p.constant(momentum_));
      p.store(direction, state);
    }
    const double kept = 1.0 - item.lr * sy::weight_decay(item, weight_decay_);
    const auto value = p.mul(p.load(param), p.constant(kept));
    p.store(p.fma(value, direction, p.constant(-item.lr)), param);
    p.run(call, sy::gradient_rows(item));
  }

  double momentum_;
  double weight_decay_;
};

}  // namespace

SY_PLUGIN("switchyard.optimizer.sgd", "0.1.0", "Switchyard", "Apache-2.0", "", SgdOptimizer);
