#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_fixture.h"
#include "plugin_host/state_stream.h"

namespace switchyard::plugin_host {
namespace {

using core::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The counting gate (plugins/counting_gate.cpp), which keeps its steps outside of tensors.
struct CountingGate {
  explicit CountingGate(int64_t padding = 0) {
    layers::ComponentPlace place;
    place.name = "moe.gate";
    place.d_in = 3;
    place.num_experts = 4;
    gate = registry.make_gate({.plugin = "counting", .values = {{"padding", padding}}, .where = ""},
                              place, parameters);
  }
  core::OpaqueState& state() { return *parameters.opaque_states().at(0); }

  PassOnCpu on;
  PluginRegistry registry{search_in({"counting"})};
  tensor::ParameterSet parameters;
  std::unique_ptr<layers::Gate> gate;
};

std::vector<uint8_t> bytes_of(int64_t steps) {
  std::vector<uint8_t> bytes(sizeof(steps));
  std::memcpy(bytes.data(), &steps, sizeof(steps));
  return bytes;
}

TEST(ComponentState, IsWhatTheComponentWroteAndComesBack) {
  CountingGate first;
  first.gate->step_end(first.on.pass);
  first.gate->step_end(first.on.pass);
  EXPECT_EQ(first.state().name(), "moe.gate");
  EXPECT_EQ(first.state().version(), 2U);
  EXPECT_EQ(first.state().save(), bytes_of(2));
  CountingGate second;
  second.state().load(first.state().save(), 2);
  second.gate->step_end(second.on.pass);
  EXPECT_EQ(second.state().save(), bytes_of(3));
}

TEST(ComponentState, OfAnOlderVersionIsReadAndOfANewerOneRefused) {
  CountingGate gate;
  gate.state().load(std::vector<uint8_t>{7, 0, 0, 0}, 1);
  EXPECT_EQ(gate.state().save(), bytes_of(7));
  const auto [code, text] = error_of([&] { gate.state().load(bytes_of(9), 3); });
  EXPECT_EQ(code, ErrorCode::kUnsupported);
  EXPECT_THAT(text, HasSubstr("moe.gate: its state was saved in version 3, this plugin reads "
                              "versions up to 2"));
  EXPECT_EQ(gate.state().save(), bytes_of(7));
}

TEST(ComponentState, ThatIsTooShortOrTooLongIsTheComponentsError) {
  CountingGate gate;
  const auto [code, text] = error_of([&] { gate.state().load(std::vector<uint8_t>(5), 2); });
  EXPECT_EQ(code, ErrorCode::kDamaged);
  EXPECT_THAT(text, HasSubstr("load failed (damaged): the saved state ends 3 bytes too early"));
  CountingGate fits(kMostStateBytes - sizeof(int64_t));
  EXPECT_EQ(fits.state().save().size(), kMostStateBytes);
  CountingGate large(kMostStateBytes);
  const auto [too_long, why] = error_of([&] { (void)large.state().save(); });
  EXPECT_EQ(too_long, ErrorCode::kInvalidArgument);
  EXPECT_THAT(why, HasSubstr("may keep at most 1048576 bytes outside of tensors, 8 are there and "
                             "1048576 more are asked for"));
}

TEST(ComponentState, IsOnlyOfThoseThatKeepSome) {
  PluginRegistry registry(search_in({"good"}));
  tensor::ParameterSet parameters;
  layers::ComponentPlace place;
  place.name = "moe.gate";
  place.d_in = 3;
  place.num_experts = 4;
  const auto gate =
      registry.make_gate({.plugin = "probe", .values = {}, .where = ""}, place, parameters);
  EXPECT_THAT(parameters.opaque_states(), IsEmpty());
}

TEST(ComponentState, OfAnOptimizerIsReachedThroughIt) {
  PluginRegistry registry(search_in({"good"}));
  const auto optimizer = registry.make_optimizer({.plugin = "momentum", .values = {}, .where = ""},
                                                 "optimizer.groups[0]");
  const std::vector<core::OpaqueState*> states = optimizer->opaque_states();
  ASSERT_EQ(states.size(), 1U);
  EXPECT_EQ(states[0]->name(), "optimizer.groups[0]");
  EXPECT_THAT(states[0]->save(), ElementsAre(0));
  states[0]->load(std::vector<uint8_t>{5}, 1);
  EXPECT_THAT(states[0]->save(), ElementsAre(5));
}

TEST(ComponentState, StreamsGoOneWay) {
  const SavedStream saved;
  uint64_t got = 0;
  char byte = 0;
  EXPECT_EQ(saved.read(&saved, &byte, 1, &got, nullptr), SY_E_STATE);
  EXPECT_EQ(saved.write(&saved, nullptr, 1, nullptr), SY_E_INVALID);
  EXPECT_EQ(saved.write(&saved, nullptr, 0, nullptr), SY_OK);
  const LoadedStream loaded({});
  EXPECT_EQ(loaded.write(&loaded, &byte, 1, nullptr), SY_E_STATE);
  EXPECT_EQ(loaded.read(&loaded, nullptr, 1, &got, nullptr), SY_E_INVALID);
  EXPECT_EQ(loaded.read(&loaded, &byte, 1, nullptr, nullptr), SY_E_INVALID);
  EXPECT_EQ(loaded.read(&loaded, &byte, 1, &got, nullptr), SY_OK);
  EXPECT_EQ(got, 0U);
}

}  // namespace
}  // namespace switchyard::plugin_host
