#include "ops/generic/elementwise.h"

#include <limits>

#include "ops/generic/select.h"
#include "tests/engine/ops/generic/test_support.h"

namespace switchyard::ops::generic {

namespace {

using tensor::Tensor;
using Code = std::vector<EwInstruction>;

class Ew : public CpuTest {
 protected:
  // Loads io 0 into register 0 and io 1 into register 1, runs `op` on register 2, stores it to
  // io 2.
  std::vector<float> apply(EwOp op, std::vector<float> a, std::vector<float> b) {
    const auto n = static_cast<int64_t>(a.size());
    const std::vector<Tensor> io = {Tensor::from({n}, a), Tensor::from({n}, b), zeros({n})};
    const std::vector<float> constants = {10.0F};
    const Code code = {{EwOp::kLoad, 0, 0, 0},
                       {EwOp::kLoad, 1, 1, 0},
                       {EwOp::kConst, 2, 0, 0},
                       {op, 2, 0, 1},
                       {EwOp::kStore, 2, 2, 0}};
    ew(cpu_, code, io, constants);
    return io[2].to_vector<float>();
  }

  void expect_refused(const Code& code, const std::string& text) {
    const std::vector<Tensor> io = {zeros({3}), zeros({1}), zeros({2})};
    const std::vector<float> constants = {1.0F};
    expect_invalid([&] { ew(cpu_, code, io, constants); }, text);
  }
};

// One element, one instruction at a time.
void interpret(const Code& code, const std::vector<float*>& io, const std::vector<float>& k) {
  std::array<float, kEwRegisters> r{};
  for (const EwInstruction& i : code) {
    switch (i.op) {
      case EwOp::kLoad:
      case EwOp::kScalar:
        r[i.d] = *io[i.a];
        break;
      case EwOp::kStore:
        *io[i.a] = r[i.d];
        break;
      case EwOp::kConst:
        r[i.d] = k[i.a];
        break;
      case EwOp::kAdd:
        r[i.d] = r[i.a] + r[i.b];
        break;
      case EwOp::kSub:
        r[i.d] = r[i.a] - r[i.b];
        break;
      case EwOp::kMul:
        r[i.d] = r[i.a] * r[i.b];
        break;
      case EwOp::kMax:
        r[i.d] = std::max(r[i.a], r[i.b]);
        break;
      case EwOp::kMin:
        r[i.d] = std::min(r[i.a], r[i.b]);
        break;
      case EwOp::kFma:
        r[i.d] += r[i.a] * r[i.b];
        break;
      case EwOp::kAbs:
        r[i.d] = std::fabs(r[i.a]);
        break;
      case EwOp::kSign:
        r[i.d] = static_cast<float>((r[i.a] > 0.0F ? 1 : 0) - (r[i.a] < 0.0F ? 1 : 0));
        break;
      default:
        r[i.d] = r[i.a] > 0.0F ? r[i.b] : r[i.d];
    }
  }
}

// Adam as in Kingma and Ba 2015, with the gradient times io 4 and the step size in io 5.
const Code kAdam = {
    {EwOp::kLoad, 0, 1, 0},  {EwOp::kScalar, 1, 4, 0}, {EwOp::kMul, 0, 0, 1},    // g
    {EwOp::kLoad, 2, 2, 0},  {EwOp::kConst, 3, 0, 0},  {EwOp::kMul, 2, 2, 3},    // beta1 m
    {EwOp::kConst, 3, 1, 0}, {EwOp::kFma, 2, 0, 3},    {EwOp::kStore, 2, 2, 0},  // m
    {EwOp::kLoad, 4, 3, 0},  {EwOp::kConst, 3, 2, 0},  {EwOp::kMul, 4, 4, 3},    // beta2 v
    {EwOp::kMul, 0, 0, 0},   {EwOp::kConst, 3, 3, 0},  {EwOp::kFma, 4, 0, 3},    //
    {EwOp::kStore, 4, 3, 0}, {EwOp::kSqrt, 4, 4, 0},   {EwOp::kConst, 3, 4, 0},  // v
    {EwOp::kAdd, 4, 4, 3},   {EwOp::kDiv, 2, 2, 4},    {EwOp::kScalar, 5, 5, 0},
    {EwOp::kMul, 2, 2, 5},   {EwOp::kLoad, 6, 0, 0},   {EwOp::kSub, 6, 6, 2},
    {EwOp::kStore, 6, 0, 0}};
const std::vector<float> kAdamConstants = {0.9F, 0.1F, 0.999F, 0.001F, 1e-8F};

std::vector<Tensor> adam_tensors(int64_t n) {
  std::vector<Tensor> io = {random_tensor({n}, 1.0F, 1),
                            random_tensor({n}, 1.0F, 2),
                            random_tensor({n}, 1.0F, 3),
                            random_tensor({n}, 1.0F, 4),
                            Tensor::from({1}, std::vector<float>{0.5F}),
                            Tensor::from({1}, std::vector<float>{0.01F})};
  for (int64_t i = 0; i < n; ++i) {
    io[3].data<float>()[i] = std::fabs(io[3].data<float>()[i]);
  }
  return io;
}

}  // namespace

TEST_F(Ew, KnowsEveryInstruction) {
  const float nan = std::nanf("");
  const std::vector<float> a = {4.0F, -2.0F, 0.0F, 0.25F};
  const std::vector<float> b = {2.0F, 3.0F, -5.0F, 8.0F};
  EXPECT_EQ(apply(EwOp::kAdd, a, b), (std::vector<float>{6, 1, -5, 8.25F}));
  EXPECT_EQ(apply(EwOp::kSub, a, b), (std::vector<float>{2, -5, 5, -7.75F}));
  EXPECT_EQ(apply(EwOp::kMul, a, b), (std::vector<float>{8, -6, -0.0F, 2}));
  EXPECT_EQ(apply(EwOp::kDiv, b, {2, 2, 2, 2}), (std::vector<float>{1, 1.5F, -2.5F, 4}));
  EXPECT_EQ(apply(EwOp::kMax, a, b), (std::vector<float>{4, 3, 0, 8}));
  EXPECT_EQ(apply(EwOp::kMin, a, b), (std::vector<float>{2, -2, -5, 0.25F}));
  EXPECT_EQ(apply(EwOp::kFma, a, b), (std::vector<float>{18, 4, 10, 12}));
  EXPECT_EQ(apply(EwOp::kAbs, a, b), (std::vector<float>{4, 2, 0, 0.25F}));
  EXPECT_EQ(apply(EwOp::kSign, a, b), (std::vector<float>{1, -1, 0, 1}));
  EXPECT_EQ(apply(EwOp::kSelect, a, b), (std::vector<float>{2, 10, 10, 8}));
  EXPECT_EQ(apply(EwOp::kSqrt, {4, 9}, {0, 0}), (std::vector<float>{2, 3}));
  EXPECT_EQ(apply(EwOp::kRsqrt, {4, 0.25F}, {0, 0}), (std::vector<float>{0.5F, 2}));
  EXPECT_TRUE(std::isnan(apply(EwOp::kSign, {nan}, {0})[0]));
  EXPECT_TRUE(std::isnan(apply(EwOp::kMax, {nan}, {0})[0]));
  EXPECT_NEAR(apply(EwOp::kExp, {1.5F}, {0})[0], std::exp(1.5), 1e-6);
  EXPECT_NEAR(apply(EwOp::kLog, {1.5F}, {0})[0], std::log(1.5), 1e-7);
  EXPECT_NEAR(apply(EwOp::kTanh, {1.5F}, {0})[0], std::tanh(1.5), 1e-7);
}

TEST_F(Ew, RunsAdamLikeAPlainLoop) {
  for (const int64_t n : {1, 511, 513, 100003}) {
    const std::vector<Tensor> io = adam_tensors(n);
    std::vector<std::vector<float>> old;
    for (const Tensor& t : io) {
      old.push_back(t.to_vector<float>());
    }
    ew(cpu_, kAdam, io, kAdamConstants);
    for (int64_t i = 0; i < n; ++i) {
      const auto at = static_cast<size_t>(i);
      const double g = 0.5 * static_cast<double>(old[1][at]);
      const double m = 0.9 * static_cast<double>(old[2][at]) + 0.1 * g;
      const double v = 0.999 * static_cast<double>(old[3][at]) + 0.001 * g * g;
      const double p = static_cast<double>(old[0][at]) - 0.01 * m / (std::sqrt(v) + 1e-8);
      ASSERT_NEAR(element(io[2], i), m, 1e-6);
      ASSERT_NEAR(element(io[3], i), v, 1e-6);
      ASSERT_NEAR(element(io[0], i), p, 1e-6 + 1e-5 * std::fabs(p));
    }
  }
}

TEST_F(Ew, DoesNotDependOnTheNumberOfThreads) {
  expect_same_for_any_threads([](const Backend& backend) {
    const std::vector<Tensor> io = adam_tensors(70001);
    ew(backend, kAdam, io, kAdamConstants);
    return io[0];
  });
}

TEST_F(Ew, ALoadedRegisterKeepsItsValueWhenItsTensorIsOverwritten) {
  const Tensor x = Tensor::from({2}, std::vector<float>{1.0F, 2.0F});
  const Tensor y = zeros({2});
  const std::vector<Tensor> io = {x, y, x};  // the third is the first under another number
  const std::vector<float> constants = {7.0F};
  for (const uint8_t target : {uint8_t{0}, uint8_t{2}}) {
    x.data<float>()[0] = 1.0F;
    x.data<float>()[1] = 2.0F;
    ew(cpu_,
       Code{{EwOp::kLoad, 0, 0, 0},
            {EwOp::kConst, 1, 0, 0},
            {EwOp::kStore, 1, target, 0},
            {EwOp::kStore, 0, 1, 0}},
       io, constants);
    EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{7, 7}));
    EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{1, 2}));
  }
}

TEST_F(Ew, AScalarIsReadBeforeTheProgramBegins) {
  const Tensor x = Tensor::from({1}, std::vector<float>{3.0F});
  const std::vector<Tensor> io = {x};
  ew(cpu_,
     Code{{EwOp::kScalar, 0, 0, 0},
          {EwOp::kAdd, 1, 0, 0},
          {EwOp::kStore, 1, 0, 0},
          {EwOp::kScalar, 2, 0, 0},
          {EwOp::kAdd, 2, 2, 1},
          {EwOp::kStore, 2, 0, 0}},
     io, {});
  EXPECT_EQ(element(x, 0), 9.0F);
}

// Random programs against one element at a time: numbers, loads, stores and registers in any order.
TEST_F(Ew, AnyProgramMatchesAnInterpreterOfOneElement) {
  constexpr int64_t kCount = 300;
  std::mt19937 engine(3);
  const auto pick = [&](int limit) {
    return static_cast<uint8_t>(std::uniform_int_distribution<int>(0, limit - 1)(engine));
  };
  const std::vector<EwOp> ops = {EwOp::kLoad, EwOp::kStore, EwOp::kConst, EwOp::kScalar, EwOp::kAdd,
                                 EwOp::kSub,  EwOp::kMul,   EwOp::kMax,   EwOp::kMin,    EwOp::kFma,
                                 EwOp::kAbs,  EwOp::kSign,  EwOp::kSelect};
  const std::vector<float> constants = {0.5F, -2.0F, 1.0F};
  for (uint32_t trial = 0; trial < 400; ++trial) {
    // Small whole numbers, so that every order of rounding gives the same.
    std::vector<Tensor> io = {zeros({kCount}), zeros({kCount}), zeros({kCount}), zeros({1})};
    for (const Tensor& t : io) {
      for (int64_t i = 0; i < t.count(); ++i) {
        t.data<float>()[i] = static_cast<float>(static_cast<int>(pick(7)) - 3);
      }
    }
    io.push_back(io[0]);  // the same memory under another number
    Code code;
    for (uint8_t r = 0; r < 4; ++r) {
      code.push_back({EwOp::kLoad, r, pick(3), 0});
    }
    for (int i = 0; i < 12; ++i) {
      const EwOp op = ops[pick(static_cast<int>(ops.size()))];
      const bool element = op == EwOp::kLoad || op == EwOp::kStore;
      const uint8_t tensor = std::vector<uint8_t>{0, 1, 2, 4}[pick(4)];
      const uint8_t a = element ? tensor : op == EwOp::kScalar ? uint8_t{3} : pick(3);
      code.push_back({op, pick(4), a, pick(4)});
    }
    std::vector<std::vector<float>> expected;
    for (size_t t = 0; t < 3; ++t) {
      expected.push_back(io[t].to_vector<float>());
    }
    for (size_t i = 0; i < kCount; ++i) {
      interpret(
          code,
          {&expected[0][i], &expected[1][i], &expected[2][i], io[3].data<float>(), &expected[0][i]},
          constants);
    }
    ew(cpu_, code, io, constants);
    for (size_t t = 0; t < 3; ++t) {
      ASSERT_EQ(io[t].to_vector<float>(), expected[t]) << "trial " << trial << " io " << t;
    }
  }
}

// Adam on chosen rows of param and moments equals Adam on those rows alone, bit for bit.
TEST_F(Ew, SomeRowsEqualAProgramOverThoseRows) {
  constexpr int64_t kRows = 40;
  constexpr uint32_t kByRow = 0b1101;  // param and moments; the gradient has the chosen rows only
  const Tensor ids = Tensor::from<int32_t>({5}, {0, 3, 17, 18, 39});
  for (const int64_t width : {1, 7, 256, 700}) {
    std::vector<Tensor> whole = adam_tensors(kRows * width);
    std::vector<Tensor> chosen = adam_tensors(5 * width);
    for (size_t t = 0; t < 4; ++t) {
      whole[t] = whole[t].reshape({kRows, width});
      chosen[t] = chosen[t].reshape({5, width});
    }
    whole[1] = chosen[1];
    std::vector<std::vector<float>> expected;
    for (const size_t t : {0U, 2U, 3U}) {
      expected.push_back(whole[t].to_vector<float>());
      gather_rows(cpu_, whole[t], ids, chosen[t]);
    }
    ew(cpu_, kAdam, chosen, kAdamConstants);
    for (const size_t t : {0U, 2U, 3U}) {
      std::vector<float>& into = expected[t == 0 ? 0 : t - 1];
      for (int64_t j = 0; j < 5; ++j) {
        std::copy_n(chosen[t].data<float>() + j * width, width,
                    into.begin() + ids.data<int32_t>()[j] * width);
      }
    }
    ew_rows(cpu_, kAdam, whole, kAdamConstants, {.rows = ids, .by_row = kByRow});
    EXPECT_EQ(whole[0].to_vector<float>(), expected[0]) << "width " << width;
    EXPECT_EQ(whole[2].to_vector<float>(), expected[1]);
    EXPECT_EQ(whole[3].to_vector<float>(), expected[2]);
  }
}

TEST_F(Ew, RowsDoNotDependOnTheNumberOfThreads) {
  expect_same_for_any_threads([](const Backend& backend) {
    std::vector<Tensor> io = adam_tensors(int64_t{300} * 512);
    std::vector<int32_t> ids;
    for (int32_t row = 0; row < 300; row += 2) {
      ids.push_back(row);
    }
    for (size_t t = 0; t < 4; ++t) {
      io[t] = io[t].reshape({300, 512});
    }
    io[1] = io[1].slice(0, 0, 150);
    ew_rows(backend, kAdam, io, kAdamConstants,
            {.rows = Tensor::from<int32_t>({150}, ids), .by_row = 0b1101});
    return io[0];
  });
}

TEST_F(Ew, RowsAreCheckedFirst) {
  const std::vector<Tensor> io = {zeros({4, 2}), zeros({2, 2}), zeros({1})};
  const Code add = {{EwOp::kLoad, 0, 0, 0},
                    {EwOp::kLoad, 1, 1, 0},
                    {EwOp::kAdd, 0, 0, 1},
                    {EwOp::kStore, 0, 0, 0}};
  const auto run = [&](const std::vector<int32_t>& ids, uint32_t by_row, const Code& code) {
    const auto n = static_cast<int64_t>(ids.size());
    ew_rows(cpu_, code, io, {}, {.rows = Tensor::from<int32_t>({n}, ids), .by_row = by_row});
  };
  run({3, 1}, 1, add);
  run({}, 3, add);
  expect_invalid([&] { run({4, 1}, 1, add); }, "rows must be in [0, 4) for io 0, position 0 has 4");
  expect_invalid([&] { run({-1, 1}, 1, add); }, "has -1");
  expect_invalid([&] { run({1}, 1, add); }, "io 1 must have the shape [1, 2], got [2, 2]");
  expect_invalid([&] { run({1, 2}, 0, add); }, "io 0 must have the shape [2, 2], got [4, 2]");
  expect_invalid([&] { run({1}, 4, {{EwOp::kLoad, 0, 2, 0}}); }, "io 2 must have the shape");
}

TEST_F(Ew, EmptyTensorsAreLeftAlone) {
  const std::vector<Tensor> io = {zeros({0})};
  EXPECT_NO_THROW(ew(cpu_, Code{{EwOp::kLoad, 0, 0, 0}, {EwOp::kStore, 0, 0, 0}}, io, {}));
}

TEST_F(Ew, ChecksTheWholeProgramFirst) {
  expect_refused({{EwOp::kLoad, 12, 0, 0}}, "instruction 0: register d must be below 12, got 12");
  expect_refused({{EwOp::kLoad, 0, 3, 0}}, "io must be below 3, got 3");
  expect_refused({{EwOp::kLoad, 0, 2, 0}}, "io 2 must have the shape of io 0");
  expect_refused({{EwOp::kScalar, 0, 2, 0}}, "a scalar must have one element");
  expect_refused({{EwOp::kConst, 0, 1, 0}}, "constant must be below 1");
  expect_refused({{EwOp::kStore, 0, 0, 0}}, "register 0 is read before it is written");
  expect_refused({{EwOp::kLoad, 0, 0, 0}, {EwOp::kAdd, 1, 0, 2}}, "instruction 1: register 2 is");
  expect_refused({{EwOp::kLoad, 0, 0, 0}, {EwOp::kFma, 1, 0, 0}}, "register 1 is read before");
  expect_refused({{EwOp::kLoad, 0, 0, 0}, {EwOp::kAdd, 1, 0, 12}}, "registers must be below 12");
  expect_refused({{static_cast<EwOp>(77), 0, 0, 0}}, "there is no instruction 77");
  expect_invalid([&] { ew(cpu_, {}, {}, {}); }, "at least one io");
  const std::vector<Tensor> strided = {zeros({4, 4}).slice(1, 0, 2)};
  expect_invalid([&] { ew(cpu_, {}, strided, {}); }, "io 0 must be contiguous");
}

}  // namespace switchyard::ops::generic
