#include "optim/clipping.h"

#include <cmath>

#include <gtest/gtest.h>

namespace switchyard::optim {
namespace {

double norm(tensor::Device& device, const tensor::ParameterSet& parameters) {
  const tensor::Tensor squares = tensor::Tensor::from<double>({1}, {99.0});
  squared_grad_norm(ops::backend_on(device), parameters, squares);
  return std::sqrt(device.read_back<double>(squares)[0]);
}

TEST(Clipping, NormIsOverAllGradientsAndBuffersHaveNone) {
  core::ThreadPool threads(2);
  tensor::CpuDevice device{threads};
  tensor::CpuAllocator allocator;
  tensor::ParameterSet parameters;
  parameters.add({.name = "a", .shape = {2}});
  parameters.add({.name = "b", .shape = {1}});
  parameters.add({.name = "count", .shape = {1}, .is_buffer = true});
  parameters.allocate(allocator);
  parameters.find("a")->grad.data<float>()[0] = 2.0F;
  parameters.find("a")->grad.data<float>()[1] = 3.0F;
  parameters.find("b")->grad.data<float>()[0] = 6.0F;
  EXPECT_DOUBLE_EQ(norm(device, parameters), 7.0);
  parameters.find("b")->grad.data<float>()[0] = std::nanf("");
  EXPECT_TRUE(std::isnan(norm(device, parameters)));
}

TEST(Clipping, NormCountsTheRowsThatAGradientKeeps) {
  core::ThreadPool threads(2);
  tensor::CpuDevice device{threads};
  tensor::CpuAllocator allocator;
  tensor::ParameterSet parameters;
  tensor::Parameter& table =
      parameters.add({.name = "table", .shape = {50, 2}, .touched_rows = {.per_token = 1}});
  parameters.allocate(allocator);
  EXPECT_DOUBLE_EQ(norm(device, parameters), 0.0);
  const tensor::Tensor rows = tensor::Tensor::from<int32_t>({2}, {31, 4});
  table.row_grad.touch(rows, tensor::Tensor::from<int32_t>({2}, {0, 0}));
  for (int64_t i = 0; i < 4; ++i) {
    table.row_grad.values().data<float>()[i] = 2.0F;
  }
  EXPECT_DOUBLE_EQ(norm(device, parameters), 4.0);
}

TEST(Clipping, FactorBringsTheNormToItsBoundAndNeverUp) {
  EXPECT_DOUBLE_EQ(clip_factor(8.0, 2.0), 0.25);
  EXPECT_DOUBLE_EQ(clip_factor(1.0, 2.0), 1.0);
  EXPECT_DOUBLE_EQ(clip_factor(8.0, 0.0), 1.0);
}

}  // namespace
}  // namespace switchyard::optim
