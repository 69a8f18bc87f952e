#include "plugin_host/plugin_library.h"

#include <csignal>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_fixture.h"

namespace switchyard::plugin_host {
namespace {

using core::ErrorCode;
using testing::HasSubstr;

class FaultyPlugin : public testing::Test {
 protected:
  /// The error of loading the plugin with that fault.
  std::pair<ErrorCode, std::string> refusal(const std::string& fault) {
    const auto path = test_folder(fault) / "gate_faulty.syplugin.so";
    auto [code, text] = error_of([&] { const PluginLibrary library(read_identity(path), host_); });
    EXPECT_THAT(text, HasSubstr(path.string() + ": refused"));
    return {code, text};
  }

  std::vector<std::string> log_;
  std::shared_ptr<const Host> host_ = std::make_shared<Host>(
      [this](core::LogLevel, std::string_view who, std::string_view text) {
        log_.push_back(fmt::format("{}: {}", who, text));
      },
      tensor::DeviceType::kCpu);
};

TEST_F(FaultyPlugin, IsRefusedIfItsEntryFailsOrThrows) {
  auto [code, text] = refusal("entry_fails");
  EXPECT_EQ(code, ErrorCode::kOutOfMemory);
  EXPECT_THAT(text,
              HasSubstr("sy_plugin_entry_v1 failed (out of memory): there is no room for this "
                        "plugin"));
  std::tie(code, text) = refusal("entry_throws");
  EXPECT_EQ(code, ErrorCode::kException);
  EXPECT_THAT(text, HasSubstr("failed (exception): it threw: the entry went wrong"));
}

TEST_F(FaultyPlugin, IsRefusedIfItsInitFailsOrThrows) {
  auto [code, text] = refusal("init_fails");
  EXPECT_EQ(code, ErrorCode::kUnsupported);
  EXPECT_THAT(text,
              HasSubstr("its init() failed (unsupported): this plugin wants another machine"));
  std::tie(code, text) = refusal("init_throws");
  EXPECT_EQ(code, ErrorCode::kException);
  EXPECT_THAT(text, HasSubstr("it threw: init went wrong"));
}

TEST_F(FaultyPlugin, IsRefusedIfItCannotBeLinked) {
  auto [code, text] = refusal("no_symbol");
  EXPECT_EQ(code, ErrorCode::kAbi);
  EXPECT_THAT(text, HasSubstr("it does not export sy_plugin_entry_v1: define it with SY_EXPORT"));
  std::tie(code, text) = refusal("undefined_symbol");
  EXPECT_EQ(code, ErrorCode::kAbi);
  EXPECT_THAT(text, HasSubstr("it cannot be loaded: "));
  EXPECT_THAT(text, HasSubstr("nobody_defines_this"));
}

TEST_F(FaultyPlugin, IsRefusedIfItsTableIsNotWhatItsStampSays) {
  auto [code, text] = refusal("other_version");
  EXPECT_EQ(code, ErrorCode::kAbi);
  EXPECT_THAT(text, HasSubstr("its table says version '1.0.1' and its stamp '1.0.0'"));
  EXPECT_THAT(refusal("no_table").second, HasSubstr("its entry function gave no table of ABI 0.2"));
}

TEST_F(FaultyPlugin, IsRefusedIfItsComponentsAreIncompleteOrUnknown) {
  EXPECT_THAT(
      refusal("unknown_kind").second,
      HasSubstr("component 'test.faulty' is of an unknown kind (9), this engine knows gate"));
  EXPECT_THAT(refusal("save_alone").second,
              HasSubstr("component 'test.faulty' must have both save and load, or neither"));
  EXPECT_THAT(refusal("no_backward").second,
              HasSubstr("gate 'test.faulty' must have info, forward and backward"));
  EXPECT_THAT(refusal("field_twice").second, HasSubstr("the field 'k' is there twice"));
  EXPECT_THAT(refusal("bad_default").second,
              HasSubstr("the default of 'k' must lie between 1 and 4, got 9"));
}

TEST_F(FaultyPlugin, IsRefusedBeforeLoadingIfItsVersionDiffers) {
  EXPECT_THAT(refusal("newer_minor").second, HasSubstr("refused before loading"));
}

TEST_F(FaultyPlugin, IsRefusedIfItTouchesTheProcessWhichIsSetBack) {
#if defined(__x86_64__)
  const auto [code, text] = refusal("float_mode");
  EXPECT_EQ(code, ErrorCode::kState);
  EXPECT_THAT(text, HasSubstr("loading it changed the floating-point mode"));
  volatile float tiny = 1e-38F;
  EXPECT_GT(tiny / 16.0F, 0.0F) << "denormals are flushed to zero";
#endif
  EXPECT_THAT(refusal("signal_handler").second,
              HasSubstr("changed the handling of signal " + std::to_string(SIGUSR1)));
  struct sigaction now{};
  ::sigaction(SIGUSR1, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_DFL);
}

TEST_F(FaultyPlugin, IsRefusedIfTheFileChangedSinceItWasRead) {
  PluginIdentity identity = read_identity(test_folder("good") / "gate_probe.syplugin.so");
  identity.mtime_ns += 1;
  const auto [code, text] = error_of([&] { const PluginLibrary library(identity, host_); });
  EXPECT_EQ(code, ErrorCode::kState);
  EXPECT_THAT(text, HasSubstr("it changed while it was being loaded"));
}

TEST_F(FaultyPlugin, HearsInitAndShutdownInTheirOrder) {
  {
    const auto path = test_folder("shutdown") / "gate_faulty.syplugin.so";
    const PluginLibrary library(read_identity(path), host_);
    EXPECT_EQ(library.table().components[0]->id, std::string("test.faulty"));
  }
  EXPECT_THAT(log_, testing::ElementsAre("faulty: init", "faulty: shutdown",
                                         "test.faulty: its shutdown() threw an exception"));
}

}  // namespace
}  // namespace switchyard::plugin_host
