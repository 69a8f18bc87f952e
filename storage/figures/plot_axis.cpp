#include "figures/plot_axis.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <figures/number_text.h>
#include <utility>

#include <fmt/core.h>

namespace switchyard::figures {
namespace {

constexpr double kMargin = 0.07;     // of the data's extent, on each side
constexpr double kTolerance = 1e-9;  // of the extent, so that ticks at the ends count
constexpr size_t kFewTicks = 3;

/// All m * base^e in [low, high] for the multiples m.
std::vector<double> multiples_of_powers(double low, double high, int base,
                                        const std::vector<double>& multiples) {
  std::vector<double> ticks;
  const auto first = static_cast<int>(std::floor(std::log(low) / std::log(base))) - 1;
  const auto last = static_cast<int>(std::ceil(std::log(high) / std::log(base)));
  for (int exponent = first; exponent <= last; ++exponent) {
    for (const double multiple : multiples) {
      const double value = multiple * std::pow(base, exponent);
      if (value >= low * (1.0 - kTolerance) && value <= high * (1.0 + kTolerance)) {
        ticks.push_back(value);
      }
    }
  }
  return ticks;
}

/// Keeps at most `max_count` powers: those whose exponent is a multiple of the smallest stride.
std::vector<double> thinned(const std::vector<double>& ticks, int base, size_t max_count) {
  for (int64_t stride = 1;; ++stride) {
    std::vector<double> kept;
    for (const double tick : ticks) {
      const auto exponent = std::llround(std::log(tick) / std::log(base));
      if (exponent % stride == 0) {
        kept.push_back(tick);
      }
    }
    if (kept.size() <= max_count) {
      return kept;
    }
  }
}

std::string printed(double value) {
  return fmt::format("{:.6g}", value);
}

/// Values of `first_thousand` and more are shown in thousands.
std::string tick_text(double value, double first_thousand) {
  constexpr double kLargest = 1e15;
  constexpr double kSmallest = 1e-4;
  static constexpr std::array<std::pair<double, const char*>, 4> kSuffixes = {
      {{1e12, "T"}, {1e9, "B"}, {1e6, "M"}, {1e3, "k"}}};
  const double size = std::abs(value);
  if (size >= kLargest || (size > 0.0 && size < kSmallest)) {
    return printed(value);
  }
  for (const auto& [unit, suffix] : kSuffixes) {
    const double smallest = unit == 1e3 ? first_thousand : unit;
    if (size >= smallest * (1.0 - kTolerance)) {
      return printed(value / unit) + suffix;
    }
  }
  const bool is_whole = std::abs(value - std::round(value)) < kTolerance * std::max(size, 1.0);
  return is_whole ? grouped(std::llround(value)) : printed(value);
}

}  // namespace

std::vector<double> linear_ticks(double low, double high, int max_count) {
  const double extent = high - low;
  if (!(extent > 0.0) || max_count < 1) {
    return {low};
  }
  double power = std::pow(10.0, std::floor(std::log10(extent / max_count)));
  while (true) {
    for (const double multiple : {1.0, 2.0, 2.5, 5.0}) {
      const double step = multiple * power;
      const double first = std::ceil(low / step - kTolerance);
      const double last = std::floor(high / step + kTolerance);
      if (last - first + 1.0 > max_count) {
        continue;
      }
      std::vector<double> ticks;
      for (double i = first; i <= last; i += 1.0) {
        ticks.push_back(i * step);
      }
      return ticks;
    }
    power *= 10.0;
  }
}

std::vector<double> log_ticks(double low, double high, int base, int max_count) {
  const auto most = static_cast<size_t>(std::max(max_count, 1));
  const std::vector<double> powers = multiples_of_powers(low, high, base, {1});
  if (powers.size() >= kFewTicks || base == 2) {
    return powers.size() < 2 ? linear_ticks(low, high, max_count) : thinned(powers, base, most);
  }
  for (const std::vector<double>& multiples :
       {std::vector<double>{1, 2, 5}, std::vector<double>{1, 3}}) {
    const std::vector<double> ticks = multiples_of_powers(low, high, base, multiples);
    if (ticks.size() >= kFewTicks && ticks.size() <= most) {
      return ticks;
    }
  }
  return linear_ticks(low, high, max_count);
}

std::vector<std::string> tick_texts(const std::vector<double>& ticks) {
  double largest = 0.0;
  for (const double tick : ticks) {
    largest = std::max(largest, std::abs(tick));
  }
  // 1,500 reads better than 1.5k, but 9k goes with 10k.
  const double first_thousand = largest >= 1e4 * (1.0 - kTolerance) ? 1e3 : 1e4;
  std::vector<std::string> texts;
  for (const double tick : ticks) {
    texts.push_back(tick_text(tick, first_thousand));
  }
  return texts;
}

PlotAxis::PlotAxis(AxisScale scale, const std::vector<double>& values) : scale_(scale) {
  bool is_empty = true;
  for (const double value : values) {
    if (takes(value)) {
      low_ = is_empty ? warped(value) : std::min(low_, warped(value));
      high_ = is_empty ? warped(value) : std::max(high_, warped(value));
      is_empty = false;
    }
  }
  if (high_ - low_ <
      1e-12 * std::max(std::abs(high_), 1.0)) {  // a single value: leave room around it
    const bool is_linear = scale == AxisScale::kLinear;
    const double room = is_linear ? std::max(std::abs(high_) / 10.0, 0.5) : 1.0;
    low_ -= room;
    high_ += room;
    return;
  }
  const double margin = kMargin * (high_ - low_);
  low_ -= margin;
  high_ += margin;
}

double PlotAxis::warped(double value) const {
  switch (scale_) {
    case AxisScale::kLinear:
      return value;
    case AxisScale::kLog10:
      return std::log10(value);
    case AxisScale::kLog2:
      return std::log2(value);
  }
  return value;
}

bool PlotAxis::takes(double value) const {
  return std::isfinite(value) && (scale_ == AxisScale::kLinear || value > 0.0);
}

double PlotAxis::place(double value) const {
  return (warped(value) - low_) / (high_ - low_);
}

std::vector<double> PlotAxis::ticks(int max_count) const {
  switch (scale_) {
    case AxisScale::kLinear:
      return linear_ticks(low_, high_, max_count);
    case AxisScale::kLog10:
      return log_ticks(std::pow(10.0, low_), std::pow(10.0, high_), 10, max_count);
    case AxisScale::kLog2:
      return log_ticks(std::exp2(low_), std::exp2(high_), 2, max_count);
  }
  return {};
}

}  // namespace switchyard::figures
