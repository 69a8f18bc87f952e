#include "data/dataset.h"

#include <string>
#include <vector>

#include "tests/engine/data/text_fixture.h"

namespace switchyard::data {

namespace {

namespace fs = std::filesystem;
using core::ErrorCode;

class DatasetFiles : public TextTest {};

TEST_F(DatasetFiles, EncodesAPromptAndDecodesIt) {
  const Dataset data(prepare_train("d", "The cat's here, you see.\nYes!\n"));

  const std::vector<int32_t> ids = data.encode("the cat's here!");

  ASSERT_EQ(ids.size(), 5U);
  EXPECT_EQ(ids[0], Vocabulary::kUnknown);
  EXPECT_EQ(data.decode(ids), "<unk> cat's here!");
  EXPECT_EQ(data.decode(data.split("train").tokens()), "The cat's here, you see.\nYes!\n");
}

TEST_F(DatasetFiles, NamesTheSplitsThatAreThere) {
  const Dataset data(prepare_train("d", "a b\n"));
  EXPECT_TRUE(data.has_split("train"));
  EXPECT_FALSE(data.has_split("valid"));
  EXPECT_DATA_ERROR((void)data.split("valid"), ErrorCode::kNotFound,
                    "no split \"valid\"; it has: train");
}

TEST_F(DatasetFiles, RefusesADirectoryThatIsNoDataSet) {
  EXPECT_DATA_ERROR(Dataset(path("missing")), ErrorCode::kNotFound, "is not a data set");
  fs::create_directory(path("empty"));
  EXPECT_DATA_ERROR(Dataset(path("empty")), ErrorCode::kNotFound, "is not a data set");
  fs::create_directory(path("other"));
  write("other/manifest.json", "{\"format\": \"something\"}");
  EXPECT_DATA_ERROR(Dataset(path("other")), ErrorCode::kDamaged, "is not the manifest");
  write("other/manifest.json", "not json");
  EXPECT_DATA_ERROR(Dataset(path("other")), ErrorCode::kDamaged, "is not the manifest");
}

TEST_F(DatasetFiles, RefusesAnotherFormatVersion) {
  const fs::path directory = prepare_train("d", "a b\n");
  std::string manifest = read(directory / "manifest.json");
  const std::string key = "\"format_version\": 1";
  manifest.replace(manifest.find(key), key.size(), "\"format_version\": 9");
  write("d/manifest.json", manifest);
  EXPECT_DATA_ERROR(Dataset{directory}, ErrorCode::kUnsupported, "format version 9");
}

TEST_F(DatasetFiles, RefusesAManifestThatWasChanged) {
  const fs::path directory = prepare_train("d", "a b\n");
  const std::string manifest = read(directory / "manifest.json");
  for (const auto& [from, to] :
       {std::pair<std::string, std::string>{"\"tokens\": 3", "\"tokens\": 4"},
        {"\"lines\"", "\"other\""},
        {"\"train\"", "\"../../x\""}}) {
    std::string changed = manifest;
    ASSERT_NE(changed.find(from), std::string::npos);
    changed.replace(changed.find(from), from.size(), to);
    write("d/manifest.json", changed);
    EXPECT_DATA_ERROR(Dataset{directory}, ErrorCode::kDamaged, "manifest.json");
  }
}

TEST_F(DatasetFiles, RefusesFilesOfAnotherDataSet) {
  const fs::path one = prepare_train("one", "a b\nc\n");
  const fs::path two = prepare_train("two", "a a\nb\n");
  const auto overwrite = fs::copy_options::overwrite_existing;
  fs::copy_file(two / "train.tokens", one / "train.tokens", overwrite);
  EXPECT_DATA_ERROR(Dataset{one}, ErrorCode::kDamaged, "header and manifest differ");
  fs::copy_file(one / "vocab.txt", two / "vocab.txt", overwrite);
  EXPECT_DATA_ERROR(Dataset{two}, ErrorCode::kDamaged, "of another data set");
}

TEST_F(DatasetFiles, RefusesTruncatedAndMissingFiles) {
  for (const std::string name : {"train.tokens", "train.index"}) {
    const fs::path directory = prepare_train(fmt::format("d{}", name), numbered_text(20));
    fs::resize_file(directory / name, fs::file_size(directory / name) - 5);
    EXPECT_DATA_ERROR(Dataset{directory}, ErrorCode::kDamaged, "truncated");
    fs::resize_file(directory / name, 10);
    EXPECT_DATA_ERROR(Dataset{directory}, ErrorCode::kDamaged, "truncated");
    fs::remove(directory / name);
    EXPECT_DATA_ERROR(Dataset{directory}, ErrorCode::kNotFound, name);
  }
}

TEST_F(DatasetFiles, FindsEveryFlippedByte) {
  const fs::path directory = prepare_train("d", numbered_text(12));
  for (const std::string name : {"train.tokens", "train.index", "vocab.txt"}) {
    const auto size = static_cast<int64_t>(fs::file_size(directory / name));
    for (int64_t offset = 0; offset < size; ++offset) {
      flip_byte(directory / name, offset);
      try {
        Dataset(directory).verify();
        ADD_FAILURE() << name << " with byte " << offset << " flipped was not found out";
      } catch (const core::Error& error) {
        EXPECT_TRUE(error.code() == ErrorCode::kDamaged || error.code() == ErrorCode::kUnsupported);
        EXPECT_THAT(error.what(), testing::HasSubstr(directory.string()));
      }
      flip_byte(directory / name, offset);
    }
  }
  Dataset(directory).verify();
}

}  // namespace

}  // namespace switchyard::data
