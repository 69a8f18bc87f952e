#include "checkpoint/manifest.h"

#include <checksum/hex.h>
#include <checksum/sha256.h>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/checkpoint/checkpoint_fixture.h"

namespace switchyard::checkpoint {
namespace {

using core::ErrorCode;
using testing::HasSubstr;

Manifest make_manifest() {
  Manifest manifest{.step = 200,
                    .engine_version = "0.1.0",
                    .config_sha256 = "c",
                    .data_hash = "d",
                    .vocabulary_hash = "v",
                    .plugins = {{.kind = "gate", .id = "g", .version = "1", .sha256 = "s"}},
                    .files = {}};
  for (const std::string_view name : kListedFiles) {
    manifest.files[std::string(name)] = {.bytes = 10, .crc32c = 0xabcU};
  }
  return manifest;
}

// Replaces a piece of a manifest and seals it again, as a hostile writer would.
std::string forged(const std::string& from, const std::string& to) {
  std::string text = manifest_text(make_manifest());
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  const size_t seal = text.rfind(",\n  \"sha256\"");
  const std::string body = text.substr(0, seal);
  return body + ",\n  \"sha256\": \"" + checksum::hex(checksum::sha256(body + "\n}")) + "\"\n}\n";
}

TEST(Manifest, GivesBackWhatWasWritten) {
  const Manifest manifest = make_manifest();
  const Manifest read = parse_manifest(manifest_text(manifest), "m");
  EXPECT_EQ(read.step, 200);
  EXPECT_EQ(read.engine_version, "0.1.0");
  EXPECT_EQ(read.config_sha256, "c");
  EXPECT_EQ(read.data_hash, "d");
  EXPECT_EQ(read.vocabulary_hash, "v");
  EXPECT_EQ(read.plugins, manifest.plugins);
  EXPECT_EQ(read.files, manifest.files);
  EXPECT_EQ(read.bytes(), 50);
}

TEST(Manifest, NoticesEveryFlippedBitAndEveryTruncation) {
  const std::string text = manifest_text(make_manifest());
  for (size_t i = 0; i < text.size(); ++i) {
    std::string bad = text;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_EQ(error_of([&] { (void)parse_manifest(bad, "m"); }).code(), ErrorCode::kDamaged) << i;
    EXPECT_EQ(error_of([&] { (void)parse_manifest(text.substr(0, i), "m"); }).code(),
              ErrorCode::kDamaged);
  }
}

TEST(Manifest, RefusesValuesThatCannotBe) {
  EXPECT_NO_THROW((void)parse_manifest(forged("\"step\": 200", "\"step\": 201"), "m"));
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"\"step\": 200", "\"step\": -1"},
                                                        {"\"step\": 200", "\"step\": \"200\""},
                                                        {"\"step\": 200", "\"stop\": 200"},
                                                        {"config.toml", "../../etc/passwd"},
                                                        {"\"bytes\": 10", "\"bytes\": -1"},
                                                        {"00000abc", "00000abz"},
                                                        {"00000abc", "abc"},
                                                        {"switchyard-checkpoint", "other"},
                                                        {"\"plugins\": [", "\"plugins\": [1,"}}) {
    EXPECT_EQ(error_of([&] { (void)parse_manifest(forged(from, to), "m"); }).code(),
              ErrorCode::kDamaged)
        << to;
  }
}

TEST(Manifest, SendsANewerFormatToTheEngineThatWroteIt) {
  const core::Error error = error_of([] {
    (void)parse_manifest(forged("\"format_version\": 1", "\"format_version\": 2"), "'m'");
  });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.what(), HasSubstr("'m': this engine reads checkpoints of format version 1"));
}

TEST(Manifest, RefusesTextsThatAreNotUtf8) {
  Manifest manifest = make_manifest();
  manifest.data_hash = std::string(1, '\xff');
  EXPECT_EQ(error_of([&] { (void)manifest_text(manifest); }).code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace switchyard::checkpoint
