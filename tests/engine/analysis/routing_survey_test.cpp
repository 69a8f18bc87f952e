#include "analysis/routing_survey.h"

#include <algorithm>
#include <fstream>
#include <memory>

#include <gtest/gtest.h>

#include "data/evaluation_source.h"
#include "data/prepare.h"
#include "layers/moe/moe_layer.h"
#include "layers/workspace.h"
#include "tests/support/error_matcher.h"
#include "tests/support/fixed_components.h"
#include "tests/support/temporary_directory.h"

namespace switchyard::analysis {
namespace {

using Cell = PairCounts::Cell;

constexpr int64_t kRows = 14;  // eleven words and three of padding
constexpr int32_t kMark = 0;
constexpr int32_t kRed = 2;
constexpr int32_t kCat = 3;
constexpr int32_t kRuns = 4;
constexpr int32_t kSits = 5;
constexpr int32_t kOld = 6;
constexpr int32_t kDog = 7;

// Three sentences in one batch, and a gate whose every choice is written down here.
class RoutingSurveyTest : public ::testing::Test {
 protected:
  RoutingSurveyTest() {
    std::ofstream(directory_.path() / "t.txt") << "red cat runs\nred cat sits\nold dog\n";
    (void)data::prepare(
        {.train = {directory_.path() / "t.txt"}, .output = directory_.path() / "d"});
    data_ = std::make_unique<data::Dataset>(directory_.path() / "d");
    factory_.top_k = 2;
    //                  mark   red    cat    runs   mark   red    cat    sits   mark   old   dog
    factory_.experts = {0, -1, 1, -1, 1, -1, 2, -1, 0, -1, 1, -1, 1, -1,
                        2, -1, 0, -1, 2, 1,  2, -1, 1, -1, 1, -1, 1, -1};
    factory_.weights = {.4F, 0, .9F, 0, .6F, 0,    .5F, 0, .4F,  0, .95F, 0, .7F,  0,
                        .8F, 0, .4F, 0, .3F, .45F, .2F, 0, .99F, 0, .99F, 0, .99F, 0};
    layer_ = std::make_unique<layers::MoeLayer>(
        "moe", 0, 2,
        layers::MoeConfig{
            .gate = {.plugin = "fixed"},
            .experts = {{.component = {.plugin = "linear", .where = "here"}, .count = 4}}},
        factory_, parameters_);
    parameters_.allocate(allocator_);
    layers_ = {layer_.get()};
  }

  [[nodiscard]] const data::Split& split() const { return data_->split("train"); }

  void pass(RoutingSurvey& survey) {
    data::EvaluationSource source(split(), {.shape = {.batch_size = 1, .sequence_length = kRows}});
    data::Batch batch;
    while (source.next(batch)) {
      layers::Pass& pass = workspace_.begin(layers::Mode::kEvaluate, 0, 0);
      (void)layer_->forward(tests::zero_tensor({kRows, 2}), {.num_streams = 1, .num_steps = kRows},
                            pass);
      survey.add({.batch = batch, .positions = source.positions(), .traces = pass.traces}, layers_);
    }
  }

  static std::vector<Cell> all(PairCounts& counts) {
    return {counts.cells().begin(), counts.cells().end()};
  }

  tests::TemporaryDirectory directory_;
  std::unique_ptr<data::Dataset> data_;
  core::ThreadPool threads_{1};
  tensor::CpuDevice device_{threads_};
  tensor::CpuAllocator allocator_;
  layers::Workspace workspace_{ops::backend_on(device_)};
  tests::FixedFactory factory_;
  tensor::ParameterSet parameters_;
  std::unique_ptr<layers::MoeLayer> layer_;
  std::vector<layers::Routed*> layers_;
};

TEST_F(RoutingSurveyTest, CountsInputsWithoutPaddingAndEmptySlots) {
  RoutingSurvey survey(split(), {}, nullptr);
  EXPECT_TRUE(survey.layers().empty());
  pass(survey);
  ASSERT_EQ(survey.layers().size(), 1U);
  LayerSurvey& layer = survey.layers()[0];
  EXPECT_EQ(layer.layer, "moe");
  EXPECT_EQ(layer.num_experts, 4);
  EXPECT_EQ(layer.top_k, 2);
  EXPECT_EQ(layer.num_inputs, 11);
  EXPECT_EQ(layer.rows, (std::vector<int64_t>{3, 5, 4, 0}));
  EXPECT_NEAR(layer.gate_weight[1], 3.6, 1e-6);
  EXPECT_EQ(layer.gate_weight[3], 0.0);
  EXPECT_EQ(all(layer.words), (std::vector<Cell>{{0, kMark, 3},
                                                 {1, kRed, 2},
                                                 {1, kCat, 2},
                                                 {1, kOld, 1},
                                                 {2, kRuns, 1},
                                                 {2, kSits, 1},
                                                 {2, kOld, 1},
                                                 {2, kDog, 1}}));
  EXPECT_EQ(all(layer.places),
            (std::vector<Cell>{{0, 0, 3}, {1, 1, 3}, {1, 2, 2}, {2, 1, 1}, {2, 2, 3}}));
  EXPECT_TRUE(layer.domains.cells().empty());
}

TEST_F(RoutingSurveyTest, KeepsTheBestContextsOnePerPhrase) {
  RoutingSurvey survey(split(), {.top_contexts = 2}, nullptr);
  pass(survey);
  const auto kept = [&](size_t expert) {
    std::vector<std::pair<int64_t, float>> inputs;
    for (const RoutedInput& input : survey.layers()[0].contexts[expert]) {
      inputs.emplace_back(input.position, input.gate_weight);
    }
    return inputs;
  };
  using Kept = std::vector<std::pair<int64_t, float>>;
  EXPECT_EQ(kept(0), (Kept{{0, .4F}}));  // three starts are one phrase: the first of equals
  EXPECT_EQ(kept(1), (Kept{{5, .95F}, {6, .7F}}));
  EXPECT_EQ(kept(2), (Kept{{7, .8F}, {3, .5F}}));
  EXPECT_EQ(kept(3), Kept{});
}

TEST_F(RoutingSurveyTest, CountsDomainsAndWhatChanceWouldGive) {
  const auto domains = data::SentenceDomains::parse("1\t1\tcats\n3\t1\tdogs\n", "d.tsv", 3);
  RoutingSurvey survey(split(), {.num_shuffles = 20}, &domains);
  pass(survey);
  LayerSurvey& layer = survey.layers()[0];
  // The second sentence has no domain.
  const std::vector<Cell> as_they_are = {{0, 0, 1}, {0, 1, 1}, {1, 0, 2},
                                         {1, 1, 1}, {2, 0, 1}, {2, 1, 2}};
  const std::vector<Cell> swapped = {{0, 0, 1}, {0, 1, 1}, {1, 0, 1},
                                     {1, 1, 2}, {2, 0, 2}, {2, 1, 1}};
  EXPECT_EQ(all(layer.domains), as_they_are);
  ASSERT_EQ(layer.shuffled_domains.size(), 20U);
  int64_t num_swapped = 0;
  for (PairCounts& shuffled : layer.shuffled_domains) {
    const std::vector<Cell> cells = all(shuffled);
    EXPECT_TRUE(cells == as_they_are || cells == swapped);
    num_swapped += cells == swapped ? 1 : 0;
  }
  EXPECT_GT(num_swapped, 0);
  EXPECT_LT(num_swapped, 20);
}

TEST_F(RoutingSurveyTest, RefusesWhatDoesNotFit) {
  const auto domains = data::SentenceDomains::parse("1\t1\ta\n", "d.tsv", 2);
  EXPECT_ERROR(RoutingSurvey(split(), {}, &domains), core::ErrorCode::kInvalidArgument,
               "must be of the split's 3 sentences, got 2");
  EXPECT_ERROR(RoutingSurvey(split(), {.top_contexts = -1}, nullptr),
               core::ErrorCode::kInvalidArgument, "must be 0 or more");
  RoutingSurvey survey(split(), {}, nullptr);
  data::EvaluationSource source(split(), {.shape = {.batch_size = 1, .sequence_length = kRows}});
  data::Batch batch;
  ASSERT_TRUE(source.next(batch));
  EXPECT_ERROR(survey.add({.batch = batch, .positions = {}}, layers_),
               core::ErrorCode::kInvalidArgument, "a position for each of the batch's 14 rows");
}

TEST(RoutingSurvey, PlacesDouble) {
  const std::vector<int64_t> before = {0, 1, 2, 3, 4, 7, 8, 15, 16, 500};
  std::vector<int32_t> places(before.size());
  std::transform(before.begin(), before.end(), places.begin(), place_of);
  EXPECT_EQ(places, (std::vector<int32_t>{0, 1, 2, 2, 3, 3, 4, 4, 5, 5}));
}

}  // namespace
}  // namespace switchyard::analysis
