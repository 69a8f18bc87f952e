#include <gtest/gtest.h>

#include <switchyard/program.hpp>

#include "tests/support/host_context.h"
#include "tests/support/reference_ops.h"

namespace switchyard::test {
namespace {

struct Fixture {
  sy_ctx ctx;
  sy_call call{};
  sy::Services services;

  Fixture() {
    call.struct_size = sizeof(call);
    call.ctx = &ctx;
    services.ops = &reference_ops();
  }
};

void expect_unsupported(const std::function<void()>& body, const std::string& text) {
  try {
    body();
    FAIL() << "a service that is not there was used";
  } catch (const sy::Error& e) {
    EXPECT_EQ(e.code(), SY_E_UNSUPPORTED);
    EXPECT_NE(std::string(e.what()).find(text), std::string::npos) << e.what();
  }
}

TEST(SdkCall, NamesTheServiceThatAHostLacks) {
  Fixture f;
  sy::Call call(f.call, f.services);
  expect_unsupported([&] { call.scratch({2}); }, "sy.mem/1 scratch");
  expect_unsupported([&] { call.param(0); }, "sy.params/1");
  EXPECT_EQ(call.group_size(SY_GROUP_DATA), 1) << "a host without sy.comm has one rank";
}

TEST(SdkCall, NamesTheOperationThatAnOlderTableLacks) {
  Fixture f;
  sy_ops older = reference_ops();
  older.struct_size = offsetof(sy_ops, softmax_grad);
  f.services.ops = &older;
  sy::Call call(f.call, f.services);
  const sy_tensor t{};
  expect_unsupported([&] { call.softmax_grad(t, t, t); }, "softmax_grad");
  older = reference_ops();
  older.gemm = nullptr;
  const auto kNone = sy::Call::Transpose::kNone;
  expect_unsupported([&] { call.gemm(kNone, kNone, 1, t, t, 0, t); }, "gemm");
}

TEST(SdkCall, ThrowsWhatTheHostReports) {
  Fixture f;
  f.ctx.on_call = [] { throw sy::Error(SY_E_DEVICE, "lost"); };
  sy::Call call(f.call, f.services);
  try {
    call.fill(0.0, sy_tensor{});
    FAIL() << "the host's failure was dropped";
  } catch (const sy::Error& e) {
    EXPECT_EQ(e.code(), SY_E_DEVICE);
    EXPECT_STREQ(e.what(), "lost");
  }
}

TEST(SdkProgram, RefusesMoreRegistersThanThereAre) {
  sy::Program p;
  for (int i = 0; i < SY_EW_REGISTERS; ++i) {
    p.constant(1.0);
  }
  EXPECT_THROW(p.constant(1.0), sy::Error);
}

}  // namespace
}  // namespace switchyard::test
