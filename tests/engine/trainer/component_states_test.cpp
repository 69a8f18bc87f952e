#include "trainer/component_states.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/error_matcher.h"

namespace switchyard::trainer {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class Note final : public core::OpaqueState {
 public:
  Note(std::string name, std::vector<uint8_t> bytes)
      : name_(std::move(name)), bytes_(std::move(bytes)) {}

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] uint32_t version() const override { return 4; }
  [[nodiscard]] std::vector<uint8_t> save() const override { return bytes_; }
  void load(std::span<const uint8_t> bytes, uint32_t saved_version) override {
    bytes_.assign(bytes.begin(), bytes.end());
    loaded_version = saved_version;
  }

  uint32_t loaded_version = 0;

 private:
  std::string name_;
  std::vector<uint8_t> bytes_;
};

TEST(ComponentStates, GoThroughRecordsAndTensors) {
  Note full("moe.gate", {1, 2, 3});
  Note empty("optimizer", {});
  const ComponentStates saved = ComponentStates::saved_by({&full, &empty});
  ASSERT_THAT(saved.tensors(), SizeIs(1));
  EXPECT_EQ(saved.tensors()[0].name, "components/moe.gate");
  EXPECT_THAT(saved.tensors()[0].tensor.to_vector<uint8_t>(), ElementsAre(1, 2, 3));

  // As a checkpoint does it: the records by their text, the tensors by their entries.
  const TrainerState state =
      TrainerState::from_json(TrainerState{.components = saved.records()}.to_json());
  const ComponentStates read =
      ComponentStates::to_read(state.components, checkpoint::plan_entries(saved.tensors()));
  ASSERT_THAT(read.tensors(), SizeIs(1));
  EXPECT_EQ(read.tensors()[0].name, "components/moe.gate");
  EXPECT_EQ(read.tensors()[0].tensor.shape(), tensor::Shape({3}));
  Note other("moe.gate", {9});
  Note filled("optimizer", {9});
  EXPECT_THAT(read.load_into({&other, &filled}), IsEmpty());
  EXPECT_THAT(other.save(), ElementsAre(0, 0, 0));  // nobody has read the tensor yet
  EXPECT_THAT(filled.save(), IsEmpty());
  EXPECT_EQ(other.loaded_version, 4U);
  EXPECT_THAT(saved.load_into({&other, &filled}), IsEmpty());
  EXPECT_THAT(other.save(), ElementsAre(1, 2, 3));
}

TEST(ComponentStates, LeaveOutWhatWasNotSavedAndRefuseWhatNobodyKeeps) {
  Note gate("moe.gate", {1});
  Note later("moe.experts0", {5});
  const ComponentStates saved = ComponentStates::saved_by({&gate});
  EXPECT_THAT(saved.load_into({&later, &gate}), ElementsAre("moe.experts0"));
  EXPECT_THAT(later.save(), ElementsAre(5));
  EXPECT_ERROR((void)saved.load_into({&later}), core::ErrorCode::kInvalidArgument,
               "what 'moe.gate' keeps outside of tensors");
}

TEST(ComponentStates, TakeNoPlaceWhereNothingIsKept) {
  EXPECT_EQ(TrainerState{}.to_json().find("components"), std::string::npos);
  EXPECT_THAT(TrainerState::from_json(TrainerState{}.to_json()).components, IsEmpty());
}

}  // namespace
}  // namespace switchyard::trainer
