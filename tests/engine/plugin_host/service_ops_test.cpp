#include <array>
#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "core/thread_pool.h"
#include "ops/backend.h"
#include "plugin_host/call.h"
#include "plugin_host/services.h"
#include "tensor/device.h"
#include "tests/support/buffer.h"

namespace switchyard::plugin_host {
namespace {

using test::Buffer;

constexpr sy_dtype kI32 = {SY_INT, 32, 1};
constexpr sy_dtype kU8 = {SY_UINT, 8, 1};

class ServiceOps : public testing::Test {
 protected:
  ServiceOps() { ctx_.backend = ops::backend_on(device_); }

  template <typename Function, typename... Arguments>
  sy_status call(Function function, Arguments... arguments) {
    text_.fill('\0');
    return function(&ctx_, arguments..., &error_);
  }
  [[nodiscard]] std::string text() const { return text_.data(); }

  core::ThreadPool threads_{2};
  tensor::CpuDevice device_{threads_};
  sy_ctx ctx_;
  const sy_ops& ops_ = ops_service();
  const sy_ew& ew_ = ew_service();
  std::array<char, 256> text_{};
  sy_error error_{sizeof(sy_error), 256, text_.data()};
};

Buffer whole_numbers(std::vector<int64_t> shape, const std::vector<int32_t>& values) {
  Buffer b(kI32, std::move(shape));
  std::copy(values.begin(), values.end(), b.i32());
  return b;
}

TEST_F(ServiceOps, CountsAndChoosesIds) {
  Buffer number(kI32, {1, 3});
  Buffer none = whole_numbers({1}, {-1});
  Buffer ids(kI32, {2, 3});
  Buffer mask(kU8, {2, 1});
  mask.u8()[1] = 1;
  const sy_tensor count = number.view();
  const sy_tensor condition = mask.view();
  const sy_tensor otherwise = none.view();
  const sy_tensor out = ids.view();
  EXPECT_EQ(call(ops_.iota, &count), SY_OK) << text();
  EXPECT_EQ(call(ops_.where, &condition, &count, &otherwise, &out), SY_OK) << text();
  EXPECT_EQ(ids.indices(), (std::vector<int32_t>{-1, -1, -1, 0, 1, 2}));
  EXPECT_EQ(call(ops_.binary, SY_B_ADD, &out, &count, &out), SY_OK) << text();
  EXPECT_EQ(ids.indices(), (std::vector<int32_t>{-1, 0, 1, 0, 2, 4}));
  EXPECT_EQ(call(ops_.binary, SY_B_MUL, &out, &count, &out), SY_OK) << text();
  EXPECT_EQ(ids.indices(), (std::vector<int32_t>{0, 0, 2, 0, 2, 8}));
  EXPECT_EQ(call(ops_.binary, SY_B_SUB, &out, &count, &out), SY_E_INVALID);
  EXPECT_EQ(call(ops_.where, &condition, &count, nullptr, &out), SY_E_INVALID);
  EXPECT_NE(text().find("where: b"), std::string::npos) << text();
}

TEST_F(ServiceOps, GivesTheSquaredVariationAndItsGradient) {
  Buffer x = Buffer::of({4}, {1, 2, 3, 4});
  Buffer loss = Buffer::of({1}, {10});
  Buffer one = Buffer::of({1}, {1});
  Buffer dx({SY_FLOAT, 32, 1}, {4});
  const sy_tensor in = x.view();
  const sy_tensor y = loss.view();
  const sy_tensor dy = one.view();
  const sy_tensor out = dx.view();
  EXPECT_EQ(call(ops_.squared_variation, &in, 2.0, &y), SY_OK) << text();
  EXPECT_NEAR(loss.values()[0], 10.4, 1e-6);
  EXPECT_EQ(call(ops_.squared_variation_grad, &in, 1.0, &dy, &out), SY_OK) << text();
  EXPECT_NEAR(dx.values()[0], -0.16, 1e-7);
  EXPECT_NEAR(dx.values()[3], 0.08, 1e-7);
  EXPECT_EQ(call(ops_.squared_variation, &in, 2.0, &in), SY_E_INVALID);
}

// One program over each domain; the context plans it once and finds it again.
TEST_F(ServiceOps, RunsAProgramOverEveryDomain) {
  const std::array<sy_ew_ins, 4> doubled = {
      {{SY_EW_LOAD, 0, 1, 0}, {SY_EW_LOAD, 1, 0, 0}, {SY_EW_FMA, 1, 0, 0}, {SY_EW_STORE, 1, 0, 0}}};
  Buffer to = Buffer::of({1, 2, 2}, {1, 1, 1, 1});
  Buffer from = Buffer::of({1, 2, 2}, {1, 2, 3, 4});
  Buffer column = Buffer::of({1, 2, 1}, {1, 2});
  const auto run = [&](Buffer& x, const auto&... last) {
    const std::array<sy_tensor, 2> io = {to.view(), x.view()};
    if constexpr (sizeof...(last) == 0) {
      return call(ew_.run, doubled.data(), 4, io.data(), 2, nullptr, 0);
    } else {
      return call(ew_.run_matrices, doubled.data(), 4, io.data(), 2, nullptr, 0, last...);
    }
  };
  EXPECT_EQ(run(from), SY_OK) << text();
  EXPECT_EQ(to.values(), (std::vector<double>{2, 5, 10, 17}));
  EXPECT_EQ(run(from), SY_OK) << text();
  EXPECT_EQ(to.values(), (std::vector<double>{3, 9, 19, 33}));
  const sy_tensor* all = nullptr;
  EXPECT_EQ(run(column, all), SY_OK) << text();
  EXPECT_EQ(to.values(), (std::vector<double>{4, 10, 23, 37}));
  EXPECT_EQ(run(column), SY_E_INVALID);
  EXPECT_NE(text().find("io 1 must have the shape of io 0"), std::string::npos) << text();

  Buffer table = Buffer::of({3, 2}, {0, 0, 0, 0, 0, 0});
  Buffer rows = Buffer::of({1, 2}, {1, 2});
  Buffer chosen = whole_numbers({1}, {2});
  const std::array<sy_tensor, 2> io = {table.view(), rows.view()};
  const sy_tensor ids = chosen.view();
  EXPECT_EQ(call(ew_.run_rows, doubled.data(), 4, io.data(), 2, nullptr, 0, &ids, 1U), SY_OK)
      << text();
  EXPECT_EQ(table.values(), (std::vector<double>{0, 0, 0, 0, 1, 4}));
}

}  // namespace
}  // namespace switchyard::plugin_host
