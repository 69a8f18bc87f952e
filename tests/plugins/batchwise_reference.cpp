#include "tests/plugins/batchwise_reference.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/plugins/noisy_topk_reference.h"

namespace switchyard::test {

using Numbers = std::vector<double>;

namespace {

size_t at(int row, int column, int width) {
  return static_cast<size_t>(row) * static_cast<size_t>(width) + static_cast<size_t>(column);
}

}  // namespace

Numbers BatchwiseReference::probabilities() const {
  Numbers p(at(tokens, 0, experts));
  for (int t = 0; t < tokens; ++t) {
    double sum = 0.0;
    for (int i = 0; i < experts; ++i) {
      double logit = 0.0;
      for (int j = 0; j < d; ++j) {
        logit += x[at(t, j, d)] * w[at(j, i, experts)];
      }
      sum += p[at(t, i, experts)] = std::exp(logit);
    }
    for (int i = 0; i < experts; ++i) {
      p[at(t, i, experts)] /= sum;
    }
  }
  return p;
}

Numbers BatchwiseReference::mask(const Numbers& probability) const {
  Numbers chosen(probability.size());
  for (int i = 0; i < experts; ++i) {
    std::vector<int> order(static_cast<size_t>(tokens));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
      return probability[at(a, i, experts)] > probability[at(b, i, experts)];
    });
    for (int rank = 0; rank < k * tokens / experts; ++rank) {
      chosen[at(order[static_cast<size_t>(rank)], i, experts)] = 1.0;
    }
  }
  return chosen;
}

Numbers BatchwiseReference::weights(const Numbers& probability, const Numbers& chosen) const {
  Numbers g(probability.size());
  for (int t = 0; t < tokens; ++t) {
    double sum = 0.0;
    for (int i = 0; i < experts; ++i) {
      sum += probability[at(t, i, experts)] * chosen[at(t, i, experts)];
    }
    for (int i = 0; i < experts && sum > 0.0; ++i) {
      g[at(t, i, experts)] = probability[at(t, i, experts)] * chosen[at(t, i, experts)] / sum;
    }
  }
  return g;
}

double BatchwiseReference::batchwise(const Numbers& probability) const {
  const Numbers chosen = mask(probability);
  double sum = 0.0;
  for (size_t entry = 0; entry < probability.size(); ++entry) {
    const double t = threshold[entry % static_cast<size_t>(experts)];
    sum += ((probability[entry] > t ? 1.0 : 0.0) - chosen[entry]) * (probability[entry] - t);
  }
  return sum;
}

double BatchwiseReference::loss() {
  const Numbers p = probabilities();
  if (frozen.empty()) {
    frozen = p;
  }
  const Numbers g = weights(p, mask(p));
  Numbers importance(static_cast<size_t>(experts));
  double task = 0.0;
  for (size_t entry = 0; entry < g.size(); ++entry) {
    importance[entry % importance.size()] += g[entry];
    task += g[entry] * e[entry];
  }
  const double sum = std::accumulate(importance.begin(), importance.end(), 0.0);
  const double balance = sum == 0.0 ? 0.0 : w_importance * squared_variation(importance);
  return task + balance + w_batchwise * batchwise(trains_gate ? p : frozen) / tokens;
}

}  // namespace switchyard::test
