#include "plugin_host/border.h"

#include <array>
#include <stdexcept>

#include <gtest/gtest.h>

namespace switchyard::plugin_host {
namespace {

// What a caller with room for `cap` bytes reads.
std::string cut(std::string_view text, uint32_t cap) {
  std::array<char, 32> buffer;
  buffer.fill('#');
  sy_error error = {.struct_size = sizeof(sy_error), .cap = cap, .text = buffer.data()};
  write_error(&error, text);
  return buffer.data();
}

TEST(Border, CutsBetweenCharacters) {
  EXPECT_EQ(cut("Größe", 32), "Größe");
  EXPECT_EQ(cut("Größe", 4), "Gr");  // ö is two bytes and one would fit
  EXPECT_EQ(cut("Größe", 5), "Grö");
  EXPECT_EQ(cut("€", 3), "");
  EXPECT_EQ(cut("abc", 1), "");
  write_error(nullptr, "nobody reads this");
}

TEST(Border, TurnsExceptionsIntoStatusAndText) {
  const auto outcome = [](const auto& body) {
    std::array<char, 64> buffer{};
    sy_error error = {.struct_size = sizeof(sy_error), .cap = 64, .text = buffer.data()};
    const sy_status status = guard(&error, body);
    return std::pair<sy_status, std::string>(status, buffer.data());
  };
  using Outcome = std::pair<sy_status, std::string>;
  EXPECT_EQ(outcome([] {}), Outcome(SY_OK, ""));
  EXPECT_EQ(outcome([] { core::fail(core::ErrorCode::kNotFound, "no {}", 7); }),
            Outcome(SY_E_NOTFOUND, "no 7"));
  EXPECT_EQ(outcome([] { throw std::bad_alloc(); }), Outcome(SY_E_NOMEM, "out of memory"));
  EXPECT_EQ(outcome([] { throw std::runtime_error("odd"); }), Outcome(SY_E_EXCEPTION, "odd"));
  EXPECT_EQ(outcome([] { throw 3; }), Outcome(SY_E_EXCEPTION, "an exception of unknown type"));
}

}  // namespace
}  // namespace switchyard::plugin_host
