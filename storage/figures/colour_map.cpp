#include "figures/colour_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace switchyard::figures {
namespace {

constexpr double kFirstLightness = 0.16;
constexpr double kLastLightness = 0.97;
constexpr double kFirstHue = 270.0;  // degrees: blue, then the short way through red to yellow
constexpr double kHueRange = 195.0;
constexpr double kMaxChroma = 0.19;

struct LinearRgb {
  double red;
  double green;
  double blue;

  [[nodiscard]] bool is_displayable() const {
    return std::min({red, green, blue}) >= 0.0 && std::max({red, green, blue}) <= 1.0;
  }
};

LinearRgb from_oklab(double light, double a, double b) {
  const double l = std::pow(light + 0.3963377774 * a + 0.2158037573 * b, 3);
  const double m = std::pow(light - 0.1055613458 * a - 0.0638541728 * b, 3);
  const double s = std::pow(light - 0.0894841775 * a - 1.2914855480 * b, 3);
  return {4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
          -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
          -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s};
}

uint8_t encoded(double linear) {
  const double value = std::clamp(linear, 0.0, 1.0);
  const double srgb =
      value <= 0.0031308 ? 12.92 * value : 1.055 * std::pow(value, 1.0 / 2.4) - 0.055;
  return static_cast<uint8_t>(std::lround(255.0 * srgb));
}

double decoded(uint8_t byte) {
  const double value = byte / 255.0;
  return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
}

int nearest_level(uint8_t byte) {
  static constexpr std::array<int, 6> kLevels = {0, 95, 135, 175, 215, 255};
  int best = 0;
  for (int i = 1; i < 6; ++i) {
    const auto level = kLevels[static_cast<size_t>(i)];
    if (std::abs(level - byte) < std::abs(kLevels[static_cast<size_t>(best)] - byte)) {
      best = i;
    }
  }
  return best;
}

}  // namespace

Colour perceptual_colour(double value) {
  if (std::isnan(value)) {
    return {128, 128, 128};
  }
  const double t = std::clamp(value, 0.0, 1.0);
  const double light = kFirstLightness + (kLastLightness - kFirstLightness) * t;
  const double angle = (kFirstHue + kHueRange * t) * std::numbers::pi / 180.0;
  // A screen cannot show every chroma at every lightness: search for the largest that it can.
  double low = 0.0;
  double high = kMaxChroma;
  for (int i = 0; i < 20; ++i) {
    const double middle = 0.5 * (low + high);
    const bool fits =
        from_oklab(light, middle * std::cos(angle), middle * std::sin(angle)).is_displayable();
    (fits ? low : high) = middle;
  }
  const LinearRgb rgb = from_oklab(light, low * std::cos(angle), low * std::sin(angle));
  return {encoded(rgb.red), encoded(rgb.green), encoded(rgb.blue)};
}

double lightness(Colour colour) {
  const double r = decoded(colour.red);
  const double g = decoded(colour.green);
  const double b = decoded(colour.blue);
  const double l = std::cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const double m = std::cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const double s = std::cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s;
}

int palette_index(Colour colour) {
  const int spread = std::max({colour.red, colour.green, colour.blue}) -
                     std::min({colour.red, colour.green, colour.blue});
  if (spread < 8) {
    const int grey = (colour.red + colour.green + colour.blue) / 3;
    return 232 + std::clamp((grey - 3) / 10, 0, 23);
  }
  return 16 + 36 * nearest_level(colour.red) + 6 * nearest_level(colour.green) +
         nearest_level(colour.blue);
}

}  // namespace switchyard::figures
