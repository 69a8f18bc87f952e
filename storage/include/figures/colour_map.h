#pragma once

#include <cstdint>

namespace switchyard::figures {

/// An sRGB colour.
struct Colour {
  uint8_t red = 0;
  uint8_t green = 0;
  uint8_t blue = 0;

  friend bool operator==(const Colour&, const Colour&) = default;
};

/// A colour for a value in [0, 1]: dark blue over magenta and orange to pale yellow, with a
/// lightness that rises evenly as the eye sees it, so that equal steps look equal and a grey print
/// still reads. Values outside are clamped; NaN gives grey.
///
/// Source: Ottosson 2020, "A perceptual color space for image processing" (Oklab).
[[nodiscard]] Colour perceptual_colour(double value);

/// Oklab lightness of a colour, 0 black to 1 white.
[[nodiscard]] double lightness(Colour colour);

/// The nearest colour of the 256-colour palette: 6x6x6 cube or grey ramp.
[[nodiscard]] int palette_index(Colour colour);

}  // namespace switchyard::figures
