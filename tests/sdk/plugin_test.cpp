#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include <switchyard/plugin.h>

#include "tests/support/plugin_test_host.h"

namespace switchyard::test {
namespace {

TEST(SdkPlugin, StampsWhatItsTableSays) {
  PluginTestHost host("gate_softmax");
  std::ifstream file(PluginTestHost::path("gate_softmax"), std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const size_t at = bytes.find(SY_STAMP_MAGIC);
  ASSERT_NE(at, std::string::npos);
  sy_stamp stamp;
  std::memcpy(&stamp, bytes.data() + at, sizeof(stamp));
  EXPECT_EQ(stamp.size, sizeof(sy_stamp));
  EXPECT_EQ(stamp.kinds, 1u << host.component().kind);
  EXPECT_EQ(stamp.caps, host.component().caps);
  EXPECT_STREQ(stamp.id, host.plugin().id);
  EXPECT_STREQ(stamp.version, host.plugin().version);
  EXPECT_STREQ(stamp.vendor, host.plugin().vendor);
}

TEST(SdkPlugin, RefusesAHostOfAnotherMinorAndSaysWhy) {
  PluginTestHost host("gate_softmax");
  sy_host other = host.host();
  other.abi_minor = SY_ABI_MINOR + 1;
  try {
    const PluginFile file(PluginTestHost::path("gate_softmax"), other);
    FAIL() << "a host of another minor was accepted";
  } catch (const sy::Error& e) {
    EXPECT_EQ(e.code(), SY_E_ABI);
    EXPECT_NE(std::string(e.what()).find("switchyard.gate.softmax 0.1.0 speaks plugin ABI 0.2"),
              std::string::npos)
        << e.what();
  }
}

TEST(SdkPlugin, FillsEveryFunctionThatAHostNeeds) {
  PluginTestHost host("gate_softmax");
  const sy_component& c = host.component();
  EXPECT_TRUE(c.check && c.create && c.destroy && c.build && c.impl);
  const auto* gate = static_cast<const sy_gate_vt*>(c.impl);
  EXPECT_EQ(gate->struct_size, sizeof(sy_gate_vt));
  EXPECT_TRUE(gate->info && gate->forward && gate->backward);
}

}  // namespace
}  // namespace switchyard::test
