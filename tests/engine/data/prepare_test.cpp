#include "data/prepare.h"

#include <algorithm>
#include <csignal>
#include <map>
#include <string>
#include <sys/resource.h>
#include <vector>

#include "data/dataset.h"
#include "tests/engine/data/text_fixture.h"

namespace switchyard::data {

namespace {

namespace fs = std::filesystem;
using core::ErrorCode;

class Prepare : public TextTest {
 protected:
  [[nodiscard]] PrepareOptions options_for(std::string_view text) const {
    PrepareOptions options;
    options.train = {write("train.txt", text)};
    options.output = path("out");
    return options;
  }
  /// Options with blocks of one line, every fourth valid and test.
  [[nodiscard]] PrepareOptions small_blocks(std::string_view text) const {
    PrepareOptions options;
    options.text = {write("all.txt", text)};
    options.blocks = {.lines = 1, .period = 4, .valid_block = 1, .test_block = 3};
    options.output = path("out");
    return options;
  }
  [[nodiscard]] std::vector<int32_t> tokens_of(const Dataset& data, std::string_view split) const {
    const auto tokens = data.split(split).tokens();
    return {tokens.begin(), tokens.end()};
  }
  /// Names in the test's directory, hidden ones too.
  [[nodiscard]] std::vector<std::string> listing() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path(""))) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
};

// b three times, a and c twice (a first), d once.
TEST_F(Prepare, CountsAndEncodesASmallText) {
  PrepareOptions options = options_for("a b b\nc a\n\nc b d\n");
  options.vocab_size = 5;

  const Manifest manifest = prepare(options);
  const Dataset data(options.output);

  EXPECT_EQ(read(path("out/vocab.txt")), "</s>\t3\n<unk>\t1\nb\t3\na\t2\nc\t2\n");
  EXPECT_EQ(tokens_of(data, "train"), (std::vector<int32_t>{3, 2, 2, 0, 4, 3, 0, 4, 2, 1, 0}));
  const auto starts = data.split("train").sentence_starts();
  EXPECT_EQ((std::vector<uint64_t>{starts.begin(), starts.end()}),
            (std::vector<uint64_t>{0, 4, 7, 11}));
  ASSERT_EQ(manifest.splits.size(), 1U);
  EXPECT_EQ(manifest.splits[0].num_sentences, 3);
  EXPECT_EQ(manifest.splits[0].num_tokens, 11);
  EXPECT_EQ(manifest.splits[0].num_unknown, 1);
  EXPECT_DOUBLE_EQ(manifest.splits[0].oov_rate(), 1.0 / 8.0);
  EXPECT_EQ(data.data_hash(), manifest.data_hash);
  data.verify();
}

TEST_F(Prepare, TakesAllWordsUnlessToldOtherwise) {
  PrepareOptions options = options_for("a b b\nc a\n");
  EXPECT_EQ(prepare(options).vocab_size, 5);
}

TEST_F(Prepare, CountsWordsOfTheTrainSplitOnly) {
  const PrepareOptions options = small_blocks("a b\nb b z\na\nz z\n");

  (void)prepare(options);
  const Dataset data(options.output);

  EXPECT_EQ(read(path("out/vocab.txt")), "</s>\t2\n<unk>\t0\na\t2\nb\t1\n");
  EXPECT_EQ(tokens_of(data, "train"), (std::vector<int32_t>{2, 3, 0, 2, 0}));
  EXPECT_EQ(tokens_of(data, "valid"), (std::vector<int32_t>{3, 3, 1, 0}));
  EXPECT_EQ(tokens_of(data, "test"), (std::vector<int32_t>{1, 1, 0}));
}

TEST_F(Prepare, HoldsOutEveryTwentiethBlockOfTwoHundredLines) {
  std::string text;
  for (int line = 0; line < 8000; ++line) {
    text += fmt::format("line{}\n", line / 200);
  }
  PrepareOptions options;
  options.text = {write("all.txt", text)};
  options.output = path("out");

  (void)prepare(options);
  const Dataset data(options.output);

  EXPECT_EQ(data.split("train").num_sentences(), 36 * 200);
  EXPECT_EQ(data.split("valid").num_sentences(), 2 * 200);
  EXPECT_EQ(data.split("test").num_sentences(), 2 * 200);
  EXPECT_EQ(data.vocabulary().size(), 36 + 2);
  EXPECT_EQ(data.vocabulary().id_of("line9"), Vocabulary::kUnknown);
  EXPECT_EQ(data.vocabulary().id_of("line39"), Vocabulary::kUnknown);
  EXPECT_NE(data.vocabulary().id_of("line10"), Vocabulary::kUnknown);
}

TEST_F(Prepare, ReadsSeveralFilesAsOneText) {
  PrepareOptions options = small_blocks("a\nb\n");
  options.text.push_back(write("more.txt", "c\nd\n"));
  (void)prepare(options);
  const Dataset data(options.output);
  EXPECT_EQ(data.decode(data.split("train").tokens()), "a\nc\n");
  EXPECT_EQ(data.split("test").num_sentences(), 1);
}

TEST_F(Prepare, EndsSentencesOfRunningTextAtEmptyLinesOnly) {
  PrepareOptions options = options_for("one two\nthree\n  \n\nfour\nfive");
  options.layout = TextLayout::kRunning;
  (void)prepare(options);
  const Dataset data(options.output);
  EXPECT_EQ(data.decode(data.split("train").tokens()), "one two three\nfour five\n");
}

TEST_F(Prepare, KeepsEmptyLinesAsSentencesWithoutWordsWhereEveryLineCounts) {
  PrepareOptions options = options_for(" \none two\n\n\nthree");
  options.layout = TextLayout::kEveryLine;
  (void)prepare(options);
  const Dataset data(options.output);
  EXPECT_EQ(data.decode(data.split("train").tokens()), "\none two\n\n\nthree\n");
  EXPECT_EQ(data.split("train").num_sentences(), 5);
  EXPECT_EQ(data.manifest().layout, TextLayout::kEveryLine);
}

TEST_F(Prepare, PutsAParagraphIntoTheBlockOfItsFirstLine) {
  PrepareOptions options = small_blocks("one\ntwo\nthree\n\nfour\n\nv\n\nt\n\n");
  options.blocks = {.lines = 2, .period = 5, .valid_block = 3, .test_block = 4};
  options.layout = TextLayout::kRunning;
  (void)prepare(options);
  const Dataset data(options.output);
  EXPECT_EQ(data.decode(data.split("train").tokens()), "one two three\nfour\n");
  EXPECT_EQ(data.split("valid").num_sentences(), 1);
  EXPECT_EQ(data.split("test").num_sentences(), 1);
}

TEST_F(Prepare, SkipsByteOrderMarkAndCarriageReturns) {
  (void)prepare(options_for("\xEF\xBB\xBFone two\r\nthree\r\n"));
  const Dataset data(path("out"));
  EXPECT_EQ(data.decode(data.split("train").tokens()), "one two\nthree\n");
}

TEST_F(Prepare, GivesEqualFilesForEqualText) {
  PrepareOptions options = small_blocks(numbered_text(40));
  (void)prepare(options);
  options.output = path("again");
  (void)prepare(options);
  for (const auto& entry : fs::directory_iterator(path("out"))) {
    EXPECT_EQ(read(entry.path()), read(path("again") / entry.path().filename())) << entry.path();
  }
  options.output = path("lower");
  options.tokenizer = TokenizerOptions{.lower_case = true};
  EXPECT_NE(prepare(options).data_hash, Dataset(path("out")).data_hash());
}

TEST_F(Prepare, TakesTheVocabularyOfAnotherDataSet) {
  PrepareOptions options = options_for("a b b c");
  (void)prepare(options);
  PrepareOptions other = options;
  other.train = {write("other.txt", "c x b")};
  other.output = path("other");
  other.vocabulary_from = path("out");

  const Manifest manifest = prepare(other);

  EXPECT_EQ(read(path("other/vocab.txt")), read(path("out/vocab.txt")));
  EXPECT_EQ(manifest.vocabulary_sha256, Dataset(path("out")).manifest().vocabulary_sha256);
  EXPECT_EQ(tokens_of(Dataset(path("other")), "train"), (std::vector<int32_t>{4, 1, 2, 0}));
  other.output = path("third");
  other.tokenizer = TokenizerOptions{.kind = TokenizerKind::kBlanks};
  EXPECT_DATA_ERROR((void)prepare(other), ErrorCode::kInvalidArgument, "tokenizer \"words\"");
  other.vocab_size = 10;
  EXPECT_DATA_ERROR((void)prepare(other), ErrorCode::kInvalidArgument, "not both");
}

TEST_F(Prepare, ReportsProgressUpToTheEnd) {
  std::map<std::string, PrepareProgress, std::less<>> last;
  (void)prepare(options_for("a b c\n"), [&](const PrepareProgress& progress) {
    last[std::string(progress.phase)] = progress;
  });
  EXPECT_EQ(last["read"].done, 6);
  EXPECT_EQ(last["read"].total, 6);
  EXPECT_EQ(last["write"].done, 4);
}

TEST_F(Prepare, LeavesNothingBehindWhenCancelled) {
  core::CancelToken cancel;
  cancel.request();
  const PrepareOptions options = options_for("a b c\n");
  EXPECT_DATA_ERROR((void)prepare(options, {}, &cancel), ErrorCode::kCancelled, "cancelled");
  EXPECT_EQ(listing(), (std::vector<std::string>{"train.txt"}));
}

TEST_F(Prepare, ReplacesADataSetOnlyWhenTold) {
  PrepareOptions options = options_for("a b c\n");
  (void)prepare(options);
  options.train = {write("new.txt", "d\n")};
  EXPECT_DATA_ERROR((void)prepare(options), ErrorCode::kState, "data set already");
  options.overwrite = true;
  (void)prepare(options);
  EXPECT_EQ(Dataset(path("out")).vocabulary().size(), 3);
  EXPECT_EQ(listing(), (std::vector<std::string>{"new.txt", "out", "train.txt"}));
}

TEST_F(Prepare, NeverReplacesAnythingElse) {
  PrepareOptions options = options_for("a b c\n");
  options.overwrite = true;
  fs::create_directory(path("out"));
  write("out/precious.txt", "x");
  EXPECT_DATA_ERROR((void)prepare(options), ErrorCode::kState, "not a data set");
  options.output = path("train.txt");
  EXPECT_DATA_ERROR((void)prepare(options), ErrorCode::kState, "not a directory");
  EXPECT_EQ(read(path("out/precious.txt")), "x");
}

TEST_F(Prepare, TakesAnEmptyDirectoryAndMakesParents) {
  PrepareOptions options = options_for("a b c\n");
  fs::create_directory(path("out"));
  const Manifest first = prepare(options);
  EXPECT_EQ(Dataset(path("out")).data_hash(), first.data_hash);
  options.output = path("deep/er/out/");
  (void)prepare(options);
  const Dataset second(path("deep/er/out"));
  EXPECT_EQ(second.data_hash(), first.data_hash);
  EXPECT_NO_THROW(second.verify());
}

TEST_F(Prepare, SaysWhatIsWrongWithAFile) {
  PrepareOptions options = options_for("");
  EXPECT_DATA_ERROR((void)prepare(options), ErrorCode::kInvalidArgument, "train.txt: is empty");
  options.train = {write("bad.txt", "fine\nalso \xff\n")};
  EXPECT_DATA_ERROR((void)prepare(options), ErrorCode::kInvalidArgument,
                    "bad.txt:2: is not UTF-8: the byte at offset 10");
  options.train = {path("missing.txt")};
  EXPECT_DATA_ERROR((void)prepare(options), ErrorCode::kNotFound, "missing.txt: cannot be read");
  options.train = {path("")};
  EXPECT_DATA_ERROR((void)prepare(options), ErrorCode::kIo, "a directory");
  options.train = {write("white.txt", " \n\n")};
  EXPECT_DATA_ERROR((void)prepare(options), ErrorCode::kInvalidArgument, "only white space");
  options.train = {write("special.txt", "</s>\n")};
  options.tokenizer = TokenizerOptions{.kind = TokenizerKind::kBlanks};
  EXPECT_DATA_ERROR((void)prepare(options), ErrorCode::kInvalidArgument,
                    "other than the special tokens");
  EXPECT_FALSE(fs::exists(path("out")));
}

TEST_F(Prepare, SaysThatASplitWouldBeEmpty) {
  PrepareOptions options = small_blocks("a\nb\nc\n");
  EXPECT_DATA_ERROR((void)prepare(options), ErrorCode::kInvalidArgument,
                    "\"test\" would have no sentence: the text has 3 lines");
  options.blocks.test_block = -1;
  (void)prepare(options);
  EXPECT_FALSE(Dataset(path("out")).has_split("test"));
}

// Checkpoints name their data by this hash: it must never change for the same text.
TEST_F(Prepare, GivesTheSameTextTheSameHashForEver) {
  PrepareOptions options = options_for("a b c\nd e f\n");
  EXPECT_EQ(prepare(options).data_hash,
            "b770e4f062ec844cce71ecc4cbeb70981934dda9fc5dd9267f212674fa34d8e9");
  options.tokenizer = TokenizerOptions{.kind = TokenizerKind::kWords, .lower_case = true};
  options.overwrite = true;
  EXPECT_EQ(prepare(options).data_hash,
            "d9c4613e5e71a71a1f96c777dbb5f15c494dea2a0cc499505e59cf082088484f");
}

TEST_F(Prepare, RefusesAVocabularyLargerThanTheWords) {
  PrepareOptions options = options_for("a b c\n");
  options.vocab_size = 6;
  EXPECT_DATA_ERROR((void)prepare(options), ErrorCode::kInvalidArgument,
                    "only 3 different words; give at most 5");
  options.vocab_size = 5;
  (void)prepare(options);
}

TEST_F(Prepare, RefusesOptionsThatDoNotFit) {
  PrepareOptions options;
  options.output = path("out");
  EXPECT_DATA_ERROR((void)prepare(options), ErrorCode::kInvalidArgument, "a text file");
  options.valid = {path("v")};
  EXPECT_DATA_ERROR((void)prepare(options), ErrorCode::kInvalidArgument, "a train file");
  options.text = {path("t")};
  EXPECT_DATA_ERROR((void)prepare(options), ErrorCode::kInvalidArgument, "not both");
  options = options_for("a");
  options.vocab_size = 2;
  EXPECT_DATA_ERROR((void)prepare(options), ErrorCode::kInvalidArgument, "vocab_size");
  options.vocab_size = 0;
  options.blocks.test_block = 20;
  EXPECT_DATA_ERROR((void)prepare(options), ErrorCode::kInvalidArgument, "got 20");
  options.blocks.test_block = 9;
  EXPECT_DATA_ERROR((void)prepare(options), ErrorCode::kInvalidArgument, "different blocks");
  options.blocks = {.lines = 0};
  EXPECT_DATA_ERROR((void)prepare(options), ErrorCode::kInvalidArgument, "at least 1 line");
  options = options_for("a");
  options.output.clear();
  EXPECT_DATA_ERROR((void)prepare(options), ErrorCode::kInvalidArgument, "output directory");
}

// The limit on a file's size stands for a full disk: the write fails half-way.
TEST_F(Prepare, LeavesNothingBehindWhenTheDiskIsFull) {
  const PrepareOptions options = options_for(numbered_text(2000));
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const rlimit small{.rlim_cur = 4096, .rlim_max = old.rlim_max};
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_DATA_ERROR((void)prepare(options), ErrorCode::kIo, "cannot be written");
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(listing(), (std::vector<std::string>{"train.txt"}));
}

}  // namespace

}  // namespace switchyard::data
