#include <checksum/crc32c.h>
#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/safetensors_file.h"
#include "tests/engine/checkpoint/checkpoint_fixture.h"
#include "tests/support/fault_file_system.h"

namespace switchyard::checkpoint {
namespace {

using core::ErrorCode;
using tensor::Tensor;
using testing::ElementsAre;
using testing::HasSubstr;
using tests::FaultFileSystem;

std::vector<std::string> names_of(const std::vector<TensorEntry>& entries) {
  std::vector<std::string> names;
  for (const TensorEntry& entry : entries) {
    names.push_back(entry.name);
  }
  return names;
}

TEST(Safetensors, GivesBackEveryBit) {
  FaultFileSystem files;
  const CheckpointContents contents = make_contents(7);
  for (const auto* tensors : {&contents.model, &contents.optimizer, &contents.state}) {
    core::remove_tree(files, "/run/t.safetensors");
    const FileSum sum = write_safetensors(files, "/run/t.safetensors", *tensors);
    EXPECT_EQ(sum.bytes, safetensors_bytes(*tensors));
    EXPECT_EQ(sum.crc32c, checksum::crc32c(files.content("/run/t.safetensors")));
    const SafetensorsFile file(files, "/run/t.safetensors");
    std::vector<NamedTensor> read;
    tensor::CpuAllocator allocator;
    for (const TensorEntry& entry : file.entries()) {
      read.push_back({entry.name, Tensor::empty(entry.dtype, entry.shape, allocator)});
      file.read(entry, read.back().tensor);
    }
    EXPECT_EQ(bits_of(read), bits_of(*tensors));
  }
}

TEST(Safetensors, PutsWideElementsFirstAndDataOnAPage) {
  FaultFileSystem files;
  const std::vector<NamedTensor> tensors = {{"b", Tensor::from<float>({1}, {1})},
                                            {"u", Tensor::from<uint8_t>({1}, {1})},
                                            {"a", Tensor::from<int32_t>({1}, {2})},
                                            {"h", Tensor::from<tensor::Bf16>({1}, {{3}})},
                                            {"z", Tensor::from<int64_t>({1}, {4})}};
  (void)write_safetensors(files, "/run/t.safetensors", tensors);
  const std::string& bytes = files.content("/run/t.safetensors");
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  EXPECT_EQ((8 + length) % 4096, 0U);
  EXPECT_EQ(bytes.substr(8, 14), R"({"z":{"dtype":)");
  EXPECT_EQ(bytes.back(), '\x01');
  EXPECT_THAT(names_of(SafetensorsFile(files, "/run/t.safetensors").entries()),
              ElementsAre("z", "a", "b", "h", "u"));
}

TEST(Safetensors, WritesAnEmptyFileThatCanBeRead) {
  FaultFileSystem files;
  (void)write_safetensors(files, "/run/t.safetensors", {});
  EXPECT_EQ(files.content("/run/t.safetensors").size(), 4096U);
  EXPECT_TRUE(SafetensorsFile(files, "/run/t.safetensors").entries().empty());
}

TEST(Safetensors, KeepsNamesThatNeedEscapes) {
  FaultFileSystem files;
  const std::string name = "a\"b\\c\nd\xc3\xa4";
  (void)write_safetensors(files, "/run/t.safetensors",
                          std::vector<NamedTensor>{{name, Tensor::from<float>({1}, {1})}});
  EXPECT_THAT(names_of(SafetensorsFile(files, "/run/t.safetensors").entries()), ElementsAre(name));
}

TEST(Safetensors, ReadsTheRowsOfOneRank) {
  FaultFileSystem files;
  const std::vector<NamedTensor> tensors = {
      {"w", Tensor::from<float>({4, 2}, {0, 1, 2, 3, 4, 5, 6, 7})}};
  (void)write_safetensors(files, "/run/t.safetensors", tensors);
  const SafetensorsFile file(files, "/run/t.safetensors");
  Tensor rows = Tensor::from<float>({2, 2}, {0, 0, 0, 0});
  file.read_rows(*file.find("w"), 1, 3, rows);
  EXPECT_THAT(rows.to_vector<float>(), ElementsAre(2, 3, 4, 5));
  EXPECT_EQ(error_of([&] { file.read_rows(*file.find("w"), 3, 5, rows); }).code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of([&] { file.read(*file.find("w"), rows); }).code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(file.find("v"), nullptr);
}

TEST(Safetensors, AsksForAHostCopyOnlyOfWhatLiesElsewhere) {
  FaultFileSystem files;
  const Tensor plain = Tensor::from<float>({2, 2}, {1, 2, 3, 4});
  const std::vector<NamedTensor> tensors = {{"column", plain.slice(1, 0, 1)}, {"plain", plain}};
  EXPECT_THAT(error_of([&] { (void)write_safetensors(files, "/run/a", tensors); }).what(),
              HasSubstr("'column' must be contiguous and on the CPU"));
  int copies = 0;
  (void)write_safetensors(files, "/run/b", tensors, [&](const Tensor&) {
    ++copies;
    return Tensor::from<float>({2, 1}, {1, 3});
  });
  EXPECT_EQ(copies, 1);
  EXPECT_EQ(error_of([&] {
              (void)write_safetensors(files, "/run/c", tensors,
                                      [&](const Tensor&) { return plain; });
            }).code(),
            ErrorCode::kInvalidArgument);
}

TEST(Safetensors, RefusesNamesItCannotWrite) {
  FaultFileSystem files;
  const Tensor one = Tensor::from<float>({1}, {1});
  using Tensors = std::vector<NamedTensor>;
  for (const Tensors& tensors :
       {Tensors{{"a", one}, {"a", one}}, Tensors{{"__metadata__", one}}, Tensors{{"\xff", one}}}) {
    EXPECT_EQ(error_of([&] { (void)write_safetensors(files, "/run/t", tensors); }).code(),
              ErrorCode::kInvalidArgument);
    core::remove_tree(files, "/run/t");
  }
}

std::string entry(std::string_view name, std::string_view shape, std::string_view offsets,
                  std::string_view dtype = "F32") {
  return fmt::format("\"{}{}{}{}{}{}{}}}", name, R"(":{"dtype":")", dtype, R"(","shape":)", shape,
                     R"(,"data_offsets":)", offsets);
}

TEST(SafetensorsHeader, TakesWhatTheFormatAllows) {
  const std::string two = "{" + entry("b", "[1]", "[4,8]") + "," + entry("a", "[]", "[0,4]") + "}";
  EXPECT_THAT(names_of(parse_header(two + "   ", 8, "f")), ElementsAre("a", "b"));
  EXPECT_TRUE(parse_header("{}", 0, "f").empty());
  EXPECT_TRUE(parse_header(R"({"__metadata__":{"format":"pt","x":"y"}})", 0, "f").empty());
  EXPECT_EQ(parse_header(
                "{" + entry("e", "[0,5]", "[0,0]") + "," + entry("a", "[1]", "[0,4]") + "}", 4, "f")
                .size(),
            2U);
}

struct Hostile {
  const char* why;
  std::string json;
  int64_t data_bytes;
};

TEST(SafetensorsHeader, RefusesWhatTheFormatForbids) {
  const std::string good = entry("a", "[2]", "[0,8]");
  const std::vector<Hostile> cases = {
      {"empty", "", 0},
      {"leading space", " {}", 0},
      {"a list", "[]", 0},
      {"no JSON", "{\"a\":", 0},
      {"text behind", "{}{}", 0},
      {"not UTF-8", "{\"\xff\":{}}", 0},
      {"lone surrogate", R"({"\ud800":{}})", 0},
      {"overlap", "{" + good + "," + entry("b", "[2]", "[4,12]") + "}", 12},
      {"same place", "{" + good + "," + entry("b", "[2]", "[0,8]") + "}", 8},
      {"hole", "{" + good + "," + entry("b", "[2]", "[12,20]") + "}", 20},
      {"hole at the start", "{" + entry("a", "[2]", "[4,12]") + "}", 12},
      {"data too short", "{" + good + "}", 7},
      {"data too long", "{" + good + "}", 9},
      {"duplicate names", "{" + entry("a", "[1]", "[0,4]") + "," + entry("a", "[1]", "[4,8]") + "}",
       8},
      {"duplicate keys", R"({"a":{"dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4]}})",
       4},
      {"duplicate metadata", R"({"__metadata__":{},"__metadata__":{}})", 0},
      {"unknown key", R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"x":1}})", 4},
      {"no dtype", R"({"a":{"shape":[],"data_offsets":[0,4]}})", 4},
      {"no shape", R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", 4},
      {"no offsets", R"({"a":{"dtype":"F32","shape":[1]}})", 4},
      {"size not shape", "{" + entry("a", "[3]", "[0,8]") + "}", 8},
      {"end before begin", "{" + entry("a", "[0]", "[8,0]") + "}", 8},
      {"three offsets", "{" + entry("a", "[2]", "[0,8,8]") + "}", 8},
      {"negative extent", "{" + entry("a", "[-2]", "[0,8]") + "}", 8},
      {"fraction", "{" + entry("a", "[2.0]", "[0,8]") + "}", 8},
      {"63 bits", "{" + entry("a", "[9223372036854775808]", "[0,8]") + "}", 8},
      {"beyond 64 bits", "{" + entry("a", "[18446744073709551616]", "[0,8]") + "}", 8},
      {"bytes overflow", "{" + entry("a", "[4611686018427387904,2]", "[0,0]") + "}", 0},
      {"overflow to 8", "{" + entry("a", "[4611686018427387906]", "[0,8]") + "}", 8},
      {"nine axes", "{" + entry("a", "[1,1,1,1,1,1,1,1,2]", "[0,8]") + "}", 8},
      {"shape in a text", "{" + entry("a", "\"[2]\"", "[0,8]") + "}", 8},
      {"nested shape", "{" + entry("a", "[[2]]", "[0,8]") + "}", 8},
      {"an entry that is null", R"({"a":null})", 0},
      {"an entry that is true", R"({"a":true})", 0},
      {"an entry that is a number", R"({"a":1})", 0},
      {"an entry that is a text", R"({"a":"b"})", 0},
      {"an entry that is a list", R"({"a":[]})", 0},
      {"metadata that is not text", R"({"__metadata__":{"a":1}})", 0},
      {"metadata with objects", R"({"__metadata__":{"a":{}}})", 0},
      {"deep", "{\"a\":" + std::string(100000, '{'), 0},
      {"deep lists", "{\"a\":" + std::string(100000, '['), 0}};
  for (const Hostile& hostile : cases) {
    EXPECT_EQ(error_of([&] { (void)parse_header(hostile.json, hostile.data_bytes, "f"); }).code(),
              ErrorCode::kDamaged)
        << hostile.why;
  }
}

TEST(SafetensorsHeader, NamesAnElementTypeThatIsNotOurs) {
  const core::Error error = error_of([] {
    (void)parse_header("{" + entry("a", "[2]", "[0,4]", "F16") + "}", 4, "'m.safetensors'");
  });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.what(), HasSubstr("'m.safetensors': tensor 'a'"));
  EXPECT_THAT(error.what(), HasSubstr("got 'F16'"));
}

TEST(SafetensorsHeader, SurvivesEveryTruncationAndEveryFlippedByte) {
  const std::string good =
      "{" + entry("a", "[1]", "[0,4]") + "," + entry("b", "[1]", "[4,8]") + "}";
  for (size_t i = 0; i < good.size(); ++i) {
    EXPECT_EQ(error_of([&] { (void)parse_header(good.substr(0, i), 8, "f"); }).code(),
              ErrorCode::kDamaged);
    for (const char flip : {'\x01', '\x10', '\x80'}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ flip);
      try {
        (void)parse_header(bad, 8, "f");
      } catch (const core::Error&) {
      }
    }
  }
}

std::string with_length(uint64_t length, const std::string& rest) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes + rest;
}

TEST(SafetensorsFile, RefusesALengthThatDoesNotFit) {
  FaultFileSystem files;
  for (const std::string& bytes :
       {std::string(), std::string("1234567"), with_length(3, "{}"), with_length(UINT64_MAX, "{}"),
        with_length(100'000'001, "{}"), with_length(0, ""), with_length(1, "{}")}) {
    core::durable_write_file(files, "/run/t", bytes);
    EXPECT_EQ(error_of([&] { const SafetensorsFile file(files, "/run/t"); }).code(),
              ErrorCode::kDamaged);
  }
}

}  // namespace
}  // namespace switchyard::checkpoint
