// Adam without a first moment and with a factored second moment (Shazeer et al. 2017,
// arXiv:1701.06538, appendix D): a matrix of p x q weights keeps p + q numbers of state, not 2 p q.
#include <cmath>

#include <switchyard/sdk.hpp>

namespace {

using sy::View;

constexpr sy::Schema kSchema{
    sy::float_field("beta2", "Beta 2", 0.999)
        .range(0, 0.999999)
        .section("Step")
        .help("Share of the running mean of squared gradients that is kept per step."),
    sy::float_field("eps", "Epsilon", 1e-8)
        .range(1e-30, 1)
        .section("Step")
        .flags(SY_FF_ADVANCED)
        .help("Added to the root of the mean square; not 0, because rows may never have had a "
              "gradient."),
    sy::float_field("weight_decay", "Weight decay", 0.0)
        .range(0, 1, 1e-4)
        .section("Step")
        .flags(SY_FF_LIVE)
        .help("Every step takes learning rate times this share off each weight. Above 0, experts "
              "without a gradient cost a pass over their weights."),
};

// Below this a mean of squares is taken to be this, so that a quotient stays finite.
constexpr double kSmallest = 1.2e-38;

/// Whether the second moment is kept as row and column means: for matrices, and for stacks of them
/// whose leading dimensions count experts or anything else.
bool is_factored(const sy_param_info& parameter) {
  const int32_t rows = parameter.ndim - 2;
  return rows >= 0 && parameter.expert_dim < rows && parameter.local[rows] > 1 &&
         parameter.local[rows + 1] > 1;
}

class FactoredAdamOptimizer final : public sy::Optimizer {
 public:
  static constexpr const char* kId = "switchyard.optimizer.factored_adam";
  static constexpr const char* kLabel = "Factored Adam";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kSummary = "no first moment, row and column means of the second";
  static constexpr uint32_t kStateVersion = 1;
  static constexpr uint32_t kCaps = SY_CAP_CUDA | SY_CAP_DETERMINISTIC | SY_CAP_GRAD_ROWS;
  static constexpr const sy_field* const* fields() { return kSchema.get(); }

  FactoredAdamOptimizer(const sy_layer_info&, const sy::Config& config)
      : beta2_(config.number("beta2")),
        eps_(config.number("eps")),
        weight_decay_(config.number("weight_decay")) {}

  void reconfigure(const sy::Config& config) { weight_decay_ = config.number("weight_decay"); }

  /// v_row [..., p] and v_column [..., q] of matrices [..., p, q]; v of the same shape of others.
  void plan(const sy_param_info& parameter, const sy::StateBuilder& state) override {
    if (!is_factored(parameter)) {
      state.sharding(SY_SHARD_ANY);
      state.like_parameter("v");
      return;
    }
    state.sharding(SY_SHARD_WHOLE);
    int8_t follows[SY_MAX_DIMS];
    const int32_t last = parameter.ndim - 1;
    for (int32_t i = 0; i < last; ++i) {
      follows[i] = static_cast<int8_t>(i);
    }
    state.add("v_row", last, follows);
    follows[last - 1] = static_cast<int8_t>(last);
    state.add("v_column", last, follows);
  }

  void step(sy::Call& call, const sy_opt_step& step) override {
    sy::require(step.step >= 1, "factored_adam: steps count from 1, got ", step.step);
    const double correction = 1.0 - std::pow(beta2_, static_cast<double>(step.step));
    for (uint32_t i = 0; i < step.n_items; ++i) {
      const sy_opt_item& item = *step.items[i];
      if (sy::num_elements(item.param) == 0) {
        continue;
      }
      const sy_tensor* rows = sy::gradient_rows(item);
      if (item.n_state == 2 && rows) {
        update_rows(call, item, *rows, step.grad_mult, correction);
      } else if (item.n_state == 2) {
        update_matrices(call, item, step.grad_mult, correction);
      } else {
        update_elements(call, item, step.grad_mult, correction);
      }
    }
  }

 private:
  /// The tensors of an item as G matrices p x q.
  struct Matrices {
    int64_t num, height, width;
    View param, grad;    // [G, p, q]
    View rows, columns;  // R [G, p] and C [G, q]

    static Matrices of(const sy_opt_item& item) {
      const int32_t last = item.param.ndim - 1;
      const int64_t p = item.param.shape[last - 1];
      const int64_t q = item.param.shape[last];
      const int64_t n = sy::num_elements(item.param) / (p * q);
      return {n,
              p,
              q,
              View::reshape(item.param, {n, p, q}),
              View::reshape(item.grad, {n, p, q}),
              View::reshape(item.state[0], {n, p}),
              View::reshape(item.state[1], {n, q})};
    }
  };

  /// R_i = b2 R_i + (1-b2) mean_j g_ij^2;  C_j = b2 C_j + (1-b2) mean_i g_ij^2;
  /// V_ij = R_i C_j / mean(R);  w = (1 - lr decay) w - lr g / (sqrt(V_ij / (1 - b2^t)) + eps).
  /// Where g is 0 everywhere the weights are left as they are, but for the decay.
  void update_matrices(sy::Call& call, const sy_opt_item& item, const sy_tensor& grad_mult,
                       double correction) const {
    const Matrices m = Matrices::of(item);
    const sy_tensor row_squares = call.scratch({m.num, m.height});
    const sy_tensor column_squares = call.scratch({m.num, m.width});
    call.mean_squares(m.grad, row_squares, column_squares);
    average(call, row_squares, 1.0, grad_mult, m.rows);
    average(call, column_squares, 1.0, grad_mult, m.columns);

    const sy_tensor row_roots = roots_of_rows(call, m, correction);
    const sy_tensor column_roots = column_squares;  // not needed any more
    call.unary(SY_U_SQRT, m.columns, column_roots);

    const double decay = item.lr * sy::weight_decay(item, weight_decay_);
    const sy_tensor active = call.scratch({m.num});
    call.reduce(SY_R_MEAN, row_squares, 1, 0.0, active);

    sy::Program p;
    const auto param = p.tensor(m.param);
    const auto g = p.load(p.tensor(m.grad));
    const View a = View::reshape(row_roots, {m.num, m.height, 1});
    const View b = View::reshape(column_roots, {m.num, 1, m.width});
    const auto root = p.load(p.tensor(a));
    p.multiply_by(root, p.load(p.tensor(b)));
    const auto direction = p.div(g, p.add(root, p.constant(eps_)));
    apply(p, param, direction, grad_mult, item.lr, decay);
    p.run_matrices(call, decay == 0.0 ? &active : nullptr);
  }

  /// sqrt(R_i / (mean(R) (1 - b2^t))), [G, p].
  [[nodiscard]] static sy_tensor roots_of_rows(sy::Call& call, const Matrices& m,
                                               double correction) {
    const sy_tensor means = call.scratch({m.num});
    call.reduce(SY_R_MEAN, m.rows, 1, 0.0, means);
    const sy_tensor roots = call.scratch({m.num, m.height});
    sy::Program p;
    const View out = View::reshape(roots, {1, m.num, m.height});
    const View rows = View::reshape(m.rows, {1, m.num, m.height});
    const View mean = View::reshape(means, {1, m.num, 1});
    const auto target = p.tensor(out);
    auto divisor = p.max(p.load(p.tensor(mean)), p.constant(kSmallest));
    divisor = p.mul(divisor, p.constant(correction));
    p.store(p.sqrt(p.div(p.load(p.tensor(rows)), divisor)), target);
    p.run_matrices(call);
    return roots;
  }

  /// The same for one matrix [p, q] of which only some rows have a gradient, grad [n, q]: the other
  /// rows of g are 0, so their R decays and their weights stay, but for weight decay.
  void update_rows(sy::Call& call, const sy_opt_item& item, const sy_tensor& rows,
                   const sy_tensor& grad_mult, double correction) const {
    sy::require(item.param.ndim == 2, "factored_adam: a gradient by row must be that of a matrix, ",
                "got a parameter of ", item.param.ndim, " dimensions");
    const int64_t height = item.param.shape[0];
    const int64_t width = item.param.shape[1];
    const int64_t n = rows.shape[0];
    const sy_tensor& row_means = item.state[0];
    const sy_tensor& column_means = item.state[1];
    call.affine(row_means, beta2_, 0.0, row_means);
    const double decay = item.lr * sy::weight_decay(item, weight_decay_);
    if (decay != 0.0) {
      call.affine(item.param, 1.0 - decay, 0.0, item.param);
    }
    if (n == 0) {
      call.affine(column_means, beta2_, 0.0, column_means);
      return;
    }
    const View grad = View::reshape(item.grad, {1, n, width});
    const sy_tensor row_squares = call.scratch({1, n});
    const sy_tensor column_squares = call.scratch({1, width});
    call.mean_squares(grad, row_squares, column_squares);
    const double share = static_cast<double>(n) / static_cast<double>(height);
    average(call, View::reshape(column_squares, {width}), share, grad_mult, column_means);
    add_squares(call, View::reshape(row_squares, {n}), rows, grad_mult, row_means);

    const sy_tensor row_roots = roots_of_some_rows(call, row_means, rows, correction);
    call.unary(SY_U_SQRT, column_means, View::reshape(column_squares, {width}));
    const sy_tensor change = call.scratch({n, width});
    sy::Program p;
    const View target = View::reshape(change, {1, n, width});
    const View a = View::reshape(row_roots, {1, n, 1});
    const View b = View::reshape(column_squares, {1, 1, width});
    const auto slot = p.tensor(target);
    const auto root = p.load(p.tensor(a));
    p.multiply_by(root, p.load(p.tensor(b)));
    const auto direction = p.div(p.load(p.tensor(grad)), p.add(root, p.constant(eps_)));
    const auto factor = p.scalar(p.tensor(grad_mult));
    p.multiply_by(factor, p.constant(-item.lr));
    p.store(p.mul(direction, factor), slot);
    p.run_matrices(call);
    call.scatter_add_rows(change, rows, item.param);
  }

  /// state[rows[j]] += (1-b2) grad_mult^2 squares[j].
  void add_squares(sy::Call& call, const sy_tensor& squares, const sy_tensor& rows,
                   const sy_tensor& grad_mult, const sy_tensor& state) const {
    sy::Program p;
    const auto slot = p.by_row(state);
    const auto mean = p.load(slot);
    p.store(p.fma(mean, p.load(p.tensor(squares)), share_of_square(p, grad_mult, 1.0)), slot);
    p.run(call, &rows);
  }

  /// sqrt(R_i / (mean(R) (1 - b2^t))) of the given rows, [n].
  [[nodiscard]] static sy_tensor roots_of_some_rows(sy::Call& call, const sy_tensor& row_means,
                                                    const sy_tensor& rows, double correction) {
    const sy_tensor mean = call.scratch({1});
    call.reduce(SY_R_MEAN, row_means, -1, 0.0, mean);
    const sy_tensor roots = call.scratch({rows.shape[0]});
    sy::Program p;
    const auto chosen = p.by_row(row_means);
    const auto target = p.tensor(roots);
    const auto smallest = p.constant(kSmallest);
    const auto divisor = p.mul(p.max(p.scalar(p.tensor(mean)), smallest), p.constant(correction));
    p.store(p.sqrt(p.div(p.load(chosen), divisor)), target);
    p.run(call, &rows);
    return roots;
  }

  /// (1-b2) share grad_mult^2, the weight of this step's squares.
  sy::Program::Register share_of_square(sy::Program& p, const sy_tensor& grad_mult,
                                        double share) const {
    const auto factor = p.scalar(p.tensor(grad_mult));
    p.multiply_by(factor, factor);
    return p.multiply_by(factor, p.constant((1.0 - beta2_) * share));
  }

  /// state = b2 state + (1-b2) share grad_mult^2 squares.
  void average(sy::Call& call, const sy_tensor& squares, double share, const sy_tensor& grad_mult,
               const sy_tensor& state) const {
    sy::Program p;
    const auto slot = p.tensor(state);
    const auto factor = share_of_square(p, grad_mult, share);
    const auto mean = p.load(slot);
    p.multiply_by(mean, p.constant(beta2_));
    p.fma(mean, p.load(p.tensor(squares)), factor);
    p.store(mean, slot);
    p.run(call);
  }

  /// v = b2 v + (1-b2) g^2;  w = (1 - lr decay) w - lr g / (sqrt(v / (1 - b2^t)) + eps).
  void update_elements(sy::Call& call, const sy_opt_item& item, const sy_tensor& grad_mult,
                       double correction) const {
    const sy_tensor* rows = sy::gradient_rows(item);
    double decay = item.lr * sy::weight_decay(item, weight_decay_);
    call.affine(item.state[0], beta2_, 0.0, item.state[0]);
    if (rows && decay != 0.0) {
      call.affine(item.param, 1.0 - decay, 0.0, item.param);
      decay = 0.0;
    }
    sy::Program p;
    const auto param = p.by_row(item.param);
    const auto slot = p.by_row(item.state[0]);
    const auto g = p.load(p.tensor(item.grad));
    const auto square = p.load(slot);
    p.fma(square, p.mul(g, g), share_of_square(p, grad_mult, 1.0));
    p.store(square, slot);
    const auto root = p.sqrt(square);
    const auto c = p.constant(1.0 / std::sqrt(correction));
    p.multiply_by(root, c);
    p.set(c, eps_);
    const auto direction = p.div(g, p.add(root, c));
    apply(p, param, direction, grad_mult, item.lr, decay);
    p.run(call, rows);
  }

  /// w = (1 - decay) w - lr grad_mult direction.
  static void apply(sy::Program& p, sy::Program::Slot param, sy::Program::Register direction,
                    const sy_tensor& grad_mult, double lr, double decay) {
    const auto factor = p.scalar(p.tensor(grad_mult));
    const auto value = p.load(param);
    const auto c = p.constant(-lr);
    p.multiply_by(factor, c);
    if (decay != 0.0) {
      p.set(c, 1.0 - decay);
      p.multiply_by(value, c);
    }
    p.store(p.fma(value, direction, factor), param);
  }

  double beta2_;
  double eps_;
  double weight_decay_;
};

}  // namespace

SY_PLUGIN("switchyard.optimizer.factored_adam", "0.1.0", "Switchyard", "Apache-2.0", "",
          FactoredAdamOptimizer);
