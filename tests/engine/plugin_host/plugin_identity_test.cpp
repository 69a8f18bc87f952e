#include "plugin_host/plugin_identity.h"

#include <checksum/hex.h>
#include <checksum/sha256.h>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_fixture.h"

namespace switchyard::plugin_host {
namespace {

using core::ErrorCode;
using testing::HasSubstr;

std::string probe_bytes() {
  std::ifstream file(test_folder("good") / "gate_probe.syplugin.so", std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

TEST(PluginIdentity, ReadsTheStampWithoutLoading) {
  const PluginIdentity identity = read_identity(test_folder("good") / "gate_probe.syplugin.so");
  EXPECT_EQ(identity.id, "test.gate.probe");
  EXPECT_EQ(identity.version, "1.2.0");
  EXPECT_EQ(identity.vendor, "Test House");
  EXPECT_EQ(identity.kinds, 1U << SY_KIND_GATE);
  EXPECT_EQ(identity.caps, uint32_t{SY_CAP_DETERMINISTIC});
  EXPECT_EQ(identity.abi_major, SY_ABI_MAJOR);
  EXPECT_EQ(identity.abi_minor, SY_ABI_MINOR);
  EXPECT_EQ(identity.sha256, checksum::hex(checksum::sha256(probe_bytes())));
  EXPECT_TRUE(is_unchanged(identity));
}

TEST(PluginIdentity, NoticesThatTheFileChanged) {
  const TemporaryDirectory directory;
  const auto path = directory.copy_probe("gate_a.syplugin.so");
  const PluginIdentity identity = read_identity(path);
  std::ofstream(path, std::ios::app) << "more";
  EXPECT_FALSE(is_unchanged(identity));
}

TEST(PluginIdentity, RefusesWhatIsNoPlugin) {
  const TemporaryDirectory directory;
  const auto refusal = [&directory](const std::string& bytes) {
    return error_of([&] { (void)read_identity(directory.write("x.syplugin.so", bytes)); });
  };
  auto [code, text] = error_of([&] { (void)read_identity(directory.path() / "none.syplugin.so"); });
  EXPECT_EQ(code, ErrorCode::kNotFound);
  EXPECT_THAT(text, HasSubstr("none.syplugin.so: refused: cannot open it"));
  std::tie(code, text) = error_of([&] { (void)read_identity(directory.path()); });
  EXPECT_THAT(text, HasSubstr("not a regular file"));
  std::tie(code, text) = refusal("");
  EXPECT_EQ(code, ErrorCode::kAbi);
  EXPECT_THAT(text, HasSubstr("x.syplugin.so: refused: not an ELF file"));
  std::tie(code, text) =
      refusal("#!/bin/sh\necho this is a script, not a shared object, of course\n");
  EXPECT_THAT(text, HasSubstr("not an ELF file"));

  std::string bytes = probe_bytes();
  bytes[18] = 40;  // e_machine: ARM
  std::tie(code, text) = refusal(bytes);
  EXPECT_EQ(code, ErrorCode::kAbi);
  EXPECT_THAT(text, HasSubstr("built for another architecture"));
  bytes = probe_bytes();
  bytes[16] = 1;  // e_type: relocatable
  EXPECT_THAT(refusal(bytes).second, HasSubstr("not a shared object"));
}

TEST(PluginIdentity, RefusesDamagedFiles) {
  const TemporaryDirectory directory;
  const std::string whole = probe_bytes();
  for (const size_t length : {size_t{64}, whole.size() / 2, whole.size() - 1}) {
    const auto path = directory.write("x.syplugin.so", whole.substr(0, length));
    const auto [code, text] = error_of([&] { (void)read_identity(path); });
    EXPECT_EQ(code, ErrorCode::kDamaged) << length;
    EXPECT_THAT(text, HasSubstr("damaged"));
  }
  std::string bytes = whole;
  bytes[40] = bytes[41] = bytes[42] = bytes[47] = '\x7f';  // e_shoff, far outside
  const auto path = directory.write("y.syplugin.so", bytes);
  EXPECT_EQ(error_of([&] { (void)read_identity(path); }).first, ErrorCode::kDamaged);
}

// Whatever a single wrong byte of the headers does, it never leads outside the file.
TEST(PluginIdentity, SurvivesAnyWrongByteOfTheHeader) {
  const TemporaryDirectory directory;
  const std::string whole = probe_bytes();
  for (size_t at = 0; at < 64; ++at) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0xFF);
    const auto path = directory.write("x.syplugin.so", bytes);
    try {
      (void)read_identity(path);
    } catch (const core::Error& caught) {
      EXPECT_THAT(caught.what(), HasSubstr("refused"));
    }
  }
}

TEST(PluginIdentity, RefusesAStampThatIsMissingOrDamaged) {
  const auto path = [](const char* fault) {
    return test_folder(fault) / "gate_faulty.syplugin.so";
  };
  auto [code, text] = error_of([&] { (void)read_identity(path("no_stamp")); });
  EXPECT_EQ(code, ErrorCode::kAbi);
  EXPECT_THAT(text, HasSubstr("no sy_stamp section, so it is not a Switchyard plugin"));
  std::tie(code, text) = error_of([&] { (void)read_identity(path("damaged_stamp")); });
  EXPECT_EQ(code, ErrorCode::kDamaged);
  EXPECT_THAT(text, HasSubstr("sy_stamp section is damaged"));
}

TEST(PluginIdentity, SaysBothVersionsAndHowToMendThem) {
  const auto refusal = [](const char* fault) {
    const auto identity = read_identity(test_folder(fault) / "gate_faulty.syplugin.so");
    return error_of([&] { require_loadable(identity); });
  };
  auto [code, text] = refusal("newer_minor");
  EXPECT_EQ(code, ErrorCode::kAbi);
  EXPECT_THAT(text,
              HasSubstr("gate_faulty.syplugin.so: refused before loading: 'test.faulty' 1.0.0 "
                        "was built for plugin ABI 0.3, this engine offers 0.2"));
  EXPECT_THAT(text,
              HasSubstr("update the engine, or build the plugin with this engine's SDK, or ask "
                        "Test House for a build for ABI 0.2"));
  EXPECT_THAT(refusal("other_major").second, HasSubstr("plugin ABI 1.2"));
  EXPECT_THAT(refusal("stamp_unknown_kind").second,
              HasSubstr("components of an unknown kind (kinds 0x200)"));
}

}  // namespace
}  // namespace switchyard::plugin_host
