#pragma once

#include <string>
#include <vector>

namespace switchyard::figures {

/// How an axis maps values to places.
enum class AxisScale { kLinear, kLog10, kLog2 };

/// Round numbers (1, 2, 2.5 or 5 times a power of ten) in [low, high], at most `max_count`.
[[nodiscard]] std::vector<double> linear_ticks(double low, double high, int max_count);
/// Ticks of a logarithmic axis in [low, high], 0 < low < high: powers of `base` (2 or 10). With
/// more than `max_count` powers, every n-th; with fewer than three, also multiples between them;
/// where that is not enough, linear_ticks().
[[nodiscard]] std::vector<double> log_ticks(double low, double high, int base, int max_count);

/// Short labels for the ticks of an axis: "0.25", "60", "1,500", "1.5M", "4B". Thousands become
/// "9k" on an axis that reaches 10,000.
[[nodiscard]] std::vector<std::string> tick_texts(const std::vector<double>& ticks);

/// An axis that spans its values and a margin of a few percent. Values that are not finite, or not
/// positive on a logarithmic scale, are ignored; without values the axis starts at 0 (or 1).
class PlotAxis {
 public:
  PlotAxis(AxisScale scale, const std::vector<double>& values);

  /// True if the value can be shown.
  [[nodiscard]] bool takes(double value) const;
  /// The place of a value: 0 at the low end, 1 at the high end.
  [[nodiscard]] double place(double value) const;
  [[nodiscard]] std::vector<double> ticks(int max_count) const;

 private:
  [[nodiscard]] double warped(double value) const;

  AxisScale scale_;
  double low_ = 0.0;  // warped
  double high_ = 1.0;
};

}  // namespace switchyard::figures
