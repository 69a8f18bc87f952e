#pragma once

#include <cstddef>
#include <vector>

namespace switchyard::test {

/// One batch through the noisy top-k gate in double precision, from the paper's equations 3 to 11,
/// with the noise given. Independent of the plugin: it sorts, adds and never differentiates.
struct NoisyTopKReference {
  int tokens, d, experts, k;
  double epsilon, w_importance, w_load;
  std::vector<double> x, w_gate, w_noise, noise;  // [T, d], [d, E], [d, E], [T, E]
  std::vector<double> e;                          // [T, E], <dy, E_i(x)>

  /// sum_t sum_i G(x_t)_i e_ti + w_importance CV^2(Importance) + w_load CV^2(Load).
  [[nodiscard]] double loss() const;

  std::vector<double> importance() const { return totals(false); }
  std::vector<double> load() const { return totals(true); }

 private:
  struct Row {
    std::vector<double> g, p;
  };
  [[nodiscard]] Row row(int t) const;
  [[nodiscard]] std::vector<double> totals(bool of_load) const;
};

/// Population variance over squared mean.
[[nodiscard]] double squared_variation(const std::vector<double>& v);

/// sum_t sum_i G_ti e_ti + w_importance CV^2(importance), where weights(t) is row t of G.
template <typename Weights>
[[nodiscard]] double loss_of_weights(const Weights& weights, int tokens,
                                     const std::vector<double>& e, double w_importance) {
  double task = 0.0;
  std::vector<double> importance(e.size() / static_cast<size_t>(tokens));
  for (int t = 0; t < tokens; ++t) {
    const std::vector<double> g = weights(t);
    for (size_t i = 0; i < g.size(); ++i) {
      importance[i] += g[i];
      task += g[i] * e[static_cast<size_t>(t) * g.size() + i];
    }
  }
  return task + (w_importance == 0.0 ? 0.0 : w_importance * squared_variation(importance));
}

/// Central differences of f() with respect to every entry of v.
template <typename F>
[[nodiscard]] std::vector<double> finite_differences(std::vector<double>& v, F f, double h = 1e-6) {
  std::vector<double> gradient(v.size());
  for (size_t i = 0; i < v.size(); ++i) {
    const double old = v[i];
    v[i] = old + h;
    const double above = f();
    v[i] = old - h;
    gradient[i] = (above - f()) / (2.0 * h);
    v[i] = old;
  }
  return gradient;
}

}  // namespace switchyard::test
