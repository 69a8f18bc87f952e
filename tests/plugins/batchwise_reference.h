#pragma once

#include <vector>

namespace switchyard::test {

/// One batch through the strictly balanced gate in double precision, from equations 15 to 20 of the
/// paper's appendix F. Independent of the plugin: it sorts columns, adds and never differentiates.
struct BatchwiseReference {
  int tokens, d, experts, k;
  double w_importance, w_batchwise;
  bool trains_gate;  // else X of L_batchwise stays what it was at the first call of loss()
  std::vector<double> x, w, threshold;  // [T, d], [d, E], [E]
  std::vector<double> e;                // [T, E], <dy, E_i(x)>
  std::vector<double> frozen;           // X of the first call

  /// sum_t sum_i G_ti e_ti + w_importance CV^2(Importance) + w_batchwise L_batchwise / |X|.
  [[nodiscard]] double loss();

  /// softmax(x W), [T, E].
  [[nodiscard]] std::vector<double> probabilities() const;
  /// 1 for the k T / E largest of each column, equal ones in rising row.
  [[nodiscard]] std::vector<double> mask(const std::vector<double>& probability) const;
  /// Masked rows, scaled to sum to 1.
  [[nodiscard]] std::vector<double> weights(const std::vector<double>& probability,
                                            const std::vector<double>& mask) const;

 private:
  [[nodiscard]] double batchwise(const std::vector<double>& probability) const;
};

}  // namespace switchyard::test
