#include <cstdlib>
#include <string>
#include <sys/wait.h>

#include "data/dataset.h"
#include "tests/engine/data/text_fixture.h"

namespace switchyard::data {

namespace {

class Gcide : public TextTest {};

// 190,815 sentences. With 10,000 words about 9.5 % of the words cut at blanks and about 8 % of
// words and marks are unknown in held-out blocks.
TEST_F(Gcide, IsPreparedWithTheKnownShareOfUnknownWords) {
  const std::filesystem::path packed =
      std::filesystem::path(SWITCHYARD_SHARED_DATA) / "debian-extract/gcide.sentences.txt.xz";
  if (!std::filesystem::exists(packed)) {
    GTEST_SKIP() << packed << " is not there";
  }
  const std::string command =
      "xz -dc '" + packed.string() + "' > '" + path("gcide.txt").string() + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  PrepareOptions options;
  options.text = {path("gcide.txt")};
  options.vocab_size = 10000;
  options.output = path("gcide");

  (void)prepare(options);
  const Dataset data(options.output);
  data.verify();

  const SplitInfo& test = data.split("test").info();
  EXPECT_EQ(data.split("train").num_sentences() + data.split("valid").num_sentences() +
                test.num_sentences,
            190815);
  EXPECT_EQ(data.vocabulary().size(), 10000);
  EXPECT_GT(test.oov_rate(), 0.05);
  EXPECT_LT(test.oov_rate(), 0.12);
  EXPECT_GT(test.num_tokens, 150000);
}

}  // namespace

}  // namespace switchyard::data
