#include "plugin_host/plugin_registry.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_fixture.h"

namespace switchyard::plugin_host {
namespace {

using core::ErrorCode;
using testing::HasSubstr;
using testing::Not;

layers::ComponentPlace place_of_gate() {
  layers::ComponentPlace place;
  place.name = "moe.gate";
  place.d_in = 3;
  place.d_out = 3;
  place.num_experts = 4;
  place.num_local = 4;
  return place;
}

std::pair<ErrorCode, std::string> refusal_of_gate(PluginRegistry& registry,
                                                  const std::string& plugin) {
  return error_of([&] {
    tensor::ParameterSet parameters;
    (void)registry.make_gate({.plugin = plugin, .values = {}, .where = "model.moe.gate"},
                             place_of_gate(), parameters);
  });
}

TEST(PluginRegistry, FindsAComponentByFileNameAndById) {
  PluginRegistry registry(search_in({"good"}));
  EXPECT_EQ(registry.schema("probe", ComponentKind::kGate).id, "test.gate.probe");
  EXPECT_EQ(registry.schema("test.gate.probe", ComponentKind::kGate).id, "test.gate.probe");
  EXPECT_EQ(registry.schema("scale", ComponentKind::kExpert).id, "test.experts.scale");
  EXPECT_EQ(registry.schema("test.experts", ComponentKind::kExpert).id, "test.experts.scale");
  EXPECT_EQ(registry.schema("test.experts.scale", ComponentKind::kExpert).id, "test.experts.scale");
  const auto [code, text] =
      error_of([&] { (void)registry.schema("test.experts.glu", ComponentKind::kExpert); });
  EXPECT_EQ(code, ErrorCode::kNotFound);
  EXPECT_THAT(text, HasSubstr("holds no expert 'test.experts.glu'; it holds test.experts.scale"));
}

TEST(PluginRegistry, SaysWhereItLookedForAMissingPluginAndWhatIsAlike) {
  PluginRegistry registry(search_in({"good"}));
  auto [code, text] = refusal_of_gate(registry, "prob");
  EXPECT_EQ(code, ErrorCode::kNotFound);
  EXPECT_EQ(text,
            "model.moe.gate: there is no gate plugin 'prob': no file gate_prob.syplugin.so and "
            "no component of that id\n  searched: " +
                test_folder("good").string() +
                "\n  similar: 'probe', 'test.gate.probe'\n  `switchyard plugins` lists what is "
                "there and what is refused; plugins.directories in the configuration and "
                "SWITCHYARD_PLUGIN_PATH name more directories");
  std::tie(code, text) = refusal_of_gate(registry, "scale");
  EXPECT_THAT(text, HasSubstr("note: 'scale' is of another kind (expert): "));
  std::tie(code, text) = refusal_of_gate(registry, "../good/gate_probe");
  EXPECT_EQ(code, ErrorCode::kNotFound);
  std::tie(code, text) = refusal_of_gate(registry, "");
  EXPECT_THAT(text, HasSubstr("model.moe.gate: no gate is named: set plugin = \"NAME\""));
}

TEST(PluginRegistry, TellsWhyTheNamedFileIsRefused) {
  PluginRegistry newer(search_in({"newer_minor"}));
  auto [code, text] = refusal_of_gate(newer, "faulty");
  EXPECT_EQ(code, ErrorCode::kAbi);
  EXPECT_THAT(text, HasSubstr("model.moe.gate: "));
  EXPECT_THAT(text, HasSubstr("was built for plugin ABI 0.3, this engine offers 0.2"));
  EXPECT_THAT(newer.list()[0].refusal, HasSubstr("plugin ABI 0.3"));
  EXPECT_EQ(newer.list()[0].identity.id, "test.faulty");
  PluginRegistry failing(search_in({"init_fails"}));
  EXPECT_EQ(failing.list()[0].refusal, "");
  EXPECT_EQ(refusal_of_gate(failing, "faulty").first, ErrorCode::kUnsupported);
}

TEST(PluginRegistry, PrefersAFileThatCanBeLoaded) {
  const TemporaryDirectory directory;
  directory.write("gate_probe.syplugin.so", "not a plugin");
  PluginOptions options = search_in({"good"});
  options.directories.insert(options.directories.begin(), directory.path());
  PluginRegistry registry(options);
  EXPECT_EQ(registry.schema("probe", ComponentKind::kGate).id, "test.gate.probe");
  EXPECT_EQ(registry.list().size(), 4U);
}

TEST(PluginRegistry, RefusesWhatItFindsWrongWithAnInstance) {
  const auto refusal = [](const char* fault) {
    PluginRegistry registry(search_in({fault}));
    return refusal_of_gate(registry, "faulty");
  };
  auto [code, text] = refusal("create_throws");
  EXPECT_EQ(code, ErrorCode::kException);
  EXPECT_THAT(text, HasSubstr("model.moe.gate: gate 'test.faulty' 1.0.0 at moe.gate: create failed "
                              "(exception): it threw: create went wrong"));
  std::tie(code, text) = refusal("unknown_layout");
  EXPECT_EQ(code, ErrorCode::kUnsupported);
  EXPECT_THAT(
      text,
      HasSubstr("this engine knows token choice (layout 0) and expert choice (1), got layout 7"));
  std::tie(code, text) = refusal("too_many_slots");
  EXPECT_THAT(text, HasSubstr("the slots per token must be 1 ... 4 (the number of experts), got "
                              "1000"));
  std::tie(code, text) = refusal("too_large_mean");
  EXPECT_THAT(text, HasSubstr("experts per token on average must be 0 ... 1 (the slots per token), "
                              "got 1.5"));
  std::tie(code, text) = refusal("build_twice");
  EXPECT_EQ(code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(text,
              HasSubstr("build failed (invalid): ParameterSet: the name 'moe.gate.w' is taken"));
}

TEST(PluginRegistry, RefusesAComponentWithoutCudaOnCuda) {
  PluginOptions options = search_in({"good"});
  options.device = tensor::DeviceType::kCuda;
  PluginRegistry registry(options);
  const auto [code, text] = refusal_of_gate(registry, "probe");
  EXPECT_EQ(code, ErrorCode::kUnsupported);
  EXPECT_THAT(text, HasSubstr("does not run on CUDA"));
}

TEST(PluginRegistry, RefusesAComponentIdThatAnotherFileOffers) {
  PluginRegistry registry(search_in({"shutdown", "unknown_layout"}));
  ASSERT_EQ(registry.list().size(), 2U);
  for (const PluginFile& file : registry.list()) {
    const auto [code, text] = error_of([&] { (void)registry.schemas(file); });
    EXPECT_EQ(code, ErrorCode::kAbi);
    EXPECT_THAT(text, HasSubstr("shutdown/gate_faulty.syplugin.so"));
    EXPECT_THAT(text, HasSubstr("unknown_layout/gate_faulty.syplugin.so"));
  }
}

TEST(PluginRegistry, RecordsWhatIsInUse) {
  PluginRegistry registry(search_in({"good"}));
  tensor::ParameterSet parameters;
  const auto gate = registry.make_gate(
      {.plugin = "probe", .values = {{"k", int64_t{3}}}, .where = ""}, place_of_gate(), parameters);
  const auto optimizer = registry.make_optimizer({.plugin = "momentum", .values = {}, .where = ""});
  EXPECT_EQ(gate->top_k(), 3);
  EXPECT_EQ(gate->experts_per_token(), 3.0);  // the plugin names no other mean
  ASSERT_EQ(registry.identities_in_use().size(), 2U);
  const ComponentIdentity& used = registry.identities_in_use()[0];
  EXPECT_EQ(used.instance, "moe.gate");
  EXPECT_EQ(used.component_id, "test.gate.probe");
  EXPECT_EQ(used.plugin_id, "test.gate.probe");
  EXPECT_EQ(used.component_version, "1.2.0");
  EXPECT_EQ(used.vendor, "Test House");
  EXPECT_EQ(used.state_version, 3U);
  EXPECT_EQ(used.sha256, registry.list()[1].identity.sha256);
  EXPECT_THAT(used.config, HasSubstr("k = 3\n"));
  EXPECT_EQ(registry.identities_in_use()[1].instance, "optimizer");
}

TEST(PluginRegistry, LoadsNothingThatIsNotNamed) {
  std::string said;
  PluginOptions options = search_in({"good"});
  options.log = [&said](core::LogLevel, std::string_view, std::string_view text) { said += text; };
  PluginRegistry registry(options);
  EXPECT_EQ(registry.list().size(), 3U);
  EXPECT_EQ(said, "");
  EXPECT_EQ(registry.schemas(registry.list()[1]).size(), 1U);
  EXPECT_THAT(said, HasSubstr("loaded 'test.gate.probe' 1.2.0 from "));
  EXPECT_THAT(said, Not(HasSubstr("test.experts")));
}

TEST(PluginRegistry, MayGoBeforeWhatItMade) {
  PassOnCpu on;
  tensor::ParameterSet parameters;
  std::unique_ptr<layers::Gate> gate;
  {
    PluginRegistry registry(search_in({"good"}));
    gate = registry.make_gate({.plugin = "probe", .values = {}, .where = ""}, place_of_gate(),
                              parameters);
  }
  parameters.allocate(on.device.memory());
  gate->step_end(on.pass);
  EXPECT_EQ(parameters.find("moe.gate.steps")->value.to_vector<float>(), std::vector<float>{1.0F});
}

}  // namespace
}  // namespace switchyard::plugin_host
