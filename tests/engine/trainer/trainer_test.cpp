#include "trainer/trainer.h"

#include <cmath>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/engine/trainer/small_run.h"
#include "tests/support/error_matcher.h"
#include "tests/support/plugin_directory.h"
#include "tests/support/small_text.h"
#include "tests/support/temporary_directory.h"

namespace switchyard::trainer {
namespace {

using std::filesystem::path;

// Records the calls of a trainer.
class Recorder final : public RunListener {
 public:
  void on_step(const StepReport& report) override {
    losses.push_back(report.task_loss);
    rates.push_back(report.learning_rate);
    if (cancel != nullptr && report.step == cancel_at) {
      cancel->request();
    }
  }
  void on_experts(const ExpertReport& report) override {
    tokens = 0;
    for (const int32_t count : report.tokens) {
      tokens += count;
    }
    entropy = report.gate_entropy;
  }
  void on_evaluation(const EvaluationReport& report) override {
    evaluations.push_back(report.nll_per_word);
  }
  void on_checkpoint(const CheckpointReport& report) override {
    checkpoints.push_back(report.directory);
  }
  void on_event(int64_t /*step*/, core::LogLevel /*level*/, std::string_view code,
                std::string_view /*message*/) override {
    events.emplace_back(code);
  }

  std::vector<double> losses;
  std::vector<double> rates;
  std::vector<double> evaluations;
  std::vector<std::string> checkpoints;
  std::vector<std::string> events;
  int64_t tokens = 0;
  double entropy = 0.0;
  core::CancelToken* cancel = nullptr;
  int64_t cancel_at = 0;
};

class TrainerTest : public ::testing::Test {
 protected:
  TrainerConfig config() const {
    TrainerConfig c = tests::small_run(data_);
    c.train = {.steps = 20, .clip_norm = 1.0, .evaluate_every_steps = 10, .threads = 2};
    c.checkpoint = {.every_steps = 6, .keep_last = 2, .keep_best = false};
    return c;
  }

  static models::LanguageModelConfig& model_of(TrainerConfig& c) {
    return std::get<models::LanguageModelConfig>(c.model);
  }

  std::unique_ptr<Trainer> make(const TrainerConfig& c, const std::string& run) {
    std::filesystem::create_directories(directory_.path() / run);
    return std::make_unique<Trainer>(TrainerSetup{.config = c,
                                                  .config_toml = "# of a test\n",
                                                  .run_directory = directory_.path() / run,
                                                  .plugins = &plugins_,
                                                  .listener = &recorder_});
  }

  // Trains to the end, and again with a stop after each of these steps: the same bytes result.
  void expect_resumable(const TrainerConfig& c, const std::vector<int64_t>& stops) {
    EXPECT_EQ(make(c, "whole")->train(never_), StopReason::kFinished);
    for (const int64_t stop : stops) {
      const std::string run = "stopped-" + std::to_string(stop);
      core::CancelToken cancel;
      recorder_.cancel = &cancel;
      recorder_.cancel_at = stop;
      EXPECT_EQ(make(c, run)->train(cancel), StopReason::kCancelled);
      recorder_.cancel = nullptr;
      const auto resumed = make(c, run);
      EXPECT_EQ(resumed->restore_newest(), stop);
      EXPECT_EQ(resumed->train(never_), StopReason::kFinished);
      for (const char* file : {"manifest.json", "model.safetensors", "optimizer.safetensors",
                               "state.safetensors", "state.json"}) {
        EXPECT_EQ(bytes_of(path("whole/checkpoints/step-20") / file),
                  bytes_of(path(run) / "checkpoints/step-20" / file))
            << stop << " " << file;
      }
    }
  }

  std::string bytes_of(const path& file) const {
    std::ifstream in(directory_.path() / file, std::ios::binary);
    std::ostringstream bytes;
    bytes << in.rdbuf();
    EXPECT_FALSE(bytes.str().empty()) << file;
    return bytes.str();
  }

  tests::TemporaryDirectory directory_;
  path data_ = tests::small_dataset(directory_.path());
  plugin_host::PluginRegistry plugins_{[] {
    plugin_host::PluginOptions options = tests::built_plugins();
    options.directories.emplace_back(SWITCHYARD_COUNTING_GATE_DIRECTORY);
    return options;
  }()};
  Recorder recorder_;
  core::CancelToken never_;
};

TEST_F(TrainerTest, LearnsASmallTextFarBelowTheUniformModel) {
  TrainerConfig c = config();
  c.train.steps = 150;
  const auto trainer = make(c, "run");
  EXPECT_EQ(trainer->train(never_), StopReason::kFinished);
  const double uniform = recorder_.losses.front();
  EXPECT_LT(recorder_.evaluations.back(), 0.5 * uniform);
  EXPECT_EQ(recorder_.tokens, 4 * 7 * 2);  // every token went to two experts
  EXPECT_GT(recorder_.entropy, 0.0);
  EXPECT_LE(recorder_.entropy, std::log(2.0) + 1e-6);
  const EvaluationReport test = trainer->evaluate("test");
  EXPECT_LT(test.nll_per_word, 0.5 * uniform);
}

// Stopped anywhere and resumed, the final checkpoint has the same bytes.
TEST_F(TrainerTest, AResumedRunEndsBitForBitAsAnUninterruptedOne) {
  expect_resumable(config(), {1, 6, 13});
}

TEST_F(TrainerTest, ARunWithSeveralOptimizersResumesBitForBit) {
  TrainerConfig c = config();
  c.optimizer_groups = {
      {.component = {.plugin = "factored_adam", .where = "groups[0]"},
       .selection = {.roles = {tensor::Role::kExpert}},
       .learning_rate_scale = 0.5},
      {.component = {.plugin = "sgd", .where = "groups[1]"}, .selection = {.match = "*.bias"}}};
  expect_resumable(c, {7});
  const std::string header = bytes_of("whole/checkpoints/step-20/optimizer.safetensors");
  for (const char* name : {"experts0.w0/v_row", "experts0.w0/v_column", "embedding.table/m"}) {
    EXPECT_NE(header.find(name), std::string::npos) << name;
  }
  EXPECT_EQ(header.find("experts0.w0/m"), std::string::npos);
  EXPECT_EQ(header.find(".bias/"), std::string::npos);
}

// Activations are computed again, a gate counts its loads in a buffer.
TEST_F(TrainerTest, ARunWithARecurrentLayerOfExpertsResumesBitForBit) {
  TrainerConfig c = config();
  model_of(c).layers = {models::LayerKind::kRecurrentMoe, models::LayerKind::kMoe};
  model_of(c).moe.gate = {.plugin = "sigmoid", .values = {{"k", int64_t{2}}}, .where = "gate"};
  model_of(c).moe.balance = {.by = models::BalanceBy::kTokens, .w_importance = 0.01};
  expect_resumable(c, {1, 13});
  EXPECT_EQ(recorder_.tokens, 4 * 7 * 2);  // every token of all steps went to two experts
  EXPECT_LT(recorder_.losses.back(), recorder_.losses.front());
}

// The gate's choice depends on a number that is not a tensor.
TEST_F(TrainerTest, ARunWithAComponentThatKeepsStateResumesBitForBit) {
  TrainerConfig c = config();
  model_of(c).moe.gate = {.plugin = "counting", .where = "gate"};
  expect_resumable(c, {7});
}

TEST_F(TrainerTest, RefusesAGroupWithoutParameters) {
  TrainerConfig c = config();
  c.optimizer_groups = {{.component = {.plugin = "sgd", .where = "optimizer.groups[0] (a.toml:9)"},
                         .selection = {.roles = {tensor::Role::kNorm}}}};
  EXPECT_ERROR((void)make(c, "run"), core::ErrorCode::kInvalidArgument,
               "optimizer.groups[0] (a.toml:9): no parameter has role norm");
}

TEST_F(TrainerTest, ARunWithASampledSoftmaxResumesBitForBit) {
  TrainerConfig c = config();
  model_of(c).softmax = {.sampled = 5};
  model_of(c).embedding.sparse_gradient = true;
  expect_resumable(c, {1, 13});
}

TEST_F(TrainerTest, ARunWithTiedWeightsSampledByCountsResumesBitForBit) {
  TrainerConfig c = config();
  model_of(c).softmax = {
      .sampled = 5, .sampler = layers::Proposal::kUnigram, .unigram_power = 0.5, .tied = true};
  model_of(c).embedding.sparse_gradient = true;
  expect_resumable(c, {6});
}

TEST_F(TrainerTest, LearnsWithASampledSoftmaxAndEvaluatesInFull) {
  TrainerConfig c = config();
  c.train.steps = 150;
  model_of(c).softmax = {.sampled = 8, .sampler = layers::Proposal::kUnigram};
  model_of(c).embedding.sparse_gradient = true;
  const auto trainer = make(c, "run");
  EXPECT_EQ(trainer->train(never_), StopReason::kFinished);
  EXPECT_LT(recorder_.evaluations.back(), 0.6 * recorder_.evaluations.front());
}

TEST_F(TrainerTest, GoesOnAfterAStopBetweenCheckpointsAsIfItHadNotStopped) {
  EXPECT_EQ(make(config(), "whole")->train(never_), StopReason::kFinished);
  const auto trainer = make(config(), "steps");
  trainer->train_until(7, never_);
  EXPECT_EQ(trainer->step(), 7);
  EXPECT_FALSE(exists(directory_.path() / "steps/checkpoints/step-7"));
  trainer->train_until(100, never_);
  EXPECT_EQ(trainer->step(), 20);
  EXPECT_EQ(bytes_of("whole/checkpoints/step-20/model.safetensors"),
            bytes_of("steps/checkpoints/step-20/model.safetensors"));
}

// The rate after each evaluation follows from the evaluations, also over a resume.
TEST_F(TrainerTest, APlateauDividesTheRateAfterEvaluationsWithoutGain) {
  TrainerConfig c = config();
  c.schedule = {.kind = optim::ScheduleKind::kPlateau,
                .base = 1.0,  // too much for Adam: some evaluations are no better
                .warmup_steps = 0,
                .plateau_factor = 3.0};
  c.train.evaluate_every_steps = 2;
  EXPECT_EQ(make(c, "whole")->train(never_), StopReason::kFinished);
  double rate = 1.0;
  double best = recorder_.evaluations.front();
  for (size_t step = 0; step < recorder_.rates.size(); ++step) {
    if (step >= 4 && step % 2 == 0) {
      const double evaluation = recorder_.evaluations[step / 2 - 1];
      rate = evaluation < best ? rate : rate / 3.0;
      best = std::min(best, evaluation);
    }
    EXPECT_NEAR(recorder_.rates[step], rate, 1e-12) << "step " << step + 1;
  }
  EXPECT_LT(rate, 1.0);

  core::CancelToken cancel;
  recorder_.cancel = &cancel;
  recorder_.cancel_at = 13;
  EXPECT_EQ(make(c, "stopped")->train(cancel), StopReason::kCancelled);
  recorder_.cancel = nullptr;
  const auto resumed = make(c, "stopped");
  EXPECT_EQ(resumed->restore_newest(), 13);
  EXPECT_EQ(resumed->train(never_), StopReason::kFinished);
  for (const char* file : {"model.safetensors", "state.json"}) {
    EXPECT_EQ(bytes_of(path("whole/checkpoints/step-20") / file),
              bytes_of(path("stopped/checkpoints/step-20") / file))
        << file;
  }
}

// Adam sees each value by itself, so neither windows nor updates in backward may change a bit.
TEST_F(TrainerTest, ExpertsUpdatedAFewAtATimeEndBitForBitAsThoseUpdatedTogether) {
  TrainerConfig c = config();
  c.train.clip_norm = 0.0;
  (void)make(c, "together")->train(never_);
  model_of(c).moe.memory = {.experts_at_once = 2};
  (void)make(c, "windows")->train(never_);
  model_of(c).moe.memory = {.update_in_backward = true, .experts_at_once = 1};
  (void)make(c, "in-backward")->train(never_);
  for (const char* file : {"model.safetensors", "optimizer.safetensors"}) {
    const std::string together = bytes_of(path("together/checkpoints/step-20") / file);
    EXPECT_EQ(bytes_of(path("windows/checkpoints/step-20") / file), together) << file;
    EXPECT_EQ(bytes_of(path("in-backward/checkpoints/step-20") / file), together) << file;
  }
}

// Both kinds of experts: they see their weights as they rest.
TEST_F(TrainerTest, ExpertsInBf16LearnAndResumeBitForBit) {
  TrainerConfig c = config();
  c.train.steps = 150;
  c.checkpoint.every_steps = 60;
  model_of(c).moe.memory = {
      .weights = tensor::DType::kBf16, .update_in_backward = true, .experts_at_once = 2};
  model_of(c).moe.experts.push_back(
      {.component = {.plugin = "glu", .values = {{"hidden", int64_t{8}}}, .where = "glu"},
       .count = 2});
  (void)make(c, "whole")->train(never_);
  EXPECT_LT(recorder_.evaluations.back(), 0.5 * recorder_.losses.front());
  core::CancelToken cancel;
  recorder_.cancel = &cancel;
  recorder_.cancel_at = 101;
  (void)make(c, "stopped")->train(cancel);
  recorder_.cancel = nullptr;
  const auto resumed = make(c, "stopped");
  EXPECT_EQ(resumed->restore_newest(), 101);
  (void)resumed->train(never_);
  for (const char* file : {"model.safetensors", "optimizer.safetensors"}) {
    EXPECT_EQ(bytes_of(path("whole/checkpoints/step-150") / file),
              bytes_of(path("stopped/checkpoints/step-150") / file))
        << file;
  }
}

// The gates of both levels, and a balance that the layer asks for.
TEST_F(TrainerTest, AResumedRunOfTwoLevelsEndsBitForBitAsAnUninterruptedOne) {
  TrainerConfig c = config();
  model_of(c).moe.groups = 2;
  model_of(c).moe.secondary_gate = {
      .plugin = "noisy_topk", .values = {{"k", int64_t{1}}}, .where = "secondary"};
  model_of(c).moe.balance.by = models::BalanceBy::kTokens;
  EXPECT_EQ(make(c, "whole")->train(never_), StopReason::kFinished);
  EXPECT_EQ(recorder_.tokens, 4 * 7 * 2 * 1);
  EXPECT_LT(recorder_.losses.back(), recorder_.losses.front());
  core::CancelToken cancel;
  recorder_.cancel = &cancel;
  recorder_.cancel_at = 8;
  EXPECT_EQ(make(c, "stopped")->train(cancel), StopReason::kCancelled);
  recorder_.cancel = nullptr;
  const auto resumed = make(c, "stopped");
  EXPECT_EQ(resumed->restore_newest(), 8);
  EXPECT_EQ(resumed->train(never_), StopReason::kFinished);
  for (const char* file : {"model.safetensors", "optimizer.safetensors", "state.json"}) {
    EXPECT_EQ(bytes_of(path("whole/checkpoints/step-20") / file),
              bytes_of(path("stopped/checkpoints/step-20") / file))
        << file;
  }
}

TEST_F(TrainerTest, RefusesAVocabularyOfAnotherSizeThanTheText) {
  TrainerConfig c = config();
  model_of(c).vocab_size = 793471;
  EXPECT_ERROR((void)make(c, "run"), core::ErrorCode::kInvalidArgument,
               "model.vocabulary_size is 793471, but the data set");
}

TEST_F(TrainerTest, RefusesBf16WeightsThatNothingWouldRound) {
  TrainerConfig c = config();
  model_of(c).moe.memory = {.weights = tensor::DType::kBf16};
  EXPECT_ERROR((void)make(c, "run"), core::ErrorCode::kInvalidArgument,
               "model.moe.update_in_backward = true");
}

// Gates with state of their own and with slots that stay empty.
TEST_F(TrainerTest, EveryGateLearnsEvaluatesAndResumesBitForBit) {
  for (const char* gate : {"batchwise", "sigmoid"}) {
    SCOPED_TRACE(gate);
    TrainerConfig c = config();
    model_of(c).moe.gate.plugin = gate;
    c.train.steps = 60;
    c.train.evaluate_every_steps = 60;
    c.checkpoint.every_steps = 60;
    recorder_ = Recorder();
    const std::string whole = std::string(gate) + "-whole";
    EXPECT_EQ(make(c, whole)->train(never_), StopReason::kFinished);
    EXPECT_LT(recorder_.losses.back(), 0.85 * recorder_.losses.front());
    EXPECT_LT(recorder_.evaluations.back(), 0.85 * recorder_.losses.front());
    EXPECT_EQ(recorder_.tokens, 4 * 7 * 2);

    core::CancelToken cancel;
    recorder_.cancel = &cancel;
    recorder_.cancel_at = 23;
    const std::string run = std::string(gate) + "-stopped";
    EXPECT_EQ(make(c, run)->train(cancel), StopReason::kCancelled);
    recorder_.cancel = nullptr;
    const auto resumed = make(c, run);
    EXPECT_EQ(resumed->restore_newest(), 23);
    EXPECT_EQ(resumed->train(never_), StopReason::kFinished);
    for (const char* file : {"model.safetensors", "optimizer.safetensors", "state.safetensors"}) {
      EXPECT_EQ(bytes_of(path(whole) / "checkpoints/step-60" / file),
                bytes_of(path(run) / "checkpoints/step-60" / file))
          << file;
    }
  }
}

TEST_F(TrainerTest, KeepsTheLastCheckpointsAndSavesTheFirstIfAsked) {
  TrainerConfig c = config();
  c.checkpoint.at_start = true;
  (void)make(c, "run")->train(never_);
  EXPECT_EQ(
      recorder_.checkpoints,
      (std::vector<std::string>{"checkpoints/step-0", "checkpoints/step-6", "checkpoints/step-12",
                                "checkpoints/step-18", "checkpoints/step-20"}));
  const path checkpoints = directory_.path() / "run/checkpoints";
  EXPECT_FALSE(exists(checkpoints / "step-12"));
  EXPECT_TRUE(exists(checkpoints / "step-18"));
  EXPECT_TRUE(exists(checkpoints / "step-20"));
}

TEST_F(TrainerTest, KeepsTheBestCheckpointHoweverOld) {
  TrainerConfig c = config();
  c.schedule.base = 5.0;  // the first steps are the best: it diverges
  c.schedule.warmup_steps = 0;
  c.train.clip_norm = 0.0;
  c.train.evaluate_every_steps = 1;
  c.train.steps = 8;
  c.checkpoint = {.every_steps = 1, .keep_last = 1, .keep_best = true};
  (void)make(c, "run")->train(never_);
  const auto best = std::min_element(recorder_.evaluations.begin(), recorder_.evaluations.end());
  const auto step = best - recorder_.evaluations.begin() + 1;
  EXPECT_TRUE(exists(directory_.path() / "run/checkpoints" / ("step-" + std::to_string(step))));
}

TEST_F(TrainerTest, FallsBackToAnOlderCheckpointWhenTheNewestIsDamaged) {
  (void)make(config(), "run")->train(never_);
  const path damaged = directory_.path() / "run/checkpoints/step-20/model.safetensors";
  std::fstream file(damaged, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(5000);
  const int byte = file.get();
  file.seekp(5000);
  file.put(static_cast<char>(~byte));
  file.close();
  const auto trainer = make(config(), "run");
  EXPECT_EQ(trainer->restore_newest(), 18);
  EXPECT_NE(std::find(recorder_.events.begin(), recorder_.events.end(), "checkpoint_damaged"),
            recorder_.events.end());
}

TEST_F(TrainerTest, RefusesACheckpointOfOtherData) {
  (void)make(config(), "run")->train(never_);
  TrainerConfig c = config();
  c.data.path = tests::small_dataset(directory_.path(), "mountain").string();
  const auto trainer = make(c, "run");
  EXPECT_ERROR((void)trainer->restore_newest(), core::ErrorCode::kInvalidArgument,
               "was trained on other data");
}

TEST_F(TrainerTest, RefusesACheckpointOfAnotherModel) {
  (void)make(config(), "run")->train(never_);
  TrainerConfig c = config();
  model_of(c).d_model = 24;
  const auto trainer = make(c, "run");
  EXPECT_ERROR((void)trainer->restore_newest(), core::ErrorCode::kInvalidArgument,
               "embedding.table");
}

// A learning rate of 1e30 makes the parameters overflow after one step.
TEST_F(TrainerTest, StopsAtANumberThatIsNotFiniteAndNamesTheLayer) {
  TrainerConfig c = config();
  c.schedule = {.kind = optim::ScheduleKind::kConstant, .base = 1e30, .warmup_steps = 0};
  const auto trainer = make(c, "run");
  EXPECT_ERROR((void)trainer->train(never_), core::ErrorCode::kNumeric, "first seen in the ");
  EXPECT_EQ(recorder_.events.back(), "nonfinite");
}

TEST_F(TrainerTest, SkipsAStepThatIsNotFiniteIfToldTo) {
  TrainerConfig c = config();
  c.schedule = {.kind = optim::ScheduleKind::kConstant, .base = 1e30, .warmup_steps = 0};
  c.train.on_nonfinite = NonfinitePolicy::kSkipStep;
  c.train.steps = 4;
  EXPECT_EQ(make(c, "run")->train(never_), StopReason::kFinished);
  EXPECT_EQ(std::count(recorder_.events.begin(), recorder_.events.end(), "nonfinite_step_skipped"),
            3);
}

TEST_F(TrainerTest, RunningTextWithCarriedStateLearnsToo) {
  TrainerConfig c = config();
  c.data.reset_state = false;
  c.data.shuffle = false;
  c.train.steps = 100;
  (void)make(c, "run")->train(never_);
  EXPECT_LT(recorder_.evaluations.back(), 0.6 * recorder_.losses.front());
}

}  // namespace
}  // namespace switchyard::trainer
