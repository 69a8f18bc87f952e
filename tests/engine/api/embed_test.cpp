// The C API as an embedder uses it: through libswitchyard.so alone.
#include <array>
#include <cmath>
#include <fstream>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <switchyard/engine.h>

#include "tests/support/small_text.h"
#include "tests/support/temporary_directory.h"

namespace switchyard {
namespace {

struct ErrorText {
  std::array<char, 512> text{};
  sy_error error = {.struct_size = sizeof(sy_error), .cap = 512, .text = text.data()};
  [[nodiscard]] std::string str() const { return text.data(); }
};

class EngineApi : public ::testing::Test {
 protected:
  void SetUp() override {
    data_ = tests::small_dataset(directory_.path()).string();
    std::filesystem::create_directories(directory_.path() / "run");
    ASSERT_EQ(sy_engine_create(&options_, &engine_, &error_.error), SY_OK) << error_.str();
  }
  void TearDown() override {
    sy_trainer_destroy(trainer_);
    sy_engine_destroy(engine_);
  }

  [[nodiscard]] std::string config(int steps) const {
    return "[data]\npath = \"" + data_ +
           "\"\nbatch_size = 4\nsequence_length = 7\n"
           "[model]\nd_model = 16\nlayers = [\"lstm\", \"moe\"]\n"
           "[model.moe.gate]\nplugin = \"noisy_topk\"\nk = 2\n"
           "[[model.moe.experts]]\nplugin = \"ffn\"\ncount = 4\nhidden = [16]\n"
           "[optimizer]\nplugin = \"adam\"\n"
           "[schedule]\nlearning_rate = 0.01\nwarmup_steps = 5\n"
           "[checkpoint]\nevery_steps = 10\n[train]\nsteps = " +
           std::to_string(steps) + "\n";
  }
  sy_status create(const std::string& text) {
    return sy_trainer_create(engine_, text.c_str(), (directory_.path() / "run").c_str(), &trainer_,
                             &error_.error);
  }

  tests::TemporaryDirectory directory_;
  std::string data_;
  const char* plugin_directory_ = SWITCHYARD_PLUGIN_DIRECTORY;
  sy_engine_options options_ = {.struct_size = sizeof(sy_engine_options),
                                .n_plugin_directories = 1,
                                .plugin_directories = &plugin_directory_,
                                .log = nullptr,
                                .user = nullptr};
  ErrorText error_;
  sy_engine* engine_ = nullptr;
  sy_trainer* trainer_ = nullptr;
  sy_step_report report_ = {.struct_size = sizeof(sy_step_report)};
};

TEST_F(EngineApi, TrainsInPiecesEvaluatesAndGoesOnFromItsCheckpoint) {
  ASSERT_EQ(create(config(60)), SY_OK) << error_.str();
  ASSERT_EQ(sy_trainer_run(trainer_, 25, &report_, &error_.error), SY_OK) << error_.str();
  EXPECT_EQ(report_.step, 25);
  EXPECT_EQ(report_.n_words, 28);
  EXPECT_EQ(report_.is_finished, 0U);
  const double early = report_.task_loss;
  ASSERT_EQ(sy_trainer_run(trainer_, 1000, &report_, &error_.error), SY_OK) << error_.str();
  EXPECT_EQ(report_.step, 60);
  EXPECT_EQ(report_.is_finished, 1U);
  EXPECT_LT(report_.task_loss, early);
  sy_evaluation evaluation = {.struct_size = sizeof(sy_evaluation)};
  ASSERT_EQ(sy_trainer_evaluate(trainer_, "test", &evaluation, &error_.error), SY_OK);
  EXPECT_GT(evaluation.n_words, 0);

  sy_trainer_destroy(trainer_);
  ASSERT_EQ(create(config(60)), SY_OK) << error_.str();
  int64_t step = 0;
  ASSERT_EQ(sy_trainer_restore(trainer_, &step, &error_.error), SY_OK) << error_.str();
  EXPECT_EQ(step, 60);
  sy_evaluation again = {.struct_size = sizeof(sy_evaluation)};
  ASSERT_EQ(sy_trainer_evaluate(trainer_, "test", &again, &error_.error), SY_OK);
  EXPECT_EQ(again.nll_per_word, evaluation.nll_per_word);
}

TEST_F(EngineApi, StopsFromAnotherThreadWithACheckpoint) {
  ASSERT_EQ(create(config(1000000)), SY_OK) << error_.str();
  std::thread stopper([this] {
    while (!std::filesystem::exists(directory_.path() / "run/checkpoints/step-10")) {
      std::this_thread::yield();
    }
    sy_trainer_stop(trainer_);
  });
  EXPECT_EQ(sy_trainer_run(trainer_, 1000000, &report_, &error_.error), SY_OK) << error_.str();
  stopper.join();
  EXPECT_GE(report_.step, 10);
  EXPECT_EQ(report_.is_finished, 0U);
  EXPECT_TRUE(std::filesystem::exists(directory_.path() / "run/checkpoints" /
                                      ("step-" + std::to_string(report_.step))));
}

TEST_F(EngineApi, TwoTrainersLiveInOneProcess) {
  ASSERT_EQ(create(config(5)), SY_OK) << error_.str();
  sy_trainer* other = nullptr;
  std::filesystem::create_directories(directory_.path() / "other");
  ASSERT_EQ(sy_trainer_create(engine_, config(5).c_str(), (directory_.path() / "other").c_str(),
                              &other, &error_.error),
            SY_OK);
  sy_step_report second = report_;
  EXPECT_EQ(sy_trainer_run(trainer_, 5, &report_, &error_.error), SY_OK);
  EXPECT_EQ(sy_trainer_run(other, 5, &second, &error_.error), SY_OK);
  EXPECT_EQ(report_.task_loss, second.task_loss);
  sy_trainer_destroy(other);
}

// The library holds no gate, expert or optimizer of its own.
TEST_F(EngineApi, WithoutPluginDirectoriesThereIsNoGate) {
  sy_engine* bare = nullptr;
  sy_engine_options none = options_;
  none.n_plugin_directories = 0;
  ASSERT_EQ(sy_engine_create(&none, &bare, &error_.error), SY_OK);
  EXPECT_EQ(sy_trainer_create(bare, config(5).c_str(), directory_.path().c_str(), &trainer_,
                              &error_.error),
            SY_E_NOTFOUND);
  EXPECT_EQ(trainer_, nullptr);
  EXPECT_NE(error_.str().find("adam"), std::string::npos) << error_.str();
  sy_engine_destroy(bare);
}

TEST_F(EngineApi, SaysWhatIsWrong) {
  EXPECT_EQ(create("[data]\npth = \"x\"\n"), SY_E_INVALID);
  EXPECT_NE(error_.str().find("data.path"), std::string::npos) << error_.str();
  EXPECT_EQ(sy_trainer_run(nullptr, 1, &report_, &error_.error), SY_E_INVALID);
  EXPECT_EQ(error_.str(), "sy_trainer_run: trainer and report must not be null");
  ASSERT_EQ(create(config(5)), SY_OK) << error_.str();
  EXPECT_EQ(sy_trainer_run(trainer_, 0, &report_, &error_.error), SY_E_INVALID);
  EXPECT_EQ(sy_trainer_evaluate(trainer_, "tset", nullptr, &error_.error), SY_E_INVALID);
  sy_evaluation evaluation = {.struct_size = sizeof(sy_evaluation)};
  EXPECT_EQ(sy_trainer_evaluate(trainer_, "tset", &evaluation, nullptr), SY_E_NOTFOUND);
}

// An older caller's struct ends earlier: nothing behind its end is touched.
TEST_F(EngineApi, WritesNoMoreThanTheCallersStructHolds) {
  ASSERT_EQ(create(config(3)), SY_OK) << error_.str();
  report_.struct_size = offsetof(sy_step_report, aux_loss);
  report_.aux_loss = -77.0;
  ASSERT_EQ(sy_trainer_run(trainer_, 3, &report_, &error_.error), SY_OK) << error_.str();
  EXPECT_EQ(report_.step, 3);
  EXPECT_EQ(report_.aux_loss, -77.0);
}

}  // namespace
}  // namespace switchyard
