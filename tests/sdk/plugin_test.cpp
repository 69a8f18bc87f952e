#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include <switchyard/plugin.hpp>

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

// Three classes of which two have hooks; the last fails if it is told to.
struct Hooks {
  static inline std::vector<std::string> calls;
  static inline bool fails = false;
};
struct FirstHooked {
  static constexpr const char* kId = "first";
  static void init(const sy::Log& /*log*/) { Hooks::calls.emplace_back("init first"); }
  static void shutdown() { Hooks::calls.emplace_back("shutdown first"); }
};
struct Unhooked {
  static constexpr const char* kId = "unhooked";
};
struct LastHooked {
  static constexpr const char* kId = "last";
  static void init(const sy::Log& /*log*/) {
    if (Hooks::fails) {
      sy::fail(SY_E_UNSUPPORTED, "last cannot run here");
    }
    Hooks::calls.emplace_back("init last");
  }
  static void shutdown() { Hooks::calls.emplace_back("shutdown last"); }
};

TEST(SdkPlugin, CallsTheHooksOfItsClassesInOrder) {
  EXPECT_EQ(sy::detail::kInit<Unhooked>, nullptr);
  EXPECT_EQ(sy::detail::kShutDown<Unhooked>, nullptr);
  const sy_host host{};
  Hooks::calls.clear();
  Hooks::fails = false;
  EXPECT_EQ((sy::detail::kInit<FirstHooked, Unhooked, LastHooked>)(&host, nullptr), SY_OK);
  (sy::detail::kShutDown<FirstHooked, Unhooked, LastHooked>)();
  EXPECT_EQ(Hooks::calls, (std::vector<std::string>{"init first", "init last", "shutdown last",
                                                    "shutdown first"}));
  Hooks::calls.clear();
  Hooks::fails = true;
  EXPECT_EQ((sy::detail::kInit<FirstHooked, Unhooked, LastHooked>)(&host, nullptr),
            SY_E_UNSUPPORTED);
  EXPECT_EQ(Hooks::calls, (std::vector<std::string>{"init first", "shutdown first"}));
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
