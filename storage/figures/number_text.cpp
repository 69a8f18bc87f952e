#include "figures/number_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/core.h>

namespace switchyard::figures {
namespace {

constexpr int64_t kNanosecondsPerSecond = 1'000'000'000;

std::tm utc_parts(int64_t utc_ns) {
  return fmt::gmtime(static_cast<std::time_t>(utc_ns / kNanosecondsPerSecond));
}

/// The number of characters: bytes that do not continue a UTF-8 sequence.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

}  // namespace

std::string grouped(int64_t value) {
  std::string digits = fmt::to_string(value);
  const size_t first = value < 0 ? 1 : 0;
  for (size_t i = digits.size(); i > first + 3; i -= 3) {
    digits.insert(i - 3, ",");
  }
  return digits;
}

std::string compact(double value) {
  static constexpr std::array kSuffixes = {"", "k", "M", "G", "T", "P", "E"};
  size_t step = 0;
  while (std::abs(value) >= 999.5 && step + 1 < kSuffixes.size()) {
    value /= 1000.0;
    ++step;
  }
  const double size = std::abs(value);
  const bool is_whole = step == 0 && value == std::floor(value);
  const int digits = is_whole || size >= 99.95 ? 0 : (size < 9.995 ? 2 : 1);
  return fmt::format("{:.{}f}{}", value, digits, kSuffixes[step]);
}

std::string bytes_text(int64_t bytes) {
  static constexpr std::array kUnits = {" B", " KiB", " MiB", " GiB", " TiB", " PiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024.0 && unit + 1 < kUnits.size()) {
    value /= 1024.0;
    ++unit;
  }
  return fmt::format("{:.{}f}{}", value, unit == 0 ? 0 : 2, kUnits[unit]);
}

std::string duration_text(double seconds) {
  if (!(seconds >= 0.0) || seconds > 1e9) {
    return "-:--";
  }
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  return whole >= 3600 ? fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
                       : fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::string fixed(double value, int digits) {
  return fmt::format("{:.{}f}", value, digits);
}

std::string utc_text(int64_t utc_ns) {
  return fmt::format("{:%Y-%m-%d %H:%M:%SZ}", utc_parts(utc_ns));
}

std::string iso_time(int64_t utc_ns) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", utc_parts(utc_ns),
                     utc_ns % kNanosecondsPerSecond / 1'000'000);
}

std::string table_text(const std::vector<std::vector<std::string>>& rows,
                       const std::vector<size_t>& right) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(row[i]));
    }
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - width_of(row[i]), ' ');
      const bool is_right = std::find(right.begin(), right.end(), i) != right.end();
      line += fmt::format("{}{}{}", i > 0 ? "  " : "", is_right ? space : row[i],
                          is_right ? row[i] : space);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace switchyard::figures
