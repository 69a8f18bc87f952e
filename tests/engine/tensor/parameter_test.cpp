#include "tensor/parameter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace switchyard::tensor {
namespace {

using testing::Each;

Parameter named(const char* name, const Shape& shape) {
  Parameter parameter;
  parameter.name = name;
  parameter.shape = shape;
  return parameter;
}

TEST(ParameterSet, KeepsTheOrderAndTheAddressesOfItsParameters) {
  ParameterSet parameters;
  const Parameter* first = &parameters.add(named("a", {2}));
  for (int i = 0; i < 100; ++i) {
    parameters.add(named(fmt::format("p{}", i).c_str(), {1}));
  }
  EXPECT_EQ(&parameters.all().front(), first);
  EXPECT_EQ(parameters.find("a"), first);
  EXPECT_EQ(parameters.find("p42")->name, "p42");
  EXPECT_EQ(parameters.find("missing"), nullptr);
}

TEST(Parameter, OverwritesADroppedGradientOnce) {
  CpuAllocator allocator;
  ParameterSet parameters;
  Parameter& w = parameters.add(named("w", {2}));
  parameters.allocate(allocator);
  EXPECT_EQ(w.take_grad_beta(), 1.0F) << "zeroed memory can be added to";
  w.drop_grad();
  EXPECT_EQ(w.take_grad_beta(), 0.0F);
  EXPECT_EQ(w.take_grad_beta(), 1.0F);
}

TEST(Parameter, HasNothingToDropWithoutAGradient) {
  CpuAllocator allocator;
  ParameterSet parameters;
  Parameter& buffer = parameters.add(named("b", {2}));
  buffer.is_buffer = true;
  parameters.allocate(allocator);
  buffer.drop_grad();
  EXPECT_FALSE(buffer.grad_is_dropped);
}

TEST(ParameterSet, RefusesANameTwice) {
  ParameterSet parameters;
  parameters.add(named("a", {2}));
  EXPECT_THROW(parameters.add(named("a", {3})), core::Error);
}

TEST(ParameterSet, CountsTrainedValuesWithoutMemory) {
  ParameterSet parameters;
  parameters.add(named("huge", {int64_t{1} << 20, int64_t{1} << 20}));
  parameters.add(named("small", {3}));
  Parameter buffer = named("threshold", {100});
  buffer.is_buffer = true;
  parameters.add(std::move(buffer));
  EXPECT_EQ(parameters.count(), (int64_t{1} << 40) + 3);
  EXPECT_FALSE(parameters.find("huge")->value.defined());
}

TEST(ParameterSet, AllocatesZerosAndGradientsForWhatIsTrained) {
  CpuAllocator allocator;
  ParameterSet parameters;
  parameters.add(named("w", {2, 3})).dtype = DType::kBf16;
  parameters.add(named("b", {3}));
  parameters.add(named("threshold", {4})).is_buffer = true;
  parameters.allocate(allocator);
  const Parameter& w = *parameters.find("w");
  EXPECT_EQ(w.value.dtype(), DType::kBf16);
  EXPECT_EQ(w.grad.dtype(), DType::kF32) << "gradients are summed in f32";
  EXPECT_EQ(w.grad.shape(), (Shape{2, 3}));
  EXPECT_THAT(parameters.find("b")->value.to_vector<float>(), Each(0.0F));
  EXPECT_TRUE(parameters.find("threshold")->value.defined());
  EXPECT_FALSE(parameters.find("threshold")->grad.defined());
}

TEST(ParameterSet, TakesNoGradientsForAModelThatDoesNotLearn) {
  CpuAllocator allocator;
  ParameterSet parameters;
  Parameter& w = parameters.add(named("w", {3}));
  parameters.allocate_values(allocator);
  EXPECT_THAT(w.value.to_vector<float>(), Each(0.0F));
  EXPECT_FALSE(w.has_grad());
  parameters.allocate_gradients(allocator);
  EXPECT_THAT(w.grad.to_vector<float>(), Each(0.0F));
}

}  // namespace
}  // namespace switchyard::tensor
