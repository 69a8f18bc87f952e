#include "ops/generic/elementwise.h"

#include <limits>

#include "ops/generic/select.h"
#include "tests/engine/ops/generic/test_support.h"

namespace switchyard::ops::generic {

namespace {

using tensor::Tensor;
using Code = std::vector<ElementwiseInstruction>;
using Over = ElementwiseDomain::Over;

void run(const Backend& backend, const Code& code, const std::vector<Tensor>& io,
         const std::vector<float>& constants, const ElementwiseDomain& domain = {}) {
  ElementwisePrograms programs;
  elementwise(backend, programs, code, io, constants, domain);
}

class Elementwise : public CpuTest {
 protected:
  // Loads io 0 into register 0 and io 1 into register 1, runs `op` on register 2, stores it to
  // io 2.
  std::vector<float> apply(ElementwiseOp op, std::vector<float> a, std::vector<float> b) {
    const auto n = static_cast<int64_t>(a.size());
    const std::vector<Tensor> io = {Tensor::from({n}, a), Tensor::from({n}, b), zeros({n})};
    const std::vector<float> constants = {10.0F};
    const Code code = {{ElementwiseOp::kLoad, 0, 0, 0},
                       {ElementwiseOp::kLoad, 1, 1, 0},
                       {ElementwiseOp::kConst, 2, 0, 0},
                       {op, 2, 0, 1},
                       {ElementwiseOp::kStore, 2, 2, 0}};
    run(cpu_, code, io, constants);
    return io[2].to_vector<float>();
  }

  void expect_refused(const Code& code, const std::string& text) {
    const std::vector<Tensor> io = {zeros({3}), zeros({1}), zeros({2})};
    const std::vector<float> constants = {1.0F};
    expect_invalid([&] { run(cpu_, code, io, constants); }, text);
  }
};

// One element, one instruction at a time.
void interpret(const Code& code, const std::vector<float*>& io, const std::vector<float>& k) {
  std::array<float, kElementwiseRegisters> r{};
  for (const ElementwiseInstruction& i : code) {
    switch (i.op) {
      case ElementwiseOp::kLoad:
      case ElementwiseOp::kScalar:
        r[i.d] = *io[i.a];
        break;
      case ElementwiseOp::kStore:
        *io[i.a] = r[i.d];
        break;
      case ElementwiseOp::kConst:
        r[i.d] = k[i.a];
        break;
      case ElementwiseOp::kAdd:
        r[i.d] = r[i.a] + r[i.b];
        break;
      case ElementwiseOp::kSub:
        r[i.d] = r[i.a] - r[i.b];
        break;
      case ElementwiseOp::kMul:
        r[i.d] = r[i.a] * r[i.b];
        break;
      case ElementwiseOp::kMax:
        r[i.d] = std::max(r[i.a], r[i.b]);
        break;
      case ElementwiseOp::kMin:
        r[i.d] = std::min(r[i.a], r[i.b]);
        break;
      case ElementwiseOp::kFma:
        r[i.d] += r[i.a] * r[i.b];
        break;
      case ElementwiseOp::kAbs:
        r[i.d] = std::fabs(r[i.a]);
        break;
      case ElementwiseOp::kSign:
        r[i.d] = static_cast<float>((r[i.a] > 0.0F ? 1 : 0) - (r[i.a] < 0.0F ? 1 : 0));
        break;
      default:
        r[i.d] = r[i.a] > 0.0F ? r[i.b] : r[i.d];
    }
  }
}

// Adam as in Kingma and Ba 2015, with the gradient times io 4 and the step size in io 5.
const Code kAdam = {{ElementwiseOp::kLoad, 0, 1, 0},   {ElementwiseOp::kScalar, 1, 4, 0},
                    {ElementwiseOp::kMul, 0, 0, 1},  // g
                    {ElementwiseOp::kLoad, 2, 2, 0},   {ElementwiseOp::kConst, 3, 0, 0},
                    {ElementwiseOp::kMul, 2, 2, 3},  // beta1 m
                    {ElementwiseOp::kConst, 3, 1, 0},  {ElementwiseOp::kFma, 2, 0, 3},
                    {ElementwiseOp::kStore, 2, 2, 0},  // m
                    {ElementwiseOp::kLoad, 4, 3, 0},   {ElementwiseOp::kConst, 3, 2, 0},
                    {ElementwiseOp::kMul, 4, 4, 3},  // beta2 v
                    {ElementwiseOp::kMul, 0, 0, 0},    {ElementwiseOp::kConst, 3, 3, 0},
                    {ElementwiseOp::kFma, 4, 0, 3},  //
                    {ElementwiseOp::kStore, 4, 3, 0},  {ElementwiseOp::kSqrt, 4, 4, 0},
                    {ElementwiseOp::kConst, 3, 4, 0},  // v
                    {ElementwiseOp::kAdd, 4, 4, 3},    {ElementwiseOp::kDiv, 2, 2, 4},
                    {ElementwiseOp::kScalar, 5, 5, 0}, {ElementwiseOp::kMul, 2, 2, 5},
                    {ElementwiseOp::kLoad, 6, 0, 0},   {ElementwiseOp::kSub, 6, 6, 2},
                    {ElementwiseOp::kStore, 6, 0, 0}};
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

TEST_F(Elementwise, KnowsEveryInstruction) {
  const float nan = std::nanf("");
  const std::vector<float> a = {4.0F, -2.0F, 0.0F, 0.25F};
  const std::vector<float> b = {2.0F, 3.0F, -5.0F, 8.0F};
  EXPECT_EQ(apply(ElementwiseOp::kAdd, a, b), (std::vector<float>{6, 1, -5, 8.25F}));
  EXPECT_EQ(apply(ElementwiseOp::kSub, a, b), (std::vector<float>{2, -5, 5, -7.75F}));
  EXPECT_EQ(apply(ElementwiseOp::kMul, a, b), (std::vector<float>{8, -6, -0.0F, 2}));
  EXPECT_EQ(apply(ElementwiseOp::kDiv, b, {2, 2, 2, 2}), (std::vector<float>{1, 1.5F, -2.5F, 4}));
  EXPECT_EQ(apply(ElementwiseOp::kMax, a, b), (std::vector<float>{4, 3, 0, 8}));
  EXPECT_EQ(apply(ElementwiseOp::kMin, a, b), (std::vector<float>{2, -2, -5, 0.25F}));
  EXPECT_EQ(apply(ElementwiseOp::kFma, a, b), (std::vector<float>{18, 4, 10, 12}));
  EXPECT_EQ(apply(ElementwiseOp::kAbs, a, b), (std::vector<float>{4, 2, 0, 0.25F}));
  EXPECT_EQ(apply(ElementwiseOp::kSign, a, b), (std::vector<float>{1, -1, 0, 1}));
  EXPECT_EQ(apply(ElementwiseOp::kSelect, a, b), (std::vector<float>{2, 10, 10, 8}));
  EXPECT_EQ(apply(ElementwiseOp::kSqrt, {4, 9}, {0, 0}), (std::vector<float>{2, 3}));
  EXPECT_EQ(apply(ElementwiseOp::kRsqrt, {4, 0.25F}, {0, 0}), (std::vector<float>{0.5F, 2}));
  EXPECT_TRUE(std::isnan(apply(ElementwiseOp::kSign, {nan}, {0})[0]));
  EXPECT_TRUE(std::isnan(apply(ElementwiseOp::kMax, {nan}, {0})[0]));
  EXPECT_NEAR(apply(ElementwiseOp::kExp, {1.5F}, {0})[0], std::exp(1.5), 1e-6);
  EXPECT_NEAR(apply(ElementwiseOp::kLog, {1.5F}, {0})[0], std::log(1.5), 1e-7);
  EXPECT_NEAR(apply(ElementwiseOp::kTanh, {1.5F}, {0})[0], std::tanh(1.5), 1e-7);
}

TEST_F(Elementwise, RunsAdamLikeAPlainLoop) {
  for (const int64_t n : {1, 511, 513, 100003}) {
    const std::vector<Tensor> io = adam_tensors(n);
    std::vector<std::vector<float>> old;
    for (const Tensor& t : io) {
      old.push_back(t.to_vector<float>());
    }
    run(cpu_, kAdam, io, kAdamConstants);
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

TEST_F(Elementwise, DoesNotDependOnTheNumberOfThreads) {
  expect_same_for_any_threads([](const Backend& backend) {
    const std::vector<Tensor> io = adam_tensors(70001);
    run(backend, kAdam, io, kAdamConstants);
    return io[0];
  });
}

TEST_F(Elementwise, ALoadedRegisterKeepsItsValueWhenItsTensorIsOverwritten) {
  const Tensor x = Tensor::from({2}, std::vector<float>{1.0F, 2.0F});
  const Tensor y = zeros({2});
  const std::vector<Tensor> io = {x, y, x};  // the third is the first under another number
  const std::vector<float> constants = {7.0F};
  for (const uint8_t target : {uint8_t{0}, uint8_t{2}}) {
    x.data<float>()[0] = 1.0F;
    x.data<float>()[1] = 2.0F;
    run(cpu_,
        Code{{ElementwiseOp::kLoad, 0, 0, 0},
             {ElementwiseOp::kConst, 1, 0, 0},
             {ElementwiseOp::kStore, 1, target, 0},
             {ElementwiseOp::kStore, 0, 1, 0}},
        io, constants);
    EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{7, 7}));
    EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{1, 2}));
  }
}

TEST_F(Elementwise, AScalarIsReadBeforeTheProgramBegins) {
  const Tensor x = Tensor::from({1}, std::vector<float>{3.0F});
  const std::vector<Tensor> io = {x};
  run(cpu_,
      Code{{ElementwiseOp::kScalar, 0, 0, 0},
           {ElementwiseOp::kAdd, 1, 0, 0},
           {ElementwiseOp::kStore, 1, 0, 0},
           {ElementwiseOp::kScalar, 2, 0, 0},
           {ElementwiseOp::kAdd, 2, 2, 1},
           {ElementwiseOp::kStore, 2, 0, 0}},
      io, {});
  EXPECT_EQ(element(x, 0), 9.0F);
}

// Random programs against one element at a time: numbers, loads, stores and registers in any order.
TEST_F(Elementwise, AnyProgramMatchesAnInterpreterOfOneElement) {
  constexpr int64_t kCount = 300;
  std::mt19937 engine(3);
  const auto pick = [&](int limit) {
    return static_cast<uint8_t>(std::uniform_int_distribution<int>(0, limit - 1)(engine));
  };
  const std::vector<ElementwiseOp> ops = {
      ElementwiseOp::kLoad,  ElementwiseOp::kStore, ElementwiseOp::kConst, ElementwiseOp::kScalar,
      ElementwiseOp::kAdd,   ElementwiseOp::kSub,   ElementwiseOp::kMul,   ElementwiseOp::kMax,
      ElementwiseOp::kMin,   ElementwiseOp::kFma,   ElementwiseOp::kAbs,   ElementwiseOp::kSign,
      ElementwiseOp::kSelect};
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
      code.push_back({ElementwiseOp::kLoad, r, pick(3), 0});
    }
    for (int i = 0; i < 12; ++i) {
      const ElementwiseOp op = ops[pick(static_cast<int>(ops.size()))];
      const bool element = op == ElementwiseOp::kLoad || op == ElementwiseOp::kStore;
      const uint8_t tensor = std::vector<uint8_t>{0, 1, 2, 4}[pick(4)];
      const uint8_t a = element ? tensor : op == ElementwiseOp::kScalar ? uint8_t{3} : pick(3);
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
    run(cpu_, code, io, constants);
    for (size_t t = 0; t < 3; ++t) {
      ASSERT_EQ(io[t].to_vector<float>(), expected[t]) << "trial " << trial << " io " << t;
    }
  }
}

// Adam on chosen rows of param and moments equals Adam on those rows alone, bit for bit.
TEST_F(Elementwise, SomeRowsEqualAProgramOverThoseRows) {
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
    run(cpu_, kAdam, chosen, kAdamConstants);
    for (const size_t t : {0U, 2U, 3U}) {
      std::vector<float>& into = expected[t == 0 ? 0 : t - 1];
      for (int64_t j = 0; j < 5; ++j) {
        std::copy_n(chosen[t].data<float>() + j * width, width,
                    into.begin() + ids.data<int32_t>()[j] * width);
      }
    }
    run(cpu_, kAdam, whole, kAdamConstants, {.over = Over::kRows, .rows = ids, .by_row = kByRow});
    EXPECT_EQ(whole[0].to_vector<float>(), expected[0]) << "width " << width;
    EXPECT_EQ(whole[2].to_vector<float>(), expected[1]);
    EXPECT_EQ(whole[3].to_vector<float>(), expected[2]);
  }
}

TEST_F(Elementwise, RowsDoNotDependOnTheNumberOfThreads) {
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
    run(backend, kAdam, io, kAdamConstants,
        {.over = Over::kRows, .rows = Tensor::from<int32_t>({150}, ids), .by_row = 0b1101});
    return io[0];
  });
}

TEST_F(Elementwise, RowsAreCheckedFirst) {
  const std::vector<Tensor> io = {zeros({4, 2}), zeros({2, 2}), zeros({1})};
  const Code add = {{ElementwiseOp::kLoad, 0, 0, 0},
                    {ElementwiseOp::kLoad, 1, 1, 0},
                    {ElementwiseOp::kAdd, 0, 0, 1},
                    {ElementwiseOp::kStore, 0, 0, 0}};
  const auto run_chosen = [&](const std::vector<int32_t>& ids, uint32_t by_row, const Code& code) {
    const auto n = static_cast<int64_t>(ids.size());
    run(cpu_, code, io, {},
        {.over = Over::kRows, .rows = Tensor::from<int32_t>({n}, ids), .by_row = by_row});
  };
  run_chosen({3, 1}, 1, add);
  run_chosen({}, 3, add);
  expect_invalid([&] { run_chosen({4, 1}, 1, add); },
                 "rows must be in [0, 4) for io 0, position 0 has 4");
  expect_invalid([&] { run_chosen({-1, 1}, 1, add); }, "has -1");
  expect_invalid([&] { run_chosen({1}, 1, add); }, "io 1 must have the shape [1, 2], got [2, 2]");
  expect_invalid([&] { run_chosen({1, 2}, 0, add); },
                 "io 0 must have the shape [2, 2], got [4, 2]");
  expect_invalid([&] { run_chosen({1}, 4, {{ElementwiseOp::kLoad, 0, 2, 0}}); },
                 "io 2 must have the shape");
}

TEST_F(Elementwise, EmptyTensorsAreLeftAlone) {
  const std::vector<Tensor> io = {zeros({0})};
  EXPECT_NO_THROW(
      run(cpu_, Code{{ElementwiseOp::kLoad, 0, 0, 0}, {ElementwiseOp::kStore, 0, 0, 0}}, io, {}));
}

// The same code with other tensors and constants, from the programs that were planned.
TEST_F(Elementwise, APlannedProgramServesOtherTensorsAndConstants) {
  const Code scale = {{ElementwiseOp::kLoad, 0, 0, 0},   {ElementwiseOp::kConst, 1, 0, 0},
                      {ElementwiseOp::kScalar, 2, 1, 0}, {ElementwiseOp::kMul, 1, 1, 2},
                      {ElementwiseOp::kMul, 0, 0, 1},    {ElementwiseOp::kStore, 0, 0, 0}};
  ElementwisePrograms programs;
  for (const float factor : {2.0F, 3.0F}) {
    const auto n = static_cast<int64_t>(factor);
    const std::vector<Tensor> io = {Tensor::from({n}, std::vector<float>(n, 1.5F)),
                                    Tensor::from({1}, std::vector<float>{-factor})};
    const std::vector<float> constants = {factor};
    elementwise(cpu_, programs, scale, io, constants);
    EXPECT_EQ(io[0].to_vector<float>(), std::vector<float>(n, -1.5F * factor * factor));
  }
  const auto* planned = &programs.find_or_plan(scale, 0);
  EXPECT_EQ(&programs.find_or_plan(scale, 0), planned);
  for (uint8_t r = 0; r < 40; ++r) {  // many programs; old ones are forgotten and planned anew
    const Code fill = {{ElementwiseOp::kConst, static_cast<uint8_t>(r % 12), 0, 0},
                       {ElementwiseOp::kStore, static_cast<uint8_t>(r % 12), r > 20, 0}};
    const std::vector<Tensor> io = {zeros({3}), zeros({3})};
    const std::vector<float> constants = {static_cast<float>(r)};
    elementwise(cpu_, programs, fill, io, constants);
    EXPECT_EQ(element(io[r > 20 ? 1 : 0], 2), static_cast<float>(r));
  }
  const std::vector<Tensor> io = {zeros({3}), zeros({2})};
  expect_invalid([&] { elementwise(cpu_, programs, scale, io, {}); }, "constant must be below 0");
}

TEST_F(Elementwise, ChecksTheWholeProgramFirst) {
  expect_refused({{ElementwiseOp::kLoad, 12, 0, 0}},
                 "instruction 0: register d must be below 12, got 12");
  expect_refused({{ElementwiseOp::kLoad, 0, 3, 0}}, "io must be below 3, got 3");
  expect_refused({{ElementwiseOp::kLoad, 0, 2, 0}}, "io 2 must have the shape of io 0");
  expect_refused({{ElementwiseOp::kScalar, 0, 2, 0}}, "a scalar must have one element");
  expect_refused({{ElementwiseOp::kConst, 0, 1, 0}}, "constant must be below 1");
  expect_refused({{ElementwiseOp::kStore, 0, 0, 0}}, "register 0 is read before it is written");
  expect_refused({{ElementwiseOp::kLoad, 0, 0, 0}, {ElementwiseOp::kAdd, 1, 0, 2}},
                 "instruction 1: register 2 is");
  expect_refused({{ElementwiseOp::kLoad, 0, 0, 0}, {ElementwiseOp::kFma, 1, 0, 0}},
                 "register 1 is read before");
  expect_refused({{ElementwiseOp::kLoad, 0, 0, 0}, {ElementwiseOp::kAdd, 1, 0, 12}},
                 "registers must be below 12");
  expect_refused({{static_cast<ElementwiseOp>(77), 0, 0, 0}}, "there is no instruction 77");
  expect_refused(Code(257, {ElementwiseOp::kConst, 0, 0, 0}), "256 instructions, got 257");
  expect_invalid([&] { run(cpu_, {}, {}, {}); }, "needs 1 to 32 io tensors, got 0");
  const std::vector<Tensor> strided = {zeros({4, 4}).slice(1, 0, 2)};
  expect_invalid([&] { run(cpu_, {}, strided, {}); }, "io 0 must be contiguous");
}

}  // namespace switchyard::ops::generic
