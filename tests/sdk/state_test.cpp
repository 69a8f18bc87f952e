#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include <switchyard/state.hpp>

namespace switchyard::test {
namespace {

// A host's stream over a text that gives at most three bytes at a time.
struct SlowStream : sy_stream {
  SlowStream() : sy_stream{} {
    struct_size = sizeof(sy_stream);
    write = [](const sy_stream* stream, const void* data, uint64_t n, sy_error* error) {
      std::string& held = static_cast<const SlowStream*>(stream)->text;
      if (held.size() + n > 16) {
        sy::write_message(error, "full");
        return sy_status{SY_E_INVALID};
      }
      held.append(static_cast<const char*>(data), n);
      return sy_status{SY_OK};
    };
    read = [](const sy_stream* stream, void* data, uint64_t n, uint64_t* got, sy_error*) {
      std::string& held = static_cast<const SlowStream*>(stream)->text;
      *got = std::min<uint64_t>({n, 3, held.size()});
      std::copy_n(held.begin(), *got, static_cast<char*>(data));
      held.erase(0, *got);
      return sy_status{SY_OK};
    };
  }
  mutable std::string text;
};

TEST(SdkState, ReadsWhatWasWrittenHoweverLittleComesAtATime) {
  const SlowStream stream;
  const sy::StateWriter out(stream);
  out.write(int64_t{-5});
  out.write("abcd", 4);
  const sy::StateReader in(stream);
  EXPECT_EQ(in.read<int64_t>(), -5);
  char letters[4];
  in.read(letters, sizeof letters);
  EXPECT_EQ(std::string(letters, 4), "abcd");
}

TEST(SdkState, FailsWithTheHostsStatusAndWhereThereIsLessThanAskedFor) {
  const SlowStream stream;
  const sy::StateWriter out(stream);
  out.write("0123456789abcdef", 16);
  try {
    out.write('x');
    FAIL() << "a full stream was taken for success";
  } catch (const sy::Error& e) {
    EXPECT_EQ(e.code(), SY_E_INVALID);
    EXPECT_STREQ(e.what(), "full");
  }
  char letters[20];
  try {
    sy::StateReader(stream).read(letters, sizeof letters);
    FAIL() << "a short stream was taken for success";
  } catch (const sy::Error& e) {
    EXPECT_EQ(e.code(), SY_E_DAMAGED);
    EXPECT_STREQ(e.what(), "the saved state ends 4 bytes too early");
  }
}

}  // namespace
}  // namespace switchyard::test
