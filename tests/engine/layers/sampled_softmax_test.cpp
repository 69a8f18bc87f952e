#include "layers/sampled_softmax.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "layers/softmax_head.h"
#include "layers/workspace.h"
#include "tests/support/dense_gradient.h"
#include "tests/support/error_matcher.h"
#include "tests/support/random_tensor.h"

namespace switchyard::layers {
namespace {

using tensor::Tensor;
using tests::relative_error;
using tests::to_double;

constexpr double kScale = 0.5;  // grad_scale

std::vector<int64_t> alike(int64_t V) {
  return std::vector<int64_t>(static_cast<size_t>(V), 1);
}

enum class Gradient { kByRow, kDense };

// A head in the layout of a table, a sampled softmax of its weights, and what a pass needs.
struct Bench {
  Bench(int64_t V, int64_t D, int64_t K, ClassSampler sampler, Gradient gradient,
        int num_threads = 2)
      : threads(num_threads),
        head("softmax",
             {.d_model = D,
              .vocab_size = V,
              .layout = SoftmaxHead::Layout::kTable,
              .touched_rows = {.per_token = gradient == Gradient::kByRow ? 1 : 0,
                               .fixed = gradient == Gradient::kByRow ? K : 0}},
             parameters),
        sampled("softmax", K, std::move(sampler), head.weights(), head.bias()) {
    parameters.allocate(allocator);
  }

  void randomize(float scale) {
    fill(head.weights().value, 1, scale);
    fill(head.bias().value, 2, scale);
  }

  static void fill(const Tensor& t, uint64_t seed, float scale) {
    const std::vector<float> values = tests::random_values(t.count(), seed, scale);
    std::copy(values.begin(), values.end(), t.data<float>());
  }

  Pass& pass(int64_t step = 1) { return workspace.begin(Mode::kTrain, 7, step); }

  double train(const Tensor& x, const Tensor& targets, const Tensor& grad_x, int64_t step = 1) {
    const Tensor loss = sampled.loss_and_gradient(x, targets, kScale, grad_x, pass(step));
    return loss.to_vector<double>()[0];
  }

  core::ThreadPool threads;
  tensor::CpuDevice device{threads};
  tensor::CpuAllocator allocator;
  Workspace workspace{ops::backend_on(device)};
  tensor::ParameterSet parameters;
  SoftmaxHead head;
  SampledSoftmax sampled;
};

// The sample that a Bench draws at that step.
struct Sample {
  Sample(ClassSampler sampler, int64_t K, int64_t step) : classes(static_cast<size_t>(K)) {
    const core::RngKey key =
        core::rng_key(7, "softmax", static_cast<uint32_t>(core::RngPurpose::kSample));
    const int64_t draws = sampler.draw(key, {.step = step}, classes);
    for (int32_t c = 0; c < sampler.num_classes(); ++c) {
      log_q.push_back(sampler.log_expected_count(c, draws));
    }
  }
  [[nodiscard]] bool has(int32_t c) const {
    return std::find(classes.begin(), classes.end(), c) != classes.end();
  }

  std::vector<int32_t> classes;
  std::vector<double> log_q;
};

// The equations, one after the other, in double. f [T, D], w [V, D], b [V].
double plain_loss(const Sample& sample, const std::vector<int32_t>& targets,
                  const std::vector<double>& f, const std::vector<double>& w,
                  const std::vector<double>& b) {
  const size_t D = f.size() / targets.size();
  double loss = 0.0;
  for (size_t t = 0; t < targets.size(); ++t) {
    if (targets[t] < 0) {
      continue;
    }
    const auto a = [&](int32_t word) {
      const auto c = static_cast<size_t>(word);
      double sum = b[c] - sample.log_q[c];
      for (size_t d = 0; d < D; ++d) {
        sum += f[t * D + d] * w[c * D + d];
      }
      return sum;
    };
    double z = std::exp(a(targets[t]));
    for (const int32_t c : sample.classes) {
      z += c == targets[t] ? 0.0 : std::exp(a(c));
    }
    loss += std::log(z) - a(targets[t]);
  }
  return loss;
}

std::vector<double> spread(const tensor::Parameter& parameter) {
  const std::vector<float> values = tests::dense_gradient(parameter);
  return {values.begin(), values.end()};
}

TEST(SampledSoftmax, ZeroWeightsAndAUniformProposalGiveTheLogarithmOfTheChoices) {
  constexpr int64_t kV = 793471;
  constexpr int64_t kK = 8192;
  const std::vector<int64_t> counts = alike(kV);
  Bench bench(kV, 2, kK, ClassSampler::unigram(counts, 1.0), Gradient::kByRow);
  const Sample sample(ClassSampler::unigram(counts, 1.0), kK, 1);
  const int32_t sampled = sample.classes[77];
  int32_t other = 1000;
  while (sample.has(other)) {
    ++other;
  }
  const Tensor x = tests::random_tensor({1, 2}, 3);
  const Tensor grad_x = tests::zero_tensor({1, 2});
  // ln 8193 of the choices; a target that is sampled counts once: ln 8192.
  EXPECT_NEAR(bench.train(x, Tensor::from<int32_t>({1}, {other}), grad_x), 9.011035, 2e-6);
  EXPECT_NEAR(bench.train(x, Tensor::from<int32_t>({1}, {sampled}), grad_x), std::log(8192.0),
              2e-6);
  EXPECT_EQ(bench.head.weights().row_grad.rows().count(), kK + 1);
}

TEST(SampledSoftmax, OfEveryClassAlikeIsTheFullSoftmax) {
  constexpr int64_t kV = 37;
  const std::vector<int64_t> counts = alike(kV);
  Bench sampled(kV, 5, kV, ClassSampler::unigram(counts, 1.0), Gradient::kDense);
  Bench full(kV, 5, kV, ClassSampler::unigram(counts, 1.0), Gradient::kDense);
  sampled.randomize(1.0F);
  full.randomize(1.0F);
  const Tensor x = tests::random_tensor({6, 5}, 3, 2.0F);
  const Tensor targets = Tensor::from<int32_t>({6}, {0, 36, 7, -1, 7, 20});
  const Tensor grad_x = tests::zero_tensor({6, 5});
  const Tensor grad_x_full = tests::zero_tensor({6, 5});
  Pass& pass = full.pass();
  const Tensor loss = full.head.loss_and_gradient(x, targets, kScale, grad_x_full, pass);
  EXPECT_NEAR(sampled.train(x, targets, grad_x), loss.to_vector<double>()[0], 1e-5);
  EXPECT_LT(relative_error(to_double(grad_x), to_double(grad_x_full)), 1e-5);
  for (const char* name : {"softmax.table", "softmax.bias"}) {
    EXPECT_LT(relative_error(to_double(sampled.parameters.find(name)->grad),
                             to_double(full.parameters.find(name)->grad)),
              1e-5)
        << name;
  }
}

TEST(SampledSoftmax, LossAndGradientsEqualThoseOfThePlainFormula) {
  constexpr int64_t kV = 50;
  constexpr int64_t kK = 12;
  constexpr int64_t kD = 4;
  Bench bench(kV, kD, kK, ClassSampler::log_uniform(kV), Gradient::kByRow);
  bench.randomize(1.0F);
  const Sample sample(ClassSampler::log_uniform(kV), kK, 1);
  std::vector<int32_t> targets = {sample.classes[0], sample.classes[5], -1, 49, 49, 31, 2};
  const auto T = static_cast<int64_t>(targets.size());
  const Tensor x = tests::random_tensor({T, kD}, 3, 2.0F);
  const Tensor grad_x = tests::zero_tensor({T, kD});
  const double loss = bench.train(x, Tensor::from<int32_t>({T}, targets), grad_x);
  const std::vector<double> f = to_double(x);
  const std::vector<double> w = to_double(bench.head.weights().value);
  const std::vector<double> b = to_double(bench.head.bias().value);
  EXPECT_NEAR(loss, plain_loss(sample, targets, f, w, b), 1e-5);
  const auto expect_equal = [](const std::vector<double>& got, const std::vector<double>& at,
                               const auto& loss_at, const char* name) {
    const auto scaled = [&](const std::vector<double>& v) { return kScale * loss_at(v); };
    EXPECT_LT(relative_error(got, tests::numeric_gradient(at, scaled)), 1e-5) << name;
  };
  expect_equal(
      to_double(grad_x), f, [&](const auto& v) { return plain_loss(sample, targets, v, w, b); },
      "f");
  expect_equal(
      spread(bench.head.weights()), w,
      [&](const auto& v) { return plain_loss(sample, targets, f, v, b); }, "w");
  expect_equal(
      spread(bench.head.bias()), b,
      [&](const auto& v) { return plain_loss(sample, targets, f, w, v); }, "b");
}

TEST(SampledSoftmax, AGradientByRowHasTheBitsOfTheDenseOneForAnyThreads) {
  constexpr int64_t kV = 900;
  constexpr int64_t kT = 150;
  const Tensor x = tests::random_tensor({kT, 64}, 3);
  std::vector<int32_t> targets;
  for (int32_t t = 0; t < kT; ++t) {
    targets.push_back(t % 10 == 9 ? -1 : t * t % kV);
  }
  std::vector<std::vector<double>> results;
  for (const Gradient gradient : {Gradient::kByRow, Gradient::kDense}) {
    for (const int threads : {1, 2, 3}) {
      Bench bench(kV, 64, 200, ClassSampler::log_uniform(kV), gradient, threads);
      bench.randomize(0.3F);
      const Tensor grad_x = tests::zero_tensor({kT, 64});
      (void)bench.train(x, Tensor::from<int32_t>({kT}, targets), grad_x);
      results.push_back(spread(bench.head.weights()));
      const std::vector<double> bias = spread(bench.head.bias());
      results.back().insert(results.back().end(), bias.begin(), bias.end());
      const std::vector<double> input = to_double(grad_x);
      results.back().insert(results.back().end(), input.begin(), input.end());
      EXPECT_EQ(results.back(), results.front()) << threads;
    }
  }
}

// Averaged over many samples, the gradient of x approaches the full softmax's as the sample grows.
TEST(SampledSoftmax, ItsExpectedGradientApproachesTheFullOne) {
  constexpr int64_t kV = 60;
  constexpr int64_t kD = 4;
  constexpr int64_t kSteps = 1000;
  const Tensor x = tests::random_tensor({3, kD}, 3, 2.0F);
  const Tensor targets = Tensor::from<int32_t>({3}, {3, 17, 55});
  std::vector<double> errors;
  for (const int64_t K : {2, 8, 32}) {
    Bench bench(kV, kD, K, ClassSampler::log_uniform(kV), Gradient::kDense, 1);
    bench.randomize(1.0F);
    const Tensor grad_x = tests::zero_tensor({3, kD});
    Pass& pass = bench.pass();
    (void)bench.head.loss_and_gradient(x, targets, kScale, grad_x, pass);
    const std::vector<double> full = to_double(grad_x);
    std::vector<double> mean(full.size(), 0.0);
    for (int64_t step = 1; step <= kSteps; ++step) {
      (void)bench.train(x, targets, grad_x, step);
      for (size_t i = 0; i < mean.size(); ++i) {
        mean[i] += static_cast<double>(grad_x.data<float>()[i]) / kSteps;
      }
    }
    errors.push_back(relative_error(mean, full));
  }
  EXPECT_LT(errors[1], 0.6 * errors[0]);
  EXPECT_LT(errors[2], 0.6 * errors[1]);
  EXPECT_LT(errors[2], 0.05);
}

TEST(SampledSoftmax, TakesNoMoreMemoryAfterItsFirstSteps) {
  Bench bench(500, 8, 50, ClassSampler::log_uniform(500), Gradient::kByRow);
  const Tensor x = tests::random_tensor({20, 8}, 3);
  const Tensor targets = Tensor::from<int32_t>({20}, std::vector<int32_t>(20, 4));
  const Tensor grad_x = tests::zero_tensor({20, 8});
  (void)bench.train(x, targets, grad_x);
  const int64_t capacity = bench.pass().scratch->capacity_bytes();
  (void)bench.train(x, targets, grad_x, 2);
  EXPECT_EQ(bench.pass().scratch->capacity_bytes(), capacity);
  EXPECT_LE(bench.workspace.peak_memory().scratch, 1.2 * bench.sampled.scratch_bytes(20) + 8192.0);
}

TEST(SampledSoftmax, RefusesMoreSamplesThanWords) {
  EXPECT_ERROR(Bench(10, 2, 11, ClassSampler::log_uniform(10), Gradient::kDense),
               core::ErrorCode::kInvalidArgument, "must sample 1 ... 10 words, got 11");
}

TEST(SoftmaxHead, BothLayoutsAndTiedWeightsGiveTheSame) {
  constexpr int64_t kV = 41;
  constexpr int64_t kD = 6;
  Bench table(kV, kD, 1, ClassSampler::log_uniform(kV), Gradient::kDense);
  table.randomize(1.0F);
  tensor::ParameterSet parameters;
  SoftmaxHead kernel("softmax", {.d_model = kD, .vocab_size = kV}, parameters);
  tensor::Parameter& words = parameters.add({.name = "embedding.table", .shape = {kV, kD}});
  SoftmaxHead tied(
      "tied",
      {.d_model = kD, .vocab_size = kV, .layout = SoftmaxHead::Layout::kTable, .tied_to = &words},
      parameters);
  EXPECT_EQ(parameters.find("tied.table"), nullptr);
  parameters.allocate(table.allocator);
  for (int64_t v = 0; v < kV; ++v) {
    for (int64_t d = 0; d < kD; ++d) {
      const float value = table.head.weights().value.data<float>()[v * kD + d];
      kernel.weights().value.data<float>()[d * kV + v] = value;
      words.value.data<float>()[v * kD + d] = value;
    }
    const float bias = table.head.bias().value.data<float>()[v];
    kernel.bias().value.data<float>()[v] = bias;
    tied.bias().value.data<float>()[v] = bias;
  }
  const Tensor x = tests::random_tensor({9, kD}, 3);
  const Tensor targets = Tensor::from<int32_t>({9}, {1, 2, 3, -1, 5, 40, 0, 2, 9});
  std::vector<double> losses;
  std::vector<std::vector<double>> inputs;
  for (const SoftmaxHead* head : {&table.head, &kernel, &tied}) {
    Pass& pass = table.pass();
    const Tensor grad_x = tests::zero_tensor({9, kD});
    const Tensor loss = head->loss_and_gradient(x, targets, kScale, grad_x, pass);
    losses.push_back(loss.to_vector<double>()[0]);
    inputs.push_back(to_double(grad_x));
    EXPECT_NEAR(head->loss(x, targets, pass).to_vector<double>()[0], losses.front(), 1e-5);
    EXPECT_NEAR(losses.back(), losses.front(), 1e-5);
    EXPECT_LT(relative_error(inputs.back(), inputs.front()), 1e-6);
  }
  const std::vector<double> expected = to_double(table.head.weights().grad);
  EXPECT_LT(relative_error(to_double(words.grad), expected), 1e-6);
  for (int64_t v = 0; v < kV; ++v) {
    for (int64_t d = 0; d < kD; ++d) {
      EXPECT_NEAR(kernel.weights().grad.data<float>()[d * kV + v],
                  expected[static_cast<size_t>(v * kD + d)], 1e-6);
    }
  }
}

TEST(SoftmaxHead, RefusesWhatItsLayoutCannotDo) {
  tensor::ParameterSet parameters;
  EXPECT_ERROR(SoftmaxHead("a", {.d_model = 2, .vocab_size = 3, .touched_rows = {.per_token = 1}},
                           parameters),
               core::ErrorCode::kInvalidArgument, "need the layout kTable");
  Bench bench(10, 2, 3, ClassSampler::log_uniform(10), Gradient::kByRow);
  Pass& pass = bench.pass();
  const Tensor x = tests::zero_tensor({1, 2});
  EXPECT_ERROR((void)bench.head.loss_and_gradient(x, Tensor::from<int32_t>({1}, {0}), 1.0,
                                                  tests::zero_tensor({1, 2}), pass),
               core::ErrorCode::kInvalidArgument, "'softmax.table' must have a dense gradient");
}

}  // namespace
}  // namespace switchyard::layers
