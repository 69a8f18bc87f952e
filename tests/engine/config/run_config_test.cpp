#include "config/run_config.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "core/error.h"
#include "ops/linalg/multiplier.h"

namespace switchyard::config {
namespace {

constexpr const char* kSmall = R"([data]
path = "data/ptb"
[model]
d_model = 32
layers = ["lstm", "moe"]
[model.moe.gate]
plugin = "noisy_topk"
k = 2
[[model.moe.experts]]
plugin = "ffn"
count = 6
hidden = [64]
[optimizer]
plugin = "adam"
beta2 = 0.9
[schedule]
kind = "constant"
learning_rate = 3e-3
[train]
steps = 77
seed = 12
on_nonfinite = "skip_step"
[checkpoint]
at_start = true
[plugins]
directories = ["/opt/plugins"]
)";

RunConfig small(const std::vector<std::string>& overrides = {}) {
  return parse_run_config(kSmall, "small.toml", overrides);
}

models::LanguageModelConfig model_of(const trainer::TrainerConfig& config) {
  return std::get<models::LanguageModelConfig>(config.model);
}

models::LanguageModelConfig model_of(const RunConfig& config) {
  return model_of(config.trainer);
}

std::string message_of(const std::string& text) {
  try {
    (void)parse_run_config(text, "c.toml", {});
  } catch (const core::Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(RunConfig, BecomesWhatTheTrainerTakes) {
  const trainer::TrainerConfig config = small().trainer;
  EXPECT_EQ(config.data.path, "data/ptb");
  EXPECT_EQ(model_of(config).d_model, 32);
  EXPECT_EQ(model_of(config).layers,
            (std::vector<models::LayerKind>{models::LayerKind::kLstm, models::LayerKind::kMoe}));
  EXPECT_EQ(model_of(config).moe.gate.plugin, "noisy_topk");
  ASSERT_EQ(model_of(config).moe.experts.size(), 1U);
  EXPECT_EQ(model_of(config).moe.experts[0].count, 6);
  EXPECT_EQ(model_of(config).moe.experts[0].component.plugin, "ffn");
  EXPECT_EQ(std::get<double>(config.optimizer.values.at("beta2")), 0.9);
  EXPECT_EQ(config.schedule.kind, optim::ScheduleKind::kConstant);
  EXPECT_EQ(config.schedule.base, 3e-3);
  EXPECT_EQ(config.schedule.total_steps, 77);
  EXPECT_EQ(config.train.seed, 12U);
  EXPECT_EQ(config.train.on_nonfinite, trainer::NonfinitePolicy::kSkipStep);
  EXPECT_TRUE(config.checkpoint.at_start);
  EXPECT_EQ(small().plugin_directories, std::vector<std::string>{"/opt/plugins"});
}

TEST(RunConfig, KnowsTheKindsOfSoftmax) {
  const models::LanguageModelConfig model =
      model_of(small({"model.softmax.sampled=8192", "model.softmax.sampler=unigram",
                      "model.softmax.unigram_power=0.75", "model.softmax.tied=true",
                      "model.embedding.sparse_gradient=true"}));
  EXPECT_EQ(model.softmax.sampled, 8192);
  EXPECT_EQ(model.softmax.sampler, layers::Proposal::kUnigram);
  EXPECT_EQ(model.softmax.unigram_power, 0.75);
  EXPECT_TRUE(model.softmax.tied);
  EXPECT_TRUE(model.embedding.sparse_gradient);
  EXPECT_EQ(model_of(small({"model.softmax.sampler=log_uniform"})).softmax.sampler,
            layers::Proposal::kLogUniform);
  const std::vector<std::string> changes =
      structural_changes(small().settings, small({"model.softmax.sampled=10"}).settings);
  EXPECT_EQ(changes, std::vector<std::string>{"model.softmax.sampled: 0 -> 10"});
}

TEST(RunConfig, RefusesTheNumbersThatAScheduleRefuses) {
  const auto complaint = [](const std::string& override) {
    try {
      small({override}).trainer.schedule.check();
    } catch (const core::Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_NE(complaint("schedule.learning_rate=0").find("must be greater than 0 and at most 1000"),
            std::string::npos);
  EXPECT_NE(complaint("schedule.plateau_factor=1").find("must be greater than 1 and at most"),
            std::string::npos);
  EXPECT_EQ(complaint("schedule.learning_rate=1e-30"), "no error");
  EXPECT_EQ(complaint("schedule.plateau_factor=1.0001"), "no error");
}

TEST(RunConfig, ReadsTheLstmTheInitialRangesAndThePlateau) {
  const trainer::TrainerConfig config =
      small({"model.residual=false", "model.lstm.units=128", "model.lstm.projection=32",
             "model.lstm.forget_bias=0", "model.lstm.init_range=0.05", "model.init_range=0.1",
             "model.vocabulary_size=33278", "schedule.kind=plateau", "schedule.plateau_factor=2",
             "train.evaluate_every_steps=7"})
          .trainer;
  EXPECT_FALSE(model_of(config).residual);
  EXPECT_EQ(model_of(config).lstm.units, 128);
  EXPECT_EQ(model_of(config).lstm.projection, 32);
  EXPECT_EQ(model_of(config).lstm.forget_bias, 0.0);
  EXPECT_EQ(model_of(config).lstm.init_range, 0.05);
  EXPECT_EQ(model_of(config).init_range, 0.1);
  EXPECT_EQ(model_of(config).vocab_size, 33278);
  EXPECT_EQ(config.schedule.kind, optim::ScheduleKind::kPlateau);
  EXPECT_EQ(config.schedule.plateau_factor, 2.0);
}

TEST(RunConfig, APlateauNeedsEvaluations) {
  EXPECT_NE(message_of(std::string("[schedule]\nkind=\"plateau\"\n[data]\npath=\"x\"\n"
                                   "[optimizer]\nplugin=\"sgd\"\n[model]\nlayers=[\"lstm\"]\n"))
                .find("set train.evaluate_every_steps"),
            std::string::npos);
}

TEST(RunConfig, ResolvedReadsBackAsTheSameRun) {
  const std::string text = small().settings.to_toml();
  EXPECT_EQ(parse_run_config(text, "config.toml", {}).settings.to_toml(), text);
}

TEST(RunConfig, KeepsWorkingFromAnotherDirectoryOnceItsPathsAreAbsolute) {
  const RunConfig config = settled(small());
  EXPECT_EQ(config.trainer.data.path, std::filesystem::absolute("data/ptb").string());
  EXPECT_EQ(config.plugin_directories, std::vector<std::string>{"/opt/plugins"});
  EXPECT_EQ(config.settings.setting("data.path"), core::ConfigValue(config.trainer.data.path));
  EXPECT_EQ(settled(config).settings.to_toml(), config.settings.to_toml());
}

TEST(RunConfig, SettlesOnTheFastestTypeOfTheMachineItStartsOn) {
  const RunConfig config = small({"train.compute=\"auto\""});
  const tensor::DType fastest = ops::linalg::fastest_compute();
  EXPECT_EQ(config.trainer.train.compute, fastest);
  const RunConfig here = settled(config);
  EXPECT_EQ(here.settings.setting("train.compute"),
            core::ConfigValue(std::string(name_of(fastest))));
  EXPECT_EQ(here.trainer.train.compute, fastest);
}

TEST(RunConfig, AsksForExpertsWhereThereIsAMoeLayer) {
  const std::string text = "[data]\npath=\"x\"\n[optimizer]\nplugin=\"sgd\"\n";
  EXPECT_NE(message_of(text).find("there must be experts"), std::string::npos);
}

TEST(RunConfig, AsksForAnOptimizer) {
  const std::string text = "[data]\npath=\"x\"\n[model]\nlayers=[\"lstm\"]\n";
  EXPECT_NE(message_of(text).find("an optimizer must be given"), std::string::npos);
}

constexpr const char* kGroups = R"(
[[optimizer.groups]]
plugin = "factored_adam"
roles = ["expert", "gate"]
learning_rate_scale = 0.5
beta2 = 0.99
[[optimizer.groups]]
plugin = "sgd"
match = "layers.0.*"
)";

TEST(RunConfig, GivesGroupsOfParametersTheirOwnOptimizer) {
  const RunConfig config = parse_run_config(std::string(kSmall) + kGroups, "c.toml", {});
  EXPECT_EQ(config.trainer.optimizer.plugin, "adam");
  EXPECT_EQ(config.trainer.optimizer.values.size(), 1U);  // beta2, and nothing of the groups
  const auto& groups = config.trainer.optimizer_groups;
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].component.plugin, "factored_adam");
  EXPECT_EQ(std::get<double>(groups[0].component.values.at("beta2")), 0.99);
  EXPECT_EQ(groups[0].selection.roles,
            (std::vector<tensor::Role>{tensor::Role::kExpert, tensor::Role::kGate}));
  EXPECT_EQ(groups[0].learning_rate_scale, 0.5);
  EXPECT_EQ(groups[1].selection.match, "layers.0.*");
  EXPECT_EQ(groups[1].learning_rate_scale, 1.0);
  const std::string text = config.settings.to_toml();
  EXPECT_EQ(parse_run_config(text, "config.toml", {}).settings.to_toml(), text);
}

TEST(RunConfig, RefusesGroupsThatItCannotUnderstand) {
  const std::string group = std::string(kSmall) + "[[optimizer.groups]]\nplugin = \"sgd\"\n";
  EXPECT_NE(message_of(group).find("a group must say which parameters it takes"),
            std::string::npos);
  EXPECT_NE(message_of(group + "roles = [\"experts\"]\n")
                .find("must be one of \"dense\", \"gate\", \"expert\""),
            std::string::npos);
  EXPECT_NE(message_of(std::string(kSmall) + "[[optimizer.groups]]\nmatch = \"*\"\n")
                .find("'optimizer.groups[0]' must name its plugin"),
            std::string::npos);
}

TEST(RunConfig, NeedsNoDataPathToBeDescribed) {
  const std::string text = "[optimizer]\nplugin=\"sgd\"\n[model]\nlayers=[\"lstm\"]\n";
  EXPECT_NE(message_of(text).find("'data.path' must be given"), std::string::npos);
  EXPECT_EQ(parse_run_config(text, "c.toml", {}, DataPath::kOptional).trainer.data.path, "");
}

TEST(RunConfig, ReadsTwoLevelsAndWhoBalancesThem) {
  const models::MoeConfig flat = model_of(small()).moe;
  EXPECT_EQ(flat.groups, 0);
  EXPECT_EQ(flat.balance.by, models::BalanceBy::kGate);
  const models::MoeConfig two =
      model_of(small({"model.moe.groups=3", "model.moe.secondary_gate.plugin=softmax",
                      "model.moe.secondary_gate.k=1", "model.moe.balance.w_load=0.3"}))
          .moe;
  EXPECT_EQ(two.groups, 3);
  EXPECT_EQ(two.secondary_gate.plugin, "softmax");
  EXPECT_EQ(two.balance.by, models::BalanceBy::kTokens);
  EXPECT_EQ(two.balance.w_importance, 0.1);
  EXPECT_EQ(two.balance.w_load, 0.3);
  EXPECT_EQ(model_of(small({"model.moe.balance.by=compute"})).moe.balance.by,
            models::BalanceBy::kCompute);
}

TEST(RunConfig, ReadsWhatTheExpertsSumPasses) {
  EXPECT_EQ(model_of(small()).moe_output, ops::nn::OutputActivation::kSigmoid);
  EXPECT_EQ(model_of(small({"model.moe.output=identity"})).moe_output,
            ops::nn::OutputActivation::kIdentity);
}

TEST(RunConfig, NamesTwoLevelsThatMakeNoSense) {
  const auto complaint = [](const std::vector<std::string>& overrides) {
    try {
      (void)small(overrides);
    } catch (const core::Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const auto expect = [&](const std::vector<std::string>& overrides, const std::string& part) {
    EXPECT_NE(complaint(overrides).find(part), std::string::npos) << complaint(overrides);
  };
  expect({"model.moe.groups=4"}, "must divide the number of experts, got 4 groups for 6 experts");
  expect({"model.moe.groups=3", "model.moe.balance.by=gate"}, "use \"tokens\" or \"compute\"");
  expect({"model.moe.secondary_gate.plugin=softmax"}, "set 'model.moe.groups'");
  expect({"model.moe.balance.w_load=0.5"}, "no effect where the gate asks for balance itself");
  expect({"model.moe.balance.by=flops"}, "compute");
}

TEST(RunConfig, TwoLevelsReadBackAsTheSameRun) {
  const std::string text =
      small({"model.moe.groups=3", "model.moe.secondary_gate.plugin=softmax"}).settings.to_toml();
  EXPECT_EQ(parse_run_config(text, "config.toml", {}).settings.to_toml(), text);
}

TEST(RunConfig, ReadsARecurrentLayerOfExperts) {
  const models::LanguageModelConfig model =
      model_of(small({"model.layers=[\"recurrent_moe\", \"lstm\"]"}));
  EXPECT_EQ(model.layers, (std::vector<models::LayerKind>{models::LayerKind::kRecurrentMoe,
                                                          models::LayerKind::kLstm}));
  EXPECT_EQ(model.recurrent_moe.segment, -1);
  EXPECT_EQ(model.moe.balance.by, models::BalanceBy::kTokens);
  const models::LanguageModelConfig kept =
      model_of(small({"model.layers=[\"recurrent_moe\"]", "model.recurrent_moe.segment=0",
                      "model.moe.balance.by=compute"}));
  EXPECT_EQ(kept.recurrent_moe.segment, 0);
  EXPECT_EQ(kept.moe.balance.by, models::BalanceBy::kCompute);
}

TEST(RunConfig, NamesARecurrentLayerThatMakesNoSense) {
  const auto complaint = [](const std::string& override) {
    try {
      (void)small({"model.layers=[\"recurrent_moe\"]", override});
    } catch (const core::Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_NE(complaint("model.moe.balance.by=gate").find("all steps of a recurrent layer"),
            std::string::npos);
  EXPECT_NE(complaint("model.recurrent_moe.segment=-2").find("'model.recurrent_moe.segment' must"),
            std::string::npos)
      << complaint("model.recurrent_moe.segment=-2");
  const std::string text =
      "[data]\npath=\"x\"\n[optimizer]\nplugin=\"sgd\"\n[model]\nlayers=[\"recurrent_moe\"]\n";
  EXPECT_NE(message_of(text).find("\"recurrent_moe\" layer, so there must be experts"),
            std::string::npos);
}

TEST(StructuralChanges, AllowALongerRunAndAnotherLearningRate) {
  const auto changes = structural_changes(
      small().settings,
      small({"train.steps=5000", "schedule.learning_rate=1e-4", "checkpoint.keep_last=9"})
          .settings);
  EXPECT_TRUE(changes.empty());
}

TEST(StructuralChanges, NameWhatWouldMakeItAnotherModel) {
  const auto changes = structural_changes(
      small().settings,
      small({"model.d_model=64", "train.seed=13", "model.moe.gate.k=3", "optimizer.beta1=0.5"})
          .settings);
  EXPECT_EQ(changes,
            (std::vector<std::string>{"model.d_model: 32 -> 64", "model.moe.gate.k: 2 -> 3",
                                      "optimizer.beta1: nothing -> 0.5", "train.seed: 12 -> 13"}));
}

}  // namespace
}  // namespace switchyard::config
