// A model that was trained, in a learner that cannot train: evaluated and sampled.
#include "trainer/snapshot.h"

#include <gtest/gtest.h>

#include "core/clock.h"
#include "core/file_system.h"
#include "tests/engine/trainer/small_run.h"
#include "tests/support/error_matcher.h"
#include "tests/support/plugin_directory.h"
#include "tests/support/small_text.h"
#include "tests/support/temporary_directory.h"
#include "trainer/evaluation.h"
#include "trainer/generation.h"
#include "trainer/trainer.h"

namespace switchyard::trainer {
namespace {

plugin_host::PluginOptions plugin_options() {
  plugin_host::PluginOptions options = tests::built_plugins();
  options.directories.emplace_back(SWITCHYARD_COUNTING_GATE_DIRECTORY);
  return options;
}

class SnapshotTest : public ::testing::Test {
 protected:
  TrainerConfig config() const {
    TrainerConfig c = tests::small_run(data_);
    c.train = {.steps = 150, .threads = 2};
    c.checkpoint = {.every_steps = 0, .keep_best = false};
    return c;
  }

  /// Trains to the end and returns what the trainer says of the test split.
  EvaluationReport train(const TrainerConfig& c) {
    plugin_host::PluginRegistry plugins(plugin_options());
    Trainer trainer({.config = c, .run_directory = directory_.path() / "run", .plugins = &plugins});
    const core::CancelToken never;
    (void)trainer.train(never);
    return trainer.evaluate("test");
  }

  /// The checkpoint's model, without an optimizer.
  struct Restored {
    Restored(const TrainerConfig& c, const std::filesystem::path& checkpoint)
        : config(c),
          dataset(c.data.path),
          threads(c.train.threads),
          device(threads),
          learner(learner_config(c, dataset), device, plugins, nullptr) {
      learner.allocate();
      core::PosixFileSystem files;
      RunListener silent;
      (void)Snapshot(learner, dataset, plugins, silent)
          .restore(checkpoint::CheckpointReader(files, checkpoint));
    }
    EvaluationReport evaluate(std::string_view split, int64_t max_words = 0,
                              const EvaluatedBatchFunction& each = {}) {
      return trainer::evaluate(
          learner,
          {.dataset = dataset, .split = split, .shape = config.data, .max_words = max_words}, clock,
          each);
    }

    TrainerConfig config;
    core::Clock clock;
    plugin_host::PluginRegistry plugins{plugin_options()};
    data::Dataset dataset;
    core::ThreadPool threads;
    tensor::CpuDevice device;
    Learner learner;
  };
  Restored restore(const TrainerConfig& c) const {
    return {c, directory_.path() / "run/checkpoints" / fmt::format("step-{}", c.train.steps)};
  }

  tests::TemporaryDirectory directory_;
  std::filesystem::path data_ = tests::small_dataset(directory_.path());
};

TEST_F(SnapshotTest, EvaluatesWithoutAnOptimizerAsTheTrainerDoes) {
  const EvaluationReport trained = train(config());
  Restored restored = restore(config());
  const EvaluationReport evaluated = restored.evaluate("test");
  EXPECT_EQ(evaluated.nll_per_word, trained.nll_per_word);
  EXPECT_EQ(evaluated.num_words, trained.num_words);
  for (const tensor::Parameter& parameter : restored.learner.parameters().all()) {
    EXPECT_FALSE(parameter.has_grad()) << parameter.name;
  }
  EXPECT_ERROR((void)restored.learner.compute_gradients({}, 1, 0.1),
               core::ErrorCode::kInvalidArgument, "without an optimizer cannot train");
}

TEST_F(SnapshotTest, NeedsNoPluginThatOnlyTrains) {
  TrainerConfig c = config();
  c.train.steps = 2;
  (void)train(c);
  c.optimizer.plugin = "missing";
  EXPECT_GT(restore(c).evaluate("test").num_words, 0);
}

// The counting gate keeps a number that is no tensor.
TEST_F(SnapshotTest, RestoresWhatComponentsKeepOutsideOfTensors) {
  TrainerConfig c = config();
  std::get<models::LanguageModelConfig>(c.model).moe.gate = {.plugin = "counting", .where = "gate"};
  c.train.steps = 3;
  const EvaluationReport trained = train(c);
  EXPECT_EQ(restore(c).evaluate("test").nll_per_word, trained.nll_per_word);
}

TEST_F(SnapshotTest, ShowsTheBatchesOfAnEvaluationAndTheirRouting) {
  TrainerConfig c = config();
  c.train.steps = 1;
  (void)train(c);
  Restored restored = restore(c);
  const EvaluationReport plain = restored.evaluate("valid");
  int64_t num_words = 0;
  const EvaluationReport shown = restored.evaluate("valid", 0, [&](const EvaluatedBatch& batch) {
    ASSERT_EQ(batch.traces.size(), 1U);
    EXPECT_EQ(batch.traces[0].routing.expert_index.shape(), (tensor::Shape{4 * 7, 2}));
    EXPECT_EQ(batch.positions.size(), 4U * 7U);
    num_words += batch.batch.num_words;
  });
  EXPECT_EQ(shown.nll_per_word, plain.nll_per_word);
  EXPECT_EQ(num_words, plain.num_words);
  EXPECT_LT(restored.evaluate("valid", 20).num_words, 30);
}

TEST_F(SnapshotTest, SamplesTheSameTextForTheSameSeed) {
  (void)train(config());
  Restored restored = restore(config());
  const auto sample = [&](uint64_t seed) {
    std::string text;
    generate(restored.learner, restored.dataset, true,
             {.prompt = "the", .max_words = 12, .seed = seed, .past_end = true},
             [&](std::string_view word) { text += std::string(word) + ' '; });
    return text;
  };
  EXPECT_EQ(sample(1), sample(1));
  EXPECT_NE(sample(1), sample(2));
  EXPECT_EQ(sample(1).rfind("the ", 0), 0U);
}

}  // namespace
}  // namespace switchyard::trainer
