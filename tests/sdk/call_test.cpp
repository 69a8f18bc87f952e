#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include <switchyard/program.hpp>

#include "tests/support/buffer.h"
#include "tests/support/host_context.h"
#include "tests/support/reference_ew.h"
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

// Services that note what they were given.
struct Noted {
  static inline std::vector<std::string> lines;

  static void log(const sy_host*, int32_t level, const char* who, const char* text) {
    lines.push_back(sy::join(level, " ", who, ": ", text));
  }
  static sy_status parallel_for(sy_ctx*, int64_t n, int64_t grain,
                                void (*body)(void*, int64_t, int64_t), void* arg, sy_error*) {
    for (int64_t begin = 0; begin < n; begin += grain) {
      body(arg, begin, std::min(n, begin + grain));
    }
    return SY_OK;
  }
  static void philox(sy_ctx*, uint32_t purpose, uint32_t key[2], uint32_t counter[4]) {
    key[0] = purpose;
    key[1] = 2;
    std::fill_n(counter, 4, 7U);
  }
  static sy_status all_gather(sy_ctx*, int32_t group, const sy_tensor* x, const sy_tensor* y,
                              sy_error*) {
    lines.push_back(sy::join("gather ", group, " ", x->ndim, " ", y->ndim));
    return SY_OK;
  }
};

TEST(SdkCall, LogsUnderTheComponentsId) {
  Fixture f;
  sy_host host{};
  host.struct_size = sizeof host;
  host.log = &Noted::log;
  f.call.host = &host;
  f.services.who = "org.me.gate";
  Noted::lines.clear();
  sy::Call call(f.call, f.services);
  call.log().warn("load ", 3, " of ", 4);
  call.log().debug("done");
  host.struct_size = offsetof(sy_host, log);
  call.log().error("a host without a log");
  EXPECT_EQ(Noted::lines,
            (std::vector<std::string>{"2 org.me.gate: load 3 of 4", "0 org.me.gate: done"}));
}

TEST(SdkCall, RunsABodyOverRangesAndThrowsWhatItThrew) {
  Fixture f;
  const sy_threads threads{sizeof(sy_threads), 0, &Noted::parallel_for};
  f.services.threads = &threads;
  sy::Call call(f.call, f.services);
  std::vector<int64_t> begins;
  call.parallel_for(10, 4, [&](int64_t begin, int64_t end) {
    begins.push_back(begin);
    begins.push_back(end);
  });
  EXPECT_EQ(begins, (std::vector<int64_t>{0, 4, 4, 8, 8, 10}));
  try {
    call.parallel_for(8, 4, [](int64_t begin, int64_t) { sy::fail(SY_E_NUMERIC, "at ", begin); });
    FAIL() << "the body's failure was dropped";
  } catch (const sy::Error& e) {
    EXPECT_STREQ(e.what(), "at 0");
  }
}

TEST(SdkCall, GivesTheAddressOfRandomNumbers) {
  Fixture f;
  sy_rng rng{};
  rng.struct_size = sizeof rng;
  rng.philox = &Noted::philox;
  f.services.rng = &rng;
  sy::Call call(f.call, f.services);
  const sy::Call::Philox address = call.philox(5);
  EXPECT_EQ(address.key[0], 5U);
  EXPECT_EQ(address.counter[3], 7U);
}

TEST(SdkCall, GathersOverRanksAndCopiesWhereThereIsOne) {
  Fixture f;
  sy::Call call(f.call, f.services);
  Buffer x = Buffer::of({2}, {3, 4});
  Buffer y = Buffer::of({1, 2}, {0, 0});
  call.all_gather(SY_GROUP_DATA, x.view(), y.view());
  EXPECT_EQ(y.values(), (std::vector<double>{3, 4}));
  sy_comm comm{};
  comm.struct_size = sizeof comm;
  comm.all_gather = &Noted::all_gather;
  f.services.comm = &comm;
  Noted::lines.clear();
  call.all_gather(SY_GROUP_SHARD, x.view(), y.view());
  EXPECT_EQ(Noted::lines, (std::vector<std::string>{"gather 2 1 2"}));
}

TEST(SdkProgram, HasEveryFunctionOfOneRegister) {
  Fixture f;
  f.services.ew = &reference_ew();
  sy::Call call(f.call, f.services);
  Buffer x = Buffer::of({2}, {0.25, 4});
  const auto result = [&](auto function) {
    Buffer y = Buffer::of({2}, {0, 0});
    sy::Program p;
    const auto slot = p.tensor(y.view());
    p.store(function(p, p.load(p.tensor(x.view()))), slot);
    p.run(call);
    return y.values();
  };
  using Register = sy::Program::Register;
  using Program = sy::Program;
  const std::vector<double> logs = result([](Program& p, Register a) { return p.log(a); });
  EXPECT_NEAR(logs[1], std::log(4.0), 1e-6);
  EXPECT_NEAR(result([](Program& p, Register a) { return p.exp(a); })[1], std::exp(4.0), 1e-4);
  EXPECT_NEAR(result([](Program& p, Register a) { return p.tanh(a); })[0], std::tanh(0.25), 1e-6);
  EXPECT_NEAR(result([](Program& p, Register a) { return p.rsqrt(a); })[1], 0.5, 1e-6);
  EXPECT_EQ(result([](Program& p, Register a) { return p.min(a, p.constant(1.0)); }),
            (std::vector<double>{0.25, 1}));
  EXPECT_EQ(result([](Program& p, Register a) { return p.abs(p.sub(a, p.constant(1.0))); }),
            (std::vector<double>{0.75, 3}));
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
