#include "data/sentence_domains.h"

#include <algorithm>
#include <vector>

#include "tests/engine/data/text_fixture.h"

namespace switchyard::data {

namespace {

using core::ErrorCode;

std::vector<int32_t> numbers(const SentenceDomains& domains) {
  return {domains.of_sentences().begin(), domains.of_sentences().end()};
}

TEST(SentenceDomains, ReadsRangesCommentsAndRepeatedNames) {
  const SentenceDomains domains = SentenceDomains::parse(
      "# first\tcount\tname\n1\t2\tJane Austen\r\n\n4\t1\tswift\n6\t1\tJane Austen", "d.tsv", 6);
  EXPECT_EQ(domains.names(), (std::vector<std::string>{"Jane Austen", "swift"}));
  EXPECT_EQ(numbers(domains), (std::vector<int32_t>{0, 0, -1, 1, -1, 0}));
}

TEST(SentenceDomains, NamesTheLineThatIsWrong) {
  const auto parse = [](std::string_view text) { (void)SentenceDomains::parse(text, "d.tsv", 6); };
  EXPECT_DATA_ERROR(parse("1\t2\ta\n3\tb\n"), ErrorCode::kInvalidArgument,
                    "d.tsv:2: a line must be FIRST TAB SENTENCES TAB NAME, got '3\tb'");
  EXPECT_DATA_ERROR(parse("1\t2\t\n"), ErrorCode::kInvalidArgument, "d.tsv:1: a line must be");
  EXPECT_DATA_ERROR(parse("0\t2\ta\n"), ErrorCode::kInvalidArgument, "whole numbers from 1 on");
  EXPECT_DATA_ERROR(parse("1\t2x\ta\n"), ErrorCode::kInvalidArgument, "whole numbers from 1 on");
  EXPECT_DATA_ERROR(parse("1\t-2\ta\n"), ErrorCode::kInvalidArgument, "whole numbers from 1 on");
  EXPECT_DATA_ERROR(parse("6\t2\ta\n"), ErrorCode::kInvalidArgument,
                    "d.tsv:1: the range must end within the split's 6 sentences, got 2 sentences "
                    "from 6 on");
  EXPECT_DATA_ERROR(parse("1\t9223372036854775807\ta\n"), ErrorCode::kInvalidArgument,
                    "must end within");
  EXPECT_DATA_ERROR(parse("1\t3\ta\n# b\n3\t1\tb\n"), ErrorCode::kInvalidArgument,
                    "d.tsv:3: sentence 3 is in a range of an earlier line");
  EXPECT_DATA_ERROR(parse("1\t2\t\xff\n"), ErrorCode::kInvalidArgument, "must be UTF-8");
  EXPECT_DATA_ERROR(parse("# nothing\n"), ErrorCode::kInvalidArgument, "at least one range");
}

TEST_F(TextTest, DomainFilesAreReadFromTheDisk) {
  EXPECT_EQ(SentenceDomains::read(write("d.tsv", "2\t1\tb\n"), 2).names().at(0), "b");
  EXPECT_DATA_ERROR((void)SentenceDomains::read(path("none.tsv"), 2), ErrorCode::kNotFound,
                    "none.tsv");
}

TEST(SentenceDomains, ShufflingKeepsHowManyThereAreAndWhatHasNone) {
  const SentenceDomains domains =
      SentenceDomains::parse("1\t40\ta\n51\t30\tb\n81\t20\tc\n", "d.tsv", 100);
  const std::vector<int32_t> before = numbers(domains);
  const std::vector<int32_t> dealt = domains.shuffled(90, 7);
  EXPECT_NE(dealt, before);
  EXPECT_EQ(dealt, domains.shuffled(90, 7));
  EXPECT_NE(dealt, domains.shuffled(90, 8));
  for (const int32_t domain : {0, 1, 2}) {
    EXPECT_EQ(std::count(dealt.begin(), dealt.end(), domain),
              std::count(before.begin(), before.end(), domain));
  }
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(dealt[i] == SentenceDomains::kNone, before[i] == SentenceDomains::kNone) << i;
  }
  // Beyond the first 90 nothing moves.
  EXPECT_TRUE(std::equal(dealt.begin() + 90, dealt.end(), before.begin() + 90));
}

}  // namespace

}  // namespace switchyard::data
