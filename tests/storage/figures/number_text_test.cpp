#include <figures/number_text.h>

#include <gtest/gtest.h>

namespace switchyard::figures {
namespace {

TEST(NumberText, GroupsDigits) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(-1234567), "-1,234,567");
}

TEST(NumberText, ShortensToThreeDigits) {
  EXPECT_EQ(compact(0), "0");
  EXPECT_EQ(compact(512), "512");
  EXPECT_EQ(compact(12345), "12.3k");
  EXPECT_EQ(compact(999.7), "1.00k");
  EXPECT_EQ(compact(4.2e6), "4.20M");
}

TEST(NumberText, WritesBytesDurationsAndTimes) {
  EXPECT_EQ(bytes_text(100), "100 B");
  EXPECT_EQ(bytes_text(1536), "1.50 KiB");
  EXPECT_EQ(duration_text(65), "1:05");
  EXPECT_EQ(duration_text(3725), "1:02:05");
  EXPECT_EQ(duration_text(-1), "-:--");
  EXPECT_EQ(iso_time(1'000'000'000'123'000'000), "2001-09-09T01:46:40.123Z");
  EXPECT_EQ(utc_text(1'000'000'000'000'000'000), "2001-09-09 01:46:40Z");
}

TEST(NumberText, AlignsTables) {
  EXPECT_EQ(table_text({{"NAME", "STEP"}, {"é", "5"}, {"longer", "1000"}}, {1}),
            "NAME    STEP\n"
            "é          5\n"
            "longer  1000\n");
}

}  // namespace
}  // namespace switchyard::figures
