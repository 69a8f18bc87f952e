#include "models/language_model.h"

#include <gtest/gtest.h>

#include "optim/optimizer.h"
#include "tests/engine/models/model_bench.h"
#include "tests/support/dense_gradient.h"
#include "tests/support/error_matcher.h"
#include "tests/support/fixed_components.h"

namespace switchyard::models {
namespace {

using tensor::Tensor;

LanguageModelConfig small_model() {
  LanguageModelConfig config = {.vocab_size = kV, .d_model = 8, .dropout = 0.0};
  config.moe.gate = {.plugin = "noisy_topk", .values = {{"k", int64_t{2}}}, .where = "test"};
  config.moe.experts = {{.component = ffn(12), .count = 3}, {.component = ffn(5), .count = 2}};
  return config;
}

// Embedding to loss through the C ABI, noise and both balance losses on.
TEST(LanguageModel, GradientsEqualDirectionalFiniteDifferences) {
  Bench bench(small_model());
  expect_gradients_equal_differences(bench);
}

// Units unlike d_model, projected, and no residuals.
TEST(LanguageModel, GradientsOfAProjectedStackWithoutResidualsEqualFiniteDifferences) {
  LanguageModelConfig config = small_model();
  config.residual = false;
  config.lstm = {.units = 11, .projection = 8, .forget_bias = 0.5};
  Bench bench(config);
  expect_gradients_equal_differences(bench);
}

// Without the paper's sigmoid on the output the loss bends more: a smaller step.
TEST(LanguageModel, GradientsOfAMixtureAddedAsItIsEqualFiniteDifferences) {
  LanguageModelConfig config = small_model();
  config.moe_output = ops::nn::OutputActivation::kIdentity;
  Bench bench(config);
  expect_gradients_equal_differences(bench, 3e-4);
}

TEST(LanguageModel, InitialRangesReachTheWeightsTheyName) {
  LanguageModelConfig config = small_model();
  config.init_range = 0.1;
  config.lstm = {.units = 16, .projection = 8, .init_range = 0.25};
  Bench bench(config);
  const auto largest = [&](const char* name) {
    double found = 0.0;
    for (const float v : bench.parameters.find(name)->value.to_vector<float>()) {
      found = std::max(found, std::abs(static_cast<double>(v)));
    }
    return found;
  };
  EXPECT_NEAR(largest("embedding.table"), 0.1, 0.01);
  EXPECT_NEAR(largest("softmax.kernel"), 0.1, 0.01);
  EXPECT_EQ(largest("softmax.bias"), 0.0);
  EXPECT_NEAR(largest("layers.0.kernel"), 0.25, 0.01);
  EXPECT_NEAR(largest("layers.0.projection"), 0.25, 0.02);
  EXPECT_NEAR(largest("layers.0.bias"), 0.25, 0.03);
}

// Tied, one table has two gradients: of the words that went in and of those that came out.
TEST(LanguageModel, GradientsOfEverySoftmaxEqualDirectionalFiniteDifferences) {
  for (const bool tied : {false, true}) {
    for (const int64_t sampled : {0, 6}) {
      LanguageModelConfig config = small_model();
      config.softmax = {.sampled = sampled, .tied = tied};
      config.embedding.sparse_gradient = sampled > 0;
      SCOPED_TRACE(fmt::format("tied {}, sampled {}", tied, sampled));
      Bench bench(config);
      expect_gradients_equal_differences(bench);
    }
  }
}

TEST(LanguageModel, ASharedTableGathersTheRowsOfBothItsUses) {
  LanguageModelConfig config = small_model();
  config.vocab_size = 5000;
  config.softmax = {.sampled = 100, .tied = true};
  config.embedding.sparse_gradient = true;
  Bench bench(config);
  (void)bench.total_loss();
  EXPECT_EQ(bench.parameters.find("softmax.table"), nullptr);
  const tensor::Parameter& table = *bench.parameters.find("embedding.table");
  const int64_t softmax_rows = bench.parameters.find("softmax.bias")->row_grad.rows().count();
  EXPECT_GE(softmax_rows, 100);
  EXPECT_GE(table.row_grad.rows().count(), softmax_rows);
  EXPECT_LE(table.row_grad.rows().count(), 2 * kB * kS + 100);
  config.embedding.sparse_gradient = false;
  Bench dense(config);
  (void)dense.total_loss();
  EXPECT_EQ(tests::dense_gradient(*dense.parameters.find("embedding.table")),
            tests::dense_gradient(table));
}

// Training compares with a sample, evaluation with all words.
TEST(LanguageModel, EvaluatesASampledSoftmaxInFull) {
  LanguageModelConfig config = small_model();
  config.softmax = {.sampled = 4};
  Bench bench(config);
  layers::Pass& pass = bench.pass(layers::Mode::kEvaluate);
  for (tensor::Parameter& parameter : bench.parameters.all()) {
    std::fill_n(parameter.value.data<float>(), parameter.value.count(), 0.0F);
  }
  int64_t words = 0;
  for (const int32_t target : bench.input().targets.to_vector<int32_t>()) {
    words += target >= 0 ? 1 : 0;
  }
  EXPECT_NEAR(bench.model.evaluate(bench.input(), bench.state, pass) / static_cast<double>(words),
              std::log(static_cast<double>(kV)), 1e-5);
}

// All time steps at once, as the MoE sees them, or one step after the other: the same.
TEST(LanguageModel, ConvolutionalBatchEqualsStepByStep) {
  Bench bench(small_model());
  move(bench.parameters, 100, 0.3);
  const data::Batch whole = bench.input();
  const double at_once =
      bench.model.evaluate(whole, bench.state, bench.pass(layers::Mode::kEvaluate));

  CarriedState state = bench.model.make_state(kB, bench.allocator);
  double one_by_one = 0.0;
  for (int64_t s = 0; s < kS; ++s) {
    const auto column = [&](const Tensor& t) {
      Tensor out = Tensor::empty(t.dtype(), {kB, 1}, bench.allocator);
      for (int64_t b = 0; b < kB; ++b) {
        const int64_t bytes = tensor::size_of(t.dtype());
        std::copy_n(static_cast<const char*>(t.raw()) + (b * kS + s) * bytes, bytes,
                    static_cast<char*>(out.raw()) + b * bytes);
      }
      return out;
    };
    one_by_one += bench.model.evaluate({.tokens = column(whole.tokens),
                                        .targets = column(whole.targets),
                                        .resets = column(whole.resets)},
                                       state, bench.pass(layers::Mode::kEvaluate));
  }
  EXPECT_NEAR(at_once, one_by_one, 1e-4);
}

// The logits that a batch of whole texts gives, word by word.
std::vector<float> decode(Bench& bench, Decoding& texts, const std::vector<int32_t>& tokens) {
  layers::Pass& pass = bench.pass(layers::Mode::kEvaluate);
  const Tensor logits = tests::zero_tensor({texts.num_rows(), kV});
  texts.next(Tensor::from<int32_t>({texts.num_rows()}, tokens), logits, pass);
  return logits.to_vector<float>();
}

TEST(LanguageModel, DecodesWhatItEvaluates) {
  Bench bench(small_model());
  move(bench.parameters, 100, 0.3);
  const data::Batch batch = {.tokens = Tensor::from<int32_t>({1, 3}, {4, 9, 2}),
                             .targets = Tensor::from<int32_t>({1, 3}, {9, 2, 7}),
                             .resets = Tensor::from<uint8_t>({1, 3}, {1, 0, 0})};
  CarriedState state = bench.model.make_state(1, bench.allocator);
  layers::Pass& pass = bench.pass(layers::Mode::kEvaluate);
  const double evaluated = bench.model.evaluate(batch, state, pass);
  const auto text = bench.model.begin(1, bench.allocator);
  double decoded = 0.0;
  for (int64_t s = 0; s < 3; ++s) {
    const std::vector<float> logits = decode(bench, *text, {batch.tokens.data<int32_t>()[s]});
    double sum = 0.0;
    for (const float logit : logits) {
      sum += std::exp(static_cast<double>(logit));
    }
    const auto target = static_cast<size_t>(batch.targets.data<int32_t>()[s]);
    decoded += std::log(sum) - static_cast<double>(logits[target]);
  }
  EXPECT_NEAR(decoded, evaluated, 1e-4);
}

TEST(LanguageModel, ADecodingGoesOnFromTheRowsThatAreKept) {
  Bench bench(small_model());
  move(bench.parameters, 100, 0.3);
  const auto texts = bench.model.begin(2, bench.allocator);
  (void)decode(bench, *texts, {4, 9});
  const std::vector<float> plain = decode(bench, *texts, {1, 3});

  const auto kept = bench.model.begin(2, bench.allocator);
  (void)decode(bench, *kept, {4, 9});
  layers::Pass& pass = bench.pass(layers::Mode::kEvaluate);
  kept->keep(std::vector<int32_t>{1, 0, 1}, pass);
  ASSERT_EQ(kept->num_rows(), 3);
  const std::vector<float> swapped = decode(bench, *kept, {3, 1, 3});
  for (size_t v = 0; v < kV; ++v) {
    EXPECT_NEAR(swapped[v], plain[kV + v], 1e-5);
    EXPECT_NEAR(swapped[kV + v], plain[v], 1e-5);
    EXPECT_NEAR(swapped[2 * kV + v], plain[kV + v], 1e-5);
  }
  EXPECT_ERROR(kept->keep(std::vector<int32_t>{3}, pass), core::ErrorCode::kInvalidArgument,
               "a parent must be 0 ... 2, got 3");
}

TEST(LanguageModel, EqualSeedsGiveEqualBitsWithDropoutAndNoise) {
  LanguageModelConfig config = small_model();
  config.dropout = 0.3;
  Bench first(config);
  Bench second(config);
  EXPECT_EQ(first.total_loss(), second.total_loss());
  for (const tensor::Parameter& parameter : first.parameters.all()) {
    EXPECT_EQ(parameter.grad.to_vector<float>(),
              second.parameters.find(parameter.name)->grad.to_vector<float>())
        << parameter.name;
  }
}

// The words of a step and their gradients, added up in the order of a dense gradient.
TEST(LanguageModel, AnEmbeddingsGradientByRowHasTheBitsOfTheDenseOne) {
  LanguageModelConfig config = small_model();
  config.vocab_size = 5000;
  Bench dense(config);
  config.embedding.sparse_gradient = true;
  Bench by_row(config);
  EXPECT_EQ(dense.total_loss(), by_row.total_loss());
  const tensor::Parameter& table = *by_row.parameters.find("embedding.table");
  const Tensor rows = table.row_grad.rows();
  EXPECT_EQ(rows.count(), 23) << "the input has 23 different words";
  const Tensor all = dense.parameters.find("embedding.table")->grad;
  const std::vector<float> zeros(8);
  for (int64_t row = 0, next = 0; row < 5000; ++row) {
    const std::vector<float> values = all.select(0, row).to_vector<float>();
    if (next < rows.count() && rows.data<int32_t>()[next] == row) {
      EXPECT_EQ(table.grad_values().select(0, next++).to_vector<float>(), values) << row;
    } else {
      EXPECT_EQ(values, zeros) << row;
    }
  }
}

// MoE-32 of the paper without embedding and softmax: 37.782 M parameters, 8.421 M
// multiply-and-adds.
TEST(LanguageModel, CountsParametersAndOperationsAsThePaper) {
  plugin_host::PluginRegistry plugins(tests::built_plugins());
  LanguageModelConfig config = {.vocab_size = 10, .d_model = 512};
  config.moe.gate = {.plugin = "noisy_topk", .values = {{"k", int64_t{4}}}, .where = "test"};
  config.moe.experts = {{.component = ffn(1024), .count = 32}};
  tensor::ParameterSet parameters;
  const LanguageModel model(config, plugins, parameters);
  int64_t biases = 0;
  int64_t outer = 0;
  for (const tensor::Parameter& parameter : parameters.all()) {
    biases += parameter.role == tensor::Role::kBias ? parameter.shape.count() : 0;
    outer += parameter.role == tensor::Role::kEmbedding ? parameter.shape.count() : 0;
  }
  EXPECT_NEAR(static_cast<double>(parameters.count() - biases - outer) * 1e-6, 37.782, 5e-4);
  EXPECT_NEAR(model.ops_per_timestep() * 1e-6, 8.421, 5e-4);
}

TEST(LanguageModel, TheActivationArenaStopsGrowingAfterWarmUp) {
  Bench bench(small_model());
  (void)bench.total_loss();
  (void)bench.total_loss();
  const tensor::Arena& activations = *bench.workspace.pass().activations;
  const int64_t capacity = activations.capacity_bytes();
  (void)bench.total_loss();
  EXPECT_EQ(activations.capacity_bytes(), capacity);
}

// A recurrent layer calls its gate once for every step, with a row of each stream.
TEST(LanguageModel, TellsAGateTheStreamsAndHowManyRowsTrainingBrings) {
  LanguageModelConfig config = small_model();
  config.moe.balance.by = layers::BalanceBy::kTokens;
  config.moe.gate.values = {};
  config.training = {.num_streams = kB, .num_steps = kS};
  const auto expect = [&](LayerKind kind, int64_t rows, const std::vector<int32_t>& streams) {
    config.layers = {kind};
    tests::FixedFactory factory;
    factory.top_k = 2;
    factory.experts.assign(static_cast<size_t>(2 * rows), -1);
    Bench bench(small_model());
    tensor::ParameterSet parameters;
    LanguageModel model(config, factory, parameters);
    parameters.allocate(bench.allocator);
    CarriedState state = model.make_state(kB, bench.allocator);
    (void)model.evaluate(bench.input(), state, bench.pass(layers::Mode::kEvaluate));
    EXPECT_EQ(factory.gate->sequence(), streams);
    EXPECT_EQ(factory.gate_max_tokens, rows);
    EXPECT_EQ(factory.experts_max_tokens, 2 * rows);
  };
  std::vector<int32_t> streams;
  for (int32_t b = 0; b < kB; ++b) {
    streams.insert(streams.end(), kS, b);
  }
  expect(LayerKind::kMoe, kB * kS, streams);
  expect(LayerKind::kRecurrentMoe, kB, {0, 1, 2, 3});
}

TEST(LanguageModel, RejectsSizesThatMakeNoSense) {
  plugin_host::PluginRegistry plugins(tests::built_plugins());
  const auto make = [&](const LanguageModelConfig& of) {
    tensor::ParameterSet parameters;
    (void)LanguageModel(of, plugins, parameters);
  };
  LanguageModelConfig config = small_model();
  config.dropout = 1.0;
  EXPECT_ERROR(make(config), core::ErrorCode::kInvalidArgument,
               "model.dropout must be in [0, 1), got 1");
  config = small_model();
  config.lstm.units = 9;
  EXPECT_ERROR(make(config), core::ErrorCode::kInvalidArgument,
               "with model.lstm.units = 9 set model.lstm.projection = 8, got 0");
  config = small_model();
  config.softmax.sampled = kV + 1;
  EXPECT_ERROR(make(config), core::ErrorCode::kInvalidArgument,
               "model.softmax.sampled must be 0 ... 23, the size of the vocabulary, got 24");
  config.softmax = {.tied = true};
  config.embedding.sparse_gradient = true;
  EXPECT_ERROR(make(config), core::ErrorCode::kInvalidArgument, "a full softmax touches every row");
  config = small_model();
  config.softmax = {.sampled = 3, .sampler = layers::Proposal::kUnigram, .word_counts = {5, 4, 3}};
  EXPECT_ERROR(make(config), core::ErrorCode::kInvalidArgument,
               "there must be 23 counts of words, got 3");
}

}  // namespace
}  // namespace switchyard::models
