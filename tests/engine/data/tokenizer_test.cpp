#include "data/tokenizer.h"

#include <string>
#include <vector>

#include "data/detokenizer.h"
#include "tests/engine/data/text_fixture.h"

namespace switchyard::data {

namespace {

using Words = std::vector<std::string>;

Words words_of(std::string_view text) {
  return Tokenizer().words_of(text);
}

TEST(Tokenizer, PutsPunctuationApart) {
  EXPECT_EQ(words_of("Hello, world! (Yes?)"),
            (Words{"Hello", ",", "world", "!", "(", "Yes", "?", ")"}));
  EXPECT_EQ(words_of("say \"no\";"), (Words{"say", "\"", "no", "\"", ";"}));
  EXPECT_EQ(words_of("«Oui» – non¿"), (Words{"«", "Oui", "»", "–", "non", "¿"}));
}

TEST(Tokenizer, KeepsApostrophesInsideWordsAndCutsEnglishEndings) {
  EXPECT_EQ(words_of("don't o'clock"), (Words{"don't", "o'clock"}));
  EXPECT_EQ(words_of("dog's I'm we'll they've you're he'd"),
            (Words{"dog", "'s", "I", "'m", "we", "'ll", "they", "'ve", "you", "'re", "he", "'d"}));
  EXPECT_EQ(words_of("DOG'S"), (Words{"DOG", "'S"}));
  EXPECT_EQ(words_of("it’s l’été"), (Words{"it", "’s", "l’été"}));
  EXPECT_EQ(words_of("dogs' 'tis"), (Words{"dogs", "'", "'", "tis"}));
}

TEST(Tokenizer, KeepsHyphensInsideWordsOnly) {
  EXPECT_EQ(words_of("well-known a- -b self--love"),
            (Words{"well-known", "a", "-", "-", "b", "self", "--", "love"}));
}

TEST(Tokenizer, KeepsNumbersWhole) {
  EXPECT_EQ(words_of("1,234.5 at 10:30, 1902."),
            (Words{"1,234.5", "at", "10:30", ",", "1902", "."}));
  EXPECT_EQ(words_of("a.b 3.x"), (Words{"a", ".", "b", "3", ".", "x"}));
  EXPECT_EQ(words_of("$5 50%"), (Words{"$", "5", "50", "%"}));
}

TEST(Tokenizer, KeepsInitialsWhole) {
  EXPECT_EQ(words_of("U.S. e.g. (i.e.) Mr. A."),
            (Words{"U.S.", "e.g.", "(", "i.e.", ")", "Mr", ".", "A", "."}));
}

TEST(Tokenizer, TakesARunOfOneMarkAsOneWord) {
  EXPECT_EQ(words_of("well... -- ?!"), (Words{"well", "...", "--", "?", "!"}));
}

TEST(Tokenizer, KnowsTheBlanksOfUnicode) {
  EXPECT_EQ(words_of(" a\tb\u00a0c\u2003d\r\n"), (Words{"a", "b", "c", "d"}));
  EXPECT_EQ(words_of(" \t "), Words{});
}

TEST(Tokenizer, SplitsOnBlanksOnlyWhenAsked) {
  const Tokenizer blanks(TokenizerOptions{.kind = TokenizerKind::kBlanks});
  EXPECT_EQ(blanks.words_of("the <unk> 's end."), (Words{"the", "<unk>", "'s", "end."}));
  // U+FEFF inside a text is a character without width and no white space: WikiText-2 has it as a
  // token.
  EXPECT_EQ(blanks.words_of("one \xEF\xBB\xBF two"), (Words{"one", "\xEF\xBB\xBF", "two"}));
  EXPECT_EQ(Tokenizer().words_of("one \xEF\xBB\xBF two\xE2\x80\x8Bthree"),
            (Words{"one", "two", "three"}));
}

TEST(Tokenizer, LowersLatinGreekAndCyrillic) {
  const Tokenizer lower(TokenizerOptions{.lower_case = true});
  EXPECT_EQ(lower.words_of("ABC ÄÖÜ×ß Łódź ŽŸ ΑΩ ДЁ"),
            (Words{"abc", "äöü", "×", "ß", "łódź", "žÿ", "αω", "дё"}));
}

TEST(Tokenizer, RefusesTextThatIsNotUtf8) {
  EXPECT_DATA_ERROR((void)words_of("ab\xff"), core::ErrorCode::kInvalidArgument, "byte 2");
  for (const std::string_view bad :
       {"\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\x80", "\xe0\x80\x80",
        "\xf0\x80\x80\x80", "\xf4\x90\x80\x80"}) {
    EXPECT_THROW((void)words_of(bad), core::Error);
  }
  EXPECT_NO_THROW((void)words_of("\u20ac \U0001F600 long enough for the eight byte path \u20ac"));
}

TEST(Tokenizer, HasANameForEachKind) {
  EXPECT_EQ(tokenizer_kind_of("words"), TokenizerKind::kWords);
  EXPECT_EQ(tokenizer_kind_of("blanks"), TokenizerKind::kBlanks);
  EXPECT_DATA_ERROR((void)tokenizer_kind_of("bytes"), core::ErrorCode::kInvalidArgument,
                    "\"words\" or \"blanks\"");
}

TEST(Detokenizer, UndoesTheTokenizer) {
  for (const std::string text :
       {"Hello, world! (Yes?)", "He said \"no\" to the dog's owner; we'll see...",
        "U.S. at 10:30."}) {
    Detokenizer detokenizer(TokenizerKind::kWords);
    std::string joined;
    for (const std::string& word : words_of(text)) {
      joined += detokenizer.append(word);
    }
    EXPECT_EQ(joined, text);
  }
}

}  // namespace

}  // namespace switchyard::data
