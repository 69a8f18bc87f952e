#include "data/vocabulary.h"

#include "tests/engine/data/text_fixture.h"

namespace switchyard::data {

namespace {

using core::ErrorCode;

TEST(Vocabulary, FindsWordsAndIds) {
  const Vocabulary vocabulary({{"</s>", 2}, {"<unk>", 1}, {"the", 7}, {"cat", 3}});

  EXPECT_EQ(vocabulary.size(), 4);
  EXPECT_EQ(vocabulary.id_of("cat"), 3);
  EXPECT_EQ(vocabulary.word(2), "the");
  EXPECT_EQ(vocabulary.count(2), 7);
  EXPECT_EQ(vocabulary.id_of("dog"), Vocabulary::kUnknown);
}

TEST(Vocabulary, TakesSpecialTokensInATextAsUnknownWords) {
  const Vocabulary vocabulary({{"</s>", 2}, {"<unk>", 1}, {"the", 7}});
  EXPECT_EQ(vocabulary.id_of("</s>"), Vocabulary::kUnknown);
  EXPECT_EQ(vocabulary.id_of("<unk>"), Vocabulary::kUnknown);
}

TEST(Vocabulary, ReadsWhatItWrote) {
  const std::string text = "</s>\t2\n<unk>\t0\nthe\t7\n";
  EXPECT_EQ(Vocabulary::parse(text, "v").to_text(), text);
}

TEST(Vocabulary, SaysWhichLineIsDamaged) {
  EXPECT_DATA_ERROR((void)Vocabulary::parse("</s>\t2\n<unk>\t0\nthe\n", "v.txt"),
                    ErrorCode::kDamaged, "v.txt:3");
  EXPECT_DATA_ERROR((void)Vocabulary::parse("</s>\t2\n<unk>\tx\n", "v.txt"), ErrorCode::kDamaged,
                    "v.txt:2");
  EXPECT_DATA_ERROR((void)Vocabulary::parse("</s>\t2\n<unk>\t3", "v.txt"), ErrorCode::kDamaged,
                    "v.txt:2");
  EXPECT_DATA_ERROR((void)Vocabulary::parse("the\t2\n<unk>\t3\n", "v.txt"), ErrorCode::kDamaged,
                    "</s>");
  EXPECT_DATA_ERROR((void)Vocabulary::parse("</s>\t2\n<unk>\t3\na\t1\na\t1\n", "v.txt"),
                    ErrorCode::kDamaged, "twice");
}

TEST(Vocabulary, RefusesAnIdOutside) {
  const Vocabulary vocabulary({{"</s>", 2}, {"<unk>", 1}});
  EXPECT_DATA_ERROR((void)vocabulary.word(2), ErrorCode::kInvalidArgument, "[0, 2), got 2");
  EXPECT_DATA_ERROR((void)vocabulary.word(-1), ErrorCode::kInvalidArgument, "got -1");
}

}  // namespace

}  // namespace switchyard::data
