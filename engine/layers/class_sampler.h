#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/rng.h"

namespace switchyard::layers {

/// Which classes a sampler prefers.
enum class Proposal {
  kLogUniform,  // P(c) = (ln(c + 2) - ln(c + 1)) / ln(V + 1): classes in descending order of
                // frequency
  kUnigram      // P(c) proportional to count(c)^power, a count of 0 taken as 1
};

/// Draws distinct classes out of V: repeats draws with probability P until there are enough
/// different ones. With n draws in all, class c is among them with probability Q(c) = 1 - (1 -
/// P(c))^n. Source: Jozefowicz et al. 2016, arXiv:1602.02410; the log-uniform sampler of
/// TensorFlow. Threads: [inst].
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

  /// Fills `sample` with distinct classes in ascending order and returns the number of draws. Draw
  /// i depends on key, position and i only. Throws Error(kInvalidArgument) for more classes than
  /// there are, or if a reasonable number of draws does not find enough distinct ones.
  int64_t draw(core::RngKey key, core::RngPosition position, std::span<int32_t> sample);

 private:
  ClassSampler(Proposal proposal, int64_t num_classes);

  [[nodiscard]] int32_t class_of(double uniform) const;

  Proposal proposal_;
  int64_t num_classes_;
  double log_range_;                 // ln(V + 1)
  std::vector<double> probability_;  // kUnigram: P
  std::vector<double> keep_;         // for each column of the alias table: its own share
  std::vector<int32_t> alias_;       // the class that has the rest
  std::vector<bool> is_drawn_;       // all false between draws
};

}  // namespace switchyard::layers
