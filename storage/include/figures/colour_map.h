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

/// The colour of a value in [0, 1], from dark blue through magenta and orange to pale yellow. The
/// perceived lightness rises evenly, so that equal steps look equal and a grey print stays legible.
/// Values outside are clamped; NaN is grey.
///
/// Source: Ottosson 2020, "A perceptual color space for image processing" (Oklab).
[[nodiscard]] Colour perceptual_colour(double value);

/// The Oklab lightness of a colour, from 0 (black) to 1 (white).
[[nodiscard]] double lightness(Colour colour);

/// The nearest colour of the terminal's 256-colour palette, in its 6x6x6 cube or its grey ramp.
[[nodiscard]] int palette_index(Colour colour);

}  // namespace switchyard::figures
