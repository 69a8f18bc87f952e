#include "tests/plugins/noisy_topk_reference.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

namespace switchyard::test {

double squared_variation(const std::vector<double>& v) {
  double mean = 0.0;
  for (const double a : v) {
    mean += a / static_cast<double>(v.size());
  }
  double variance = 0.0;
  for (const double a : v) {
    variance += (a - mean) * (a - mean) / static_cast<double>(v.size());
  }
  return variance / (mean * mean);
}

NoisyTopKReference::Row NoisyTopKReference::row(int t) const {
  const auto n = static_cast<size_t>(experts);
  std::vector<double> clean(n);
  std::vector<double> sigma(n);
  std::vector<double> h(n);
  for (size_t i = 0; i < n; ++i) {
    double raw = 0.0;
    for (int j = 0; j < d; ++j) {
      const double value = x[static_cast<size_t>(t * d + j)];
      clean[i] += value * w_gate[static_cast<size_t>(j) * n + i];
      raw += value * w_noise[static_cast<size_t>(j) * n + i];
    }
    sigma[i] = std::log1p(std::exp(raw)) + epsilon;
    h[i] = clean[i] + noise[static_cast<size_t>(t) * n + i] * sigma[i];
  }
  std::vector<double> sorted = h;
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  const auto chosen = static_cast<size_t>(k);
  const double last_in = sorted[chosen - 1];
  double sum = 0.0;
  for (size_t j = 0; j < chosen; ++j) {
    sum += std::exp(sorted[j]);
  }
  Row row{std::vector<double>(n), std::vector<double>(n)};
  for (size_t i = 0; i < n; ++i) {
    const bool is_in = h[i] >= last_in;
    row.g[i] = is_in ? std::exp(h[i]) / sum : 0.0;
    if (chosen == n) {
      row.p[i] = 1.0;
    } else {
      const double a = (clean[i] - (is_in ? sorted[chosen] : last_in)) / sigma[i];
      row.p[i] = 0.5 * std::erfc(-a / std::numbers::sqrt2);
    }
  }
  return row;
}

std::vector<double> NoisyTopKReference::totals(bool of_load) const {
  std::vector<double> sums(static_cast<size_t>(experts));
  for (int t = 0; t < tokens; ++t) {
    const Row r = row(t);
    for (size_t i = 0; i < sums.size(); ++i) {
      sums[i] += of_load ? r.p[i] : r.g[i];
    }
  }
  return sums;
}

double NoisyTopKReference::loss() const {
  double task = 0.0;
  for (int t = 0; t < tokens && !e.empty(); ++t) {
    const Row r = row(t);
    for (size_t i = 0; i < r.g.size(); ++i) {
      task += r.g[i] * e[static_cast<size_t>(t) * r.g.size() + i];
    }
  }
  return task + (w_importance == 0.0 ? 0.0 : w_importance * squared_variation(importance())) +
         (w_load == 0.0 ? 0.0 : w_load * squared_variation(load()));
}

}  // namespace switchyard::test
