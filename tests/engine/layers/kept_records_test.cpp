#include "layers/kept_records.h"

#include <array>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/error_matcher.h"

namespace switchyard::layers {
namespace {

struct Text {
  std::string text;
};

TEST(KeptRecords, GivesTheLastRecordFirst) {
  KeptRecords records;
  records.push(Text{"first"});
  records.push(7);
  records.push(Text{"last"});
  EXPECT_EQ(records.size(), 3U);
  EXPECT_EQ(records.pop<Text>().text, "last");
  EXPECT_EQ(records.pop<int>(), 7);
  EXPECT_EQ(records.pop<Text>().text, "first");
  EXPECT_TRUE(records.empty());
}

TEST(KeptRecords, RefusesARecordOfAnotherType) {
  KeptRecords records;
  EXPECT_ERROR((void)records.pop<int>(), core::ErrorCode::kInvalidArgument,
               "backward() without its forward()");
  records.push(Text{"kept"});
  EXPECT_ERROR((void)records.pop<int>(), core::ErrorCode::kInternal, "another forward()");
  EXPECT_EQ(records.pop<Text>().text, "kept");
}

TEST(KeptRecords, DestroysWhatIsDropped) {
  const auto owner = std::make_shared<int>(1);
  KeptRecords records;
  for (int i = 0; i < 5; ++i) {
    records.push(owner);
  }
  records.truncate(3);
  EXPECT_EQ(owner.use_count(), 4);
  KeptRecords moved = std::move(records);
  EXPECT_EQ(moved.size(), 3U);
  moved = KeptRecords();
  EXPECT_EQ(owner.use_count(), 1);
}

// Records as large as a block and larger, and many of them.
TEST(KeptRecords, HoldsRecordsOfAnySize) {
  using Large = std::array<int64_t, 20000>;
  KeptRecords records;
  for (int64_t round = 0; round < 2; ++round) {
    for (int64_t i = 0; i < 1000; ++i) {
      records.push(i);
      if (i % 100 == 0) {
        auto large = std::make_unique<Large>();
        large->fill(i);
        records.push(*large);
      }
    }
    for (int64_t i = 1000; i-- > 0;) {
      if (i % 100 == 0) {
        ASSERT_EQ(records.pop<Large>().back(), i);
      }
      ASSERT_EQ(records.pop<int64_t>(), i);
    }
    EXPECT_TRUE(records.empty());
  }
}

}  // namespace
}  // namespace switchyard::layers
