#include "layers/class_sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/error.h"

namespace switchyard::layers {

namespace {

// In [0, 1) with 53 random bits: classes of a large vocabulary are rarer than one in 2^24.
double unit_double(uint32_t high, uint32_t low) {
  const uint64_t bits = (uint64_t{high} << 32U) | low;
  return static_cast<double>(bits >> 11U) * 0x1p-53;
}

}  // namespace

ClassSampler::ClassSampler(Proposal proposal, int64_t num_classes)
    : proposal_(proposal),
      num_classes_(num_classes),
      log_range_(std::log(static_cast<double>(num_classes) + 1.0)),
      is_drawn_(static_cast<size_t>(num_classes), false) {
}

ClassSampler ClassSampler::log_uniform(int64_t num_classes) {
  core::require(num_classes > 0, "sampler: there must be 1 class or more, got {}", num_classes);
  return {Proposal::kLogUniform, num_classes};
}

// The columns of an alias table (Vose 1991): each holds a probability of 1/V, shared by one class
// and at most one other.
ClassSampler ClassSampler::unigram(std::span<const int64_t> counts, double power) {
  core::require(!counts.empty(), "sampler: there must be 1 class or more, got 0");
  ClassSampler sampler(Proposal::kUnigram, static_cast<int64_t>(counts.size()));
  const size_t V = counts.size();
  std::vector<double>& p = sampler.probability_;
  for (const int64_t count : counts) {
    p.push_back(std::pow(static_cast<double>(std::max<int64_t>(count, 1)), power));
  }
  const double total = std::accumulate(p.begin(), p.end(), 0.0);
  std::vector<double>& keep = sampler.keep_;
  std::vector<int32_t> small;
  std::vector<int32_t> large;
  for (size_t c = 0; c < V; ++c) {
    p[c] /= total;
    keep.push_back(p[c] * static_cast<double>(V));
    (keep[c] < 1.0 ? small : large).push_back(static_cast<int32_t>(c));
  }
  sampler.alias_.resize(V);
  // Each column is its own alias at first. Columns that keep it are full up to rounding.
  std::iota(sampler.alias_.begin(), sampler.alias_.end(), 0);
  while (!small.empty() && !large.empty()) {
    const auto poor = static_cast<size_t>(small.back());
    const auto rich = static_cast<size_t>(large.back());
    small.pop_back();
    sampler.alias_[poor] = large.back();
    keep[rich] -= 1.0 - keep[poor];
    if (keep[rich] < 1.0) {
      small.push_back(large.back());
      large.pop_back();
    }
  }
  return sampler;
}

double ClassSampler::probability(int32_t sampled_class) const {
  if (proposal_ == Proposal::kUnigram) {
    return probability_[static_cast<size_t>(sampled_class)];
  }
  return std::log1p(1.0 / (static_cast<double>(sampled_class) + 1.0)) / log_range_;
}

double ClassSampler::log_expected_count(int32_t sampled_class, int64_t num_draws) const {
  const double none = static_cast<double>(num_draws) * std::log1p(-probability(sampled_class));
  return std::log(-std::expm1(none));
}

int32_t ClassSampler::class_of(double uniform) const {
  const auto V = static_cast<double>(num_classes_);
  if (proposal_ == Proposal::kLogUniform) {
    const double c = std::floor(std::exp(uniform * log_range_)) - 1.0;
    return static_cast<int32_t>(std::clamp(c, 0.0, V - 1.0));
  }
  const double at = std::min(uniform * V, std::nextafter(V, 0.0));
  const auto column = static_cast<size_t>(at);
  const double rest = at - static_cast<double>(column);
  return rest < keep_[column] ? static_cast<int32_t>(column) : alias_[column];
}

int64_t ClassSampler::draw(core::RngKey key, core::RngPosition position,
                           std::span<int32_t> sample) {
  constexpr int64_t kDrawsPerClass = 10000;
  const auto K = static_cast<int64_t>(sample.size());
  core::require(K <= num_classes_, "sampler: cannot draw {} different classes out of {}", K,
                num_classes_);
  int64_t found = 0;
  int64_t draws = 0;
  std::array<uint32_t, 4> words{};
  while (found < K && draws < kDrawsPerClass * K) {
    const auto half = static_cast<size_t>(draws % 2);
    if (half == 0) {
      words =
          core::philox4x32_10(core::rng_counter(position, static_cast<uint64_t>(draws / 2)), key);
    }
    const int32_t c = class_of(unit_double(words[2 * half], words[2 * half + 1]));
    ++draws;
    if (!is_drawn_[static_cast<size_t>(c)]) {
      is_drawn_[static_cast<size_t>(c)] = true;
      sample[static_cast<size_t>(found++)] = c;
    }
  }
  for (int64_t i = 0; i < found; ++i) {
    is_drawn_[static_cast<size_t>(sample[static_cast<size_t>(i)])] = false;
  }
  core::require(found == K,
                "sampler: {} draws gave {} different classes, not {}: ask for fewer, or flatten "
                "the proposal with a smaller power",
                draws, found, K);
  std::sort(sample.begin(), sample.end());
  return draws;
}

}  // namespace switchyard::layers
