#include "run/progress_line.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <figures/number_text.h>
#include <string_view>
#include <vector>

#include <fmt/core.h>

namespace switchyard::run {
namespace {

constexpr int kMinBar = 8;
constexpr int kMaxBar = 30;

double done_share(const ProgressState& state) {
  if (state.total_steps <= 0) {
    return 0.0;
  }
  const double share = static_cast<double>(state.step) / static_cast<double>(state.total_steps);
  return std::clamp(share, 0.0, 1.0);
}

std::string ascii_bar(double share, int width) {
  const auto filled = static_cast<int>(share * width);
  std::string bar = "[";
  for (int i = 0; i < width; ++i) {
    bar += i < filled ? '=' : (i == filled ? '>' : ' ');
  }
  return bar + "]";
}

std::string unicode_bar(double share, int width) {
  constexpr std::array<std::string_view, 8> kEighths = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto eighths = static_cast<int>(share * width * 8);
  std::string bar = "▕";
  for (int i = 0; i < width; ++i) {
    const int part = std::clamp(eighths - i * 8, 0, 8);
    bar += part == 8 ? std::string_view("█") : kEighths[static_cast<size_t>(part)];
  }
  return bar + "▏";
}

/// The step count, then the known fields, most important first.
std::vector<std::string> fields(const ProgressState& state) {
  std::vector<std::string> texts = {
      fmt::format("{}/{}", figures::grouped(state.step), figures::grouped(state.total_steps))};
  if (!(state.loss < 0.0)) {  // a NaN loss is worth seeing
    texts.push_back(fmt::format("loss {:.3f}", state.loss));
  }
  if (state.words_per_second >= 0.0) {
    texts.push_back(fmt::format("{} words/s", figures::compact(state.words_per_second)));
  }
  if (state.seconds_left >= 0.0) {
    texts.push_back(fmt::format("eta {}", figures::duration_text(state.seconds_left)));
  }
  if (state.max_over_mean_load >= 0.0) {
    texts.push_back(fmt::format("max/mean load {:.2f}", state.max_over_mean_load));
  }
  if (state.checkpoint_age_s >= 0.0) {
    texts.push_back(fmt::format("saved {} ago", figures::duration_text(state.checkpoint_age_s)));
  }
  return texts;
}

}  // namespace

std::string progress_bar_line(const ProgressState& state, int width, bool has_unicode) {
  std::string text;
  for (const std::string& field : fields(state)) {
    const int needed = static_cast<int>(text.size() + field.size()) + 2;
    if (needed >= width) {  // keep the last column free: some terminals wrap when it is written
      break;
    }
    text += (text.empty() ? "" : "  ") + field;
  }
  const int room = width - static_cast<int>(text.size()) - 4;
  if (room < kMinBar) {
    return text;
  }
  const int bar = std::min(room, kMaxBar);
  const double share = done_share(state);
  return fmt::format("{} {}", has_unicode ? unicode_bar(share, bar) : ascii_bar(share, bar), text);
}

std::string progress_plain_line(const ProgressState& state) {
  std::string text;
  for (const std::string& field : fields(state)) {
    text += (text.empty() ? "step " : "  ") + field;
  }
  return text;
}

}  // namespace switchyard::run
