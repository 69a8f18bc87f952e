#include "analysis/expert_report.h"

#include <cmath>
#include <fstream>
#include <memory>
#include <regex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/expert_report_html.h"
#include "analysis/expert_report_json.h"
#include "analysis/expert_report_text.h"
#include "data/prepare.h"
#include "tests/support/temporary_directory.h"

namespace switchyard::analysis {
namespace {

using testing::HasSubstr;
using testing::Not;

// Ids by first place in the text: red cat runs sits old <b> ; </s> is 0, <unk> 1.
constexpr const char* kText = "red cat runs\nred cat sits\nold <b>\n";

/// A survey as three experts would give it that were counted by hand.
class ExpertReportTest : public ::testing::Test {
 protected:
  ExpertReportTest() {
    std::ofstream(directory_.path() / "t.txt") << kText;
    (void)data::prepare({.train = {directory_.path() / "t.txt"},
                         .tokenizer = data::TokenizerOptions{.kind = data::TokenizerKind::kBlanks},
                         .output = directory_.path() / "d"});
    data_ = std::make_unique<data::Dataset>(directory_.path() / "d");
    domains_ = std::make_unique<data::SentenceDomains>(
        data::SentenceDomains::parse("1\t2\tcats & co\n3\t1\tdogs\n", "d.tsv", 3));
    survey_.layer = "layers.1";
    survey_.num_experts = 4;
    survey_.top_k = 1;
    survey_.num_inputs = 12;
    survey_.rows = {3, 5, 4, 0};
    survey_.gate_weight = {1.2, 3.6, 1.2, 0.0};
    survey_.contexts = {{{.position = 0, .gate_weight = .4F}},
                        {{.position = 5, .gate_weight = .95F}, {.position = 6, .gate_weight = .7F}},
                        {{.position = 10, .gate_weight = .5F}},
                        {}};
    survey_.shuffled_domains.resize(2);
    add({{0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 1}});
    add({{1, 2, 1, 0}, {1, 2, 1, 0}, {1, 3, 2, 0}, {1, 3, 2, 0}, {1, 6, 1, 1}});
    add({{2, 4, 2, 0}, {2, 5, 2, 0}, {2, 6, 1, 1}, {2, 7, 2, 1}});
  }

  struct Pair {
    int32_t expert;
    int32_t word;
    int32_t place;
    int32_t domain;
  };
  void add(const std::vector<Pair>& pairs) {
    for (const Pair& pair : pairs) {
      survey_.words.add(pair.expert, pair.word);
      survey_.places.add(pair.expert, pair.place);
      survey_.domains.add(pair.expert, pair.domain);
      survey_.shuffled_domains[0].add(pair.expert, pair.domain);
      survey_.shuffled_domains[1].add(pair.expert, 0);  // knows nothing
    }
  }

  LayerReport report(ExpertReportOptions options = {.min_support = 1}, bool with_domains = true) {
    return make_layer_report(survey_, *data_, data_->split("train"),
                             with_domains ? domains_.get() : nullptr, options);
  }
  ExpertReport whole() {
    return {.run = "a<run>",
            .step = 1200,
            .split = "valid",
            .num_words = 12,
            .nll_per_word = 2.0,
            .layers = {report()}};
  }

  tests::TemporaryDirectory directory_;
  std::unique_ptr<data::Dataset> data_;
  std::unique_ptr<data::SentenceDomains> domains_;
  LayerSurvey survey_;
};

TEST_F(ExpertReportTest, FiguresEqualTheWorkedExample) {
  const LayerReport layer = report();
  EXPECT_EQ(layer.num_pairs, 12);
  EXPECT_EQ(layer.num_unused, 1);
  EXPECT_NEAR(layer.cv_rows, std::sqrt((0.0 + 4.0 + 1.0 + 9.0) / 4.0) / 3.0, 1e-12);
  EXPECT_NEAR(layer.max_over_mean_rows, 5.0 / 3.0, 1e-12);
  EXPECT_NEAR(layer.words.mutual_information, 0.9620317969734766, 1e-12);
  EXPECT_NEAR(layer.words.row_entropy, 1.0775563270668007, 1e-12);
  EXPECT_NEAR(layer.words.column_entropy, 1.8636799873410004, 1e-12);
  const ExpertPortrait& one = layer.experts[1];
  EXPECT_NEAR(one.row_share, 5.0 / 12.0, 1e-12);
  EXPECT_NEAR(one.gate_share, 0.6, 1e-12);
  EXPECT_NEAR(one.word_entropy, 1.0549201679861442, 1e-12);
  EXPECT_NEAR(one.specialisation, 0.736839301241911, 1e-12);
  EXPECT_NEAR(one.place_lift[1], (3.0 / 5.0) / (4.0 / 12.0), 1e-12);
  EXPECT_EQ(one.place_lift[0], 0.0);
  // The specialisations, weighted with the shares, are the mutual information.
  double sum = 0.0;
  for (const ExpertPortrait& expert : layer.experts) {
    sum += expert.row_share * expert.specialisation;
  }
  EXPECT_NEAR(sum, layer.words.mutual_information, 1e-12);
}

TEST_F(ExpertReportTest, ListsWordsByLiftWithEnoughSupport) {
  const ExpertPortrait one = report().experts[1];
  ASSERT_EQ(one.words.size(), 3U);
  EXPECT_EQ(one.words[0].word, "red");
  EXPECT_NEAR(one.words[0].lift, 2.4, 1e-12);  // (2/5) / (2/12)
  EXPECT_EQ(one.words[0].count, 2);
  EXPECT_EQ(one.words[1].word, "cat");
  EXPECT_EQ(one.words[2].word, "old");
  EXPECT_NEAR(one.words[2].lift, 1.2, 1e-12);
  EXPECT_EQ(report({.min_support = 2}).experts[1].words.size(), 2U);
  EXPECT_EQ(report({.min_support = 1, .words_listed = 1}).experts[1].words.size(), 1U);
  EXPECT_TRUE(report().experts[3].words.empty());
}

TEST_F(ExpertReportTest, ComparesDomainsWithChance) {
  const LayerReport layer = report();
  ASSERT_TRUE(layer.has_domains);
  EXPECT_NEAR(layer.domains.purity, 8.0 / 12.0, 1e-12);
  EXPECT_NEAR(layer.domains.information, 0.04414702467520251, 1e-12);
  EXPECT_NEAR(layer.domains.information_by_chance, 0.04414702467520251 / 2.0, 1e-12);
  EXPECT_NEAR(layer.domains.most_information_by_chance, 0.04414702467520251, 1e-12);
  EXPECT_NEAR(layer.domains.purity_by_chance, (8.0 / 12.0 + 1.0) / 2.0, 1e-12);
  EXPECT_NEAR(layer.domains.shares[0], 8.0 / 12.0, 1e-12);
  ASSERT_EQ(layer.experts[1].domains.size(), 2U);
  EXPECT_EQ(layer.experts[1].domains[0].name, "cats & co");
  EXPECT_NEAR(layer.experts[1].domains[0].share, 0.8, 1e-12);
  EXPECT_NEAR(layer.experts[1].domains[0].lift, 1.2, 1e-12);
  EXPECT_FALSE(report({}, false).has_domains);
}

TEST_F(ExpertReportTest, ShowsInputsInTheirSentences) {
  const LayerReport layer = report({.window = 1, .min_support = 1});
  const ContextText& start = layer.experts[0].contexts[0];
  EXPECT_EQ(start.before, "");
  EXPECT_EQ(start.word, "</s>");
  EXPECT_EQ(start.after, "red ...");
  EXPECT_EQ(start.sentence, 1);
  const ContextText& first = layer.experts[1].contexts[0];
  EXPECT_EQ(first.before, "");
  EXPECT_EQ(first.word, "red");
  EXPECT_EQ(first.after, " cat ...");
  EXPECT_EQ(first.sentence, 2);
  const ContextText& middle = layer.experts[1].contexts[1];
  EXPECT_EQ(middle.before, "red");
  EXPECT_EQ(middle.word, "cat");
  EXPECT_EQ(middle.after, " sits");
  const ContextText& last = layer.experts[2].contexts[0];  // its successor is the closing mark
  EXPECT_EQ(last.before, "old");
  EXPECT_EQ(last.word, "<b>");
  EXPECT_EQ(last.after, "");
}

TEST_F(ExpertReportTest, TellsHowFrequentWordsSpread) {
  for (int i = 0; i < 100; ++i) {
    survey_.words.add(0, 2);      // red: on expert 0 nearly alone
    survey_.words.add(i % 3, 3);  // cat: on three evenly
  }
  survey_.rows = {137, 38, 37, 0};
  const LayerReport layer = report();
  ASSERT_EQ(layer.concentrated.size(), 1U);
  EXPECT_EQ(layer.concentrated[0].word, "red");
  EXPECT_EQ(layer.concentrated[0].experts[0].expert, 0);
  EXPECT_NEAR(layer.concentrated[0].experts[0].share, 100.0 / 102.0, 1e-12);
  ASSERT_EQ(layer.spread.size(), 1U);
  EXPECT_EQ(layer.spread[0].word, "cat");
  EXPECT_GT(layer.spread[0].entropy, 1.09);
  EXPECT_EQ(layer.spread[0].experts.size(), 3U);
}

TEST_F(ExpertReportTest, PageHoldsEveryExpertAndNothingUnescaped) {
  const std::string page = expert_report_html(whole());
  for (int expert = 0; expert < 4; ++expert) {
    EXPECT_THAT(page, HasSubstr("id=\"e0-" + std::to_string(expert) + "\""));
    EXPECT_THAT(page, HasSubstr("href=\"#e0-" + std::to_string(expert) + "\""));
  }
  EXPECT_THAT(page, HasSubstr("a&lt;run&gt;"));
  EXPECT_THAT(page, HasSubstr("<mark>&lt;b&gt;</mark>"));
  EXPECT_THAT(page, HasSubstr("cats &amp; co"));
  EXPECT_THAT(page, Not(HasSubstr("<b></mark>")));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("http")));
  EXPECT_EQ(html_escaped("a<\"&'\x1b>"), "a&lt;&quot;&amp;&#39;&gt;");
}

TEST_F(ExpertReportTest, TextAlignsTheWords) {
  const ExpertReport all = whole();
  const std::string text = expert_text(all.layers[0].experts[1], render::Terminal{}, 60);
  EXPECT_THAT(text, HasSubstr("expert 1: 42 % of inputs, 60 % of gate weight"));
  EXPECT_THAT(text, HasSubstr("red x2.4 (2)"));
  EXPECT_THAT(text, HasSubstr("0.950               [red] cat sits"));
  EXPECT_THAT(text, HasSubstr("0.700           red [cat] sits"));
  EXPECT_EQ(expert_text(all.layers[0].experts[3], render::Terminal{}, 60), "expert 3: no input\n");
  const std::string summary = layer_summary_text(all, all.layers[0], render::Terminal{}, 60);
  EXPECT_THAT(summary, HasSubstr("layers.1, step 1,200, valid: 4 experts, top 1, 12 inputs"));
  EXPECT_THAT(summary, HasSubstr("2 domains: purity 0.667 (0.833 by chance)"));
  const render::Terminal coloured = {.is_terminal = true, .colour = render::ColourLevel::k256};
  EXPECT_THAT(expert_text(all.layers[0].experts[1], coloured, 60),
              HasSubstr("\x1b[1;36mred\x1b[0m"));
}

TEST_F(ExpertReportTest, TheTellingExpertsAreThoseThatTellOfWords) {
  const LayerReport layer = report();
  EXPECT_EQ(telling_experts(layer, 2), (std::vector<int64_t>{0, 2}));
  EXPECT_EQ(telling_experts(layer, 9), (std::vector<int64_t>{0, 1, 2, 3}));
}

TEST_F(ExpertReportTest, JsonHoldsTheFigures) {
  const ExpertReport all = whole();
  const std::string line = layer_report_json(all, all.layers[0]);
  EXPECT_THAT(line, HasSubstr("{\"schema\":1,\"layer\":\"layers.1\",\"step\":1200"));
  EXPECT_THAT(line, HasSubstr("\"purity\":0.666"));
  EXPECT_THAT(line, HasSubstr("\"word\":\"<b>\""));
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace switchyard::analysis
