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
