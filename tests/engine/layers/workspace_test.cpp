#include "layers/workspace.h"

#include <gtest/gtest.h>

#include "core/thread_pool.h"

namespace switchyard::layers {
namespace {

class WorkspaceTest : public ::testing::Test {
 protected:
  // Takes memory for both arenas and keeps a record.
  void work(Pass& pass) {
    const tensor::ScratchScope scope(*pass.scratch);
    (void)pass.scratch->take(tensor::DType::kF32, {5000});
    pass.keep(pass.take(tensor::DType::kF32, {2000}));
    pass.traces.emplace_back();
  }

  core::ThreadPool threads_{1};
  tensor::CpuDevice device_{threads_};
  Workspace workspace_{ops::backend_on(device_, tensor::DType::kBf16)};
};

TEST_F(WorkspaceTest, APassHasWhatItBeganWith) {
  Pass& pass = workspace_.begin(Mode::kEvaluate, 7, 3);
  EXPECT_EQ(&pass, &workspace_.pass());
  EXPECT_EQ(pass.mode, Mode::kEvaluate);
  EXPECT_EQ(pass.seed, 7U);
  EXPECT_EQ(pass.step, 3);
  EXPECT_EQ(pass.backend.compute, tensor::DType::kBf16);
}

TEST_F(WorkspaceTest, NothingOfAPassReachesTheNext) {
  Pass& first = workspace_.begin(Mode::kTrain, 7, 1);
  work(first);
  first.token_base = 100;
  first.is_recomputation = true;
  const Pass& second = workspace_.begin(Mode::kTrain, 7, 2);
  EXPECT_TRUE(second.kept.empty());
  EXPECT_TRUE(second.traces.empty());
  EXPECT_EQ(second.token_base, 0);
  EXPECT_FALSE(second.is_recomputation);
  EXPECT_EQ(second.activations->mark().used, 0);
}

TEST_F(WorkspaceTest, TakesNoMoreMemoryAfterItsFirstPasses) {
  work(workspace_.begin(Mode::kTrain, 7, 1));
  Pass& pass = workspace_.begin(Mode::kTrain, 7, 2);
  const int64_t activations = pass.activations->capacity_bytes();
  const int64_t scratch = pass.scratch->capacity_bytes();
  const size_t traces = pass.traces.capacity();
  EXPECT_GE(traces, 1U);
  work(pass);
  workspace_.begin(Mode::kTrain, 7, 3);
  EXPECT_EQ(pass.activations->capacity_bytes(), activations);
  EXPECT_EQ(pass.scratch->capacity_bytes(), scratch);
  EXPECT_EQ(pass.traces.capacity(), traces);
  EXPECT_GE(workspace_.peak_memory().kept, 8000.0);
  EXPECT_GE(workspace_.peak_memory().scratch, 20000.0);
}

}  // namespace
}  // namespace switchyard::layers
