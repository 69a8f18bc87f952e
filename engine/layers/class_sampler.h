#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/rng.h"

namespace switchyard::layers {

/// Which classes a sampler prefers.
enum class Proposal {
  kLogUniform,  // P(c) = (ln(c + 2) - ln(c + 1)) / ln(V + 1): classes sorted by falling frequency
  kUnigram      // P(c) proportional to count(c)^power, a count of 0 taken as 1
};

/// Draws different classes out of V by their probability P, again and again until there are enough.
/// With n draws in all, class c is expected Q(c) = 1 - (1 - P(c))^n times among them.
/// Source: Jozefowicz et al. 2016, arXiv:1602.02410; the log-uniform sampler of TensorFlow.
/// Threads: [inst].
class ClassSampler {
 public:
  [[nodiscard]] static ClassSampler log_uniform(int64_t num_classes);
  /// One count for each class.
  [[nodiscard]] static ClassSampler unigram(std::span<const int64_t> counts, double power);

  [[nodiscard]] int64_t num_classes() const { return num_classes_; }
  /// P(c). They sum to 1.
  [[nodiscard]] double probability(int32_t sampled_class) const;
  /// ln Q(c) after that many draws.
  [[nodiscard]] double log_expected_count(int32_t sampled_class, int64_t num_draws) const;

  /// Fills `sample` with different classes, rising, and returns the number of draws that took.
  /// Draw i depends on key, position and i only.
  /// Throws Error(kInvalidArgument) for more classes than there are, or where that many different
  /// ones cannot be had in a reasonable number of draws.
  int64_t draw(core::RngKey key, core::RngPosition position, std::span<int32_t> sample);

 private:
  ClassSampler(Proposal proposal, int64_t num_classes);

  [[nodiscard]] int32_t class_of(double uniform) const;

  Proposal proposal_;
  int64_t num_classes_;
  double log_range_;                 // ln(V + 1)
  std::vector<double> probability_;  // kUnigram: P
  std::vector<double> keep_;         // of each column of the alias table: its own share
  std::vector<int32_t> alias_;       // and whose the rest is
  std::vector<bool> is_drawn_;       // all false between draws
};

}  // namespace switchyard::layers
