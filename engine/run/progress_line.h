#pragma once

#include <cstdint>
#include <string>

namespace switchyard::run {

/// The contents of a progress line. Negative values mean "not known yet".
struct ProgressState {
  int64_t step = 0;
  int64_t total_steps = 0;
  double loss = -1.0;  // nats per word
  double words_per_second = -1.0;
  double seconds_left = -1.0;
  double max_over_mean_load = -1.0;
  double checkpoint_age_s = -1.0;
};

/// A line of at most `width` columns with a bar. Where it does not fit, the bar shrinks first, then
/// fields are left out from the right.
[[nodiscard]] std::string progress_bar_line(const ProgressState& state, int width,
                                            bool has_unicode);

/// The same state as a plain line for a log file.
[[nodiscard]] std::string progress_plain_line(const ProgressState& state);

}  // namespace switchyard::run
