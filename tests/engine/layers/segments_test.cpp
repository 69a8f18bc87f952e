#include "layers/segments.h"

#include <vector>

#include <gtest/gtest.h>

#include "core/thread_pool.h"
#include "layers/workspace.h"

namespace switchyard::layers {
namespace {

TEST(Segments, CutsStepsIntoEqualParts) {
  EXPECT_EQ(Segments(10, 4).count(), 3);
  EXPECT_EQ(Segments(10, 0).count(), 1);
  EXPECT_EQ(Segments(10, 100).length(), 10);
  EXPECT_EQ(Segments(10, kAutomaticSegment).length(), 4);
  EXPECT_EQ(Segments(9, kAutomaticSegment).count(), 3);
}

// A loop that keeps a record and takes an activation in each step.
struct Loop {
  explicit Loop(Segments cut) : segments(cut) {}

  void forward() {
    segments.forward([&](const Segments::Range& range) { run(range); }, pass);
  }
  void backward() {
    segments.backward([&](const Segments::Range& range) { run(range); },
                      [&](const Segments::Range& range) {
                        for (int64_t step = range.end; step-- > range.begin;) {
                          restored.push_back(pass.restore<int64_t>());
                        }
                      },
                      pass);
  }
  void run(const Segments::Range& range) {
    for (int64_t step = range.begin; step < range.end; ++step) {
      (void)pass.take(tensor::DType::kF32, {1000});
      pass.keep(step);
      recomputed += pass.is_recomputation ? 1 : 0;
    }
  }

  Segments segments;
  core::ThreadPool threads{1};
  tensor::CpuDevice device{threads};
  Workspace workspace{ops::backend_on(device)};
  Pass& pass = workspace.pass();
  std::vector<int64_t> restored;
  int64_t recomputed = 0;
};

TEST(Segments, ComputesEachSegmentAgainForBackward) {
  Loop cut(Segments(7, 3));
  cut.forward();
  EXPECT_TRUE(cut.pass.kept.empty());
  cut.backward();
  EXPECT_EQ(cut.restored, (std::vector<int64_t>{6, 5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(cut.recomputed, 7);
  EXPECT_FALSE(cut.pass.is_recomputation);
  Loop whole(Segments(7, 0));
  whole.forward();
  EXPECT_EQ(whole.pass.kept.size(), 7U);
  whole.backward();
  EXPECT_EQ(whole.restored, cut.restored);
  EXPECT_EQ(whole.recomputed, 0);
  EXPECT_LT(cut.workspace.peak_memory().kept, whole.workspace.peak_memory().kept);
}

TEST(Segments, KeepsNothingInEvaluation) {
  Loop loop(Segments(5, 0));
  loop.pass.mode = Mode::kEvaluate;
  loop.forward();
  EXPECT_TRUE(loop.pass.kept.empty());
}

}  // namespace
}  // namespace switchyard::layers
