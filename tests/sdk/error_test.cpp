#include <cstring>

#include <gtest/gtest.h>

#include <switchyard/error.hpp>

namespace switchyard::test {
namespace {

TEST(SdkError, ReachesTheHostAsStatusAndText) {
  char text[64];
  sy_error error{sizeof(sy_error), sizeof(text), text};
  EXPECT_EQ(sy::guard(&error, [] { sy::fail(SY_E_NUMERIC, "expert ", 7, " is NaN"); }),
            SY_E_NUMERIC);
  EXPECT_STREQ(text, "expert 7 is NaN");
}

TEST(SdkError, TurnsOtherExceptionsIntoStatus) {
  char text[64];
  sy_error error{sizeof(sy_error), sizeof(text), text};
  EXPECT_EQ(sy::guard(&error, [] { throw std::bad_alloc(); }), SY_E_NOMEM);
  EXPECT_EQ(sy::guard(&error, [] { throw std::runtime_error("why"); }), SY_E_EXCEPTION);
  EXPECT_STREQ(text, "why");
  EXPECT_EQ(sy::guard(&error, [] { throw 3; }), SY_E_EXCEPTION);
}

TEST(SdkError, NeverWritesPastTheCallersBuffer) {
  char text[8];
  std::memset(text, '#', sizeof(text));
  sy_error error{sizeof(sy_error), 4, text};
  sy::write_message(&error, "much too long");
  EXPECT_STREQ(text, "muc");
  EXPECT_EQ(text[4], '#');
  sy::write_message(&error, "ab\u20ac");  // the sign takes three bytes
  EXPECT_STREQ(text, "ab");
  error.cap = 1;
  sy::write_message(&error, "x");
  EXPECT_STREQ(text, "");
  error.cap = 0;
  text[0] = '#';
  sy::write_message(&error, "x");
  EXPECT_EQ(text[0], '#');
  sy::write_message(nullptr, "x");
}

TEST(SdkError, CarriesTheHostsOwnStatus) {
  sy::HostError error;
  error.check(SY_OK);
  sy::write_message(error.get(), "the device is gone");
  try {
    error.check(SY_E_DEVICE);
    FAIL() << "a failure was taken for success";
  } catch (const sy::Error& e) {
    EXPECT_EQ(e.code(), SY_E_DEVICE);
    EXPECT_STREQ(e.what(), "the device is gone");
  }
}

}  // namespace
}  // namespace switchyard::test
