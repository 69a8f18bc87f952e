// HIER of section 13.4 of the specification of Shazeer et al. 2017: numbers computed there in
// double precision, the noise given, reached here through the real noisy top-k plugin over the ABI.
#include "layers/moe/two_level_gate.h"

#include <numeric>

#include <gtest/gtest.h>

#include "layers/moe/balance.h"
#include "layers/workspace.h"
#include "tests/engine/layers/moe/hosted_gates.h"
#include "tests/plugins/gate_run.h"
#include "tests/support/error_matcher.h"
#include "tests/support/random_tensor.h"

namespace switchyard::layers {
namespace {

using tensor::DType;
using tensor::Tensor;
using Numbers = std::vector<double>;

MoeConfig noisy(int64_t groups, int64_t k) {
  return {.gate = {.plugin = "noisy_topk",
                   .values = {{"k", k}, {"noise_epsilon", 0.0}},
                   .where = "model.moe.gate"},
          .groups = groups,
          .balance = {.by = BalanceBy::kTokens}};
}

/// A gate of hosted gates, one batch, and the layer's side of the calls.
struct Bench {
  Bench(const MoeConfig& config, int64_t tokens, int64_t d, int32_t experts)
      : gate({.name = "gate", .d_in = d, .d_out = d, .num_experts = experts}, config, factory,
             parameters),
        balance(config.balance, {{.count = experts, .madds_per_row = 1.0}}),
        x(tests::zero_tensor({tokens, d})),
        grad_x(tests::zero_tensor({tokens, d})),
        ids(Tensor::from<int32_t>({tokens}, std::vector<int32_t>(static_cast<size_t>(tokens)))) {
    std::iota(ids.data<int32_t>(), ids.data<int32_t>() + tokens, 0);
    const int64_t K = gate.top_k();
    routing = {.expert_index = Tensor::zeros(DType::kI32, {tokens, K}, allocator),
               .gate_weight = tests::zero_tensor({tokens, K}),
               .importance = tests::zero_tensor({experts}),
               .load = tests::zero_tensor({experts}),
               .aux_loss = tests::zero_tensor({1})};
  }

  // Every token is a sequence of its own.
  [[nodiscard]] GateInput input() const {
    return {.x = x, .mask = mask, .token_ids = ids, .sequence = ids};
  }

  void forward() {
    workspace.begin(Mode::kTrain, 0, 0);
    routing.aux_loss.data<float>()[0] = 0.0F;
    gate.forward(input(), routing, pass);
    balance.add_loss(routing, pass);
  }

  /// The task's loss: sum over the chosen of G(x_t)_i e[t, i].
  [[nodiscard]] double task(const Numbers& e) const {
    double sum = 0.0;
    for_each_choice([&](int64_t slot, size_t entry) {
      sum += static_cast<double>(routing.gate_weight.data<float>()[slot]) * e[entry];
    });
    return sum;
  }

  void backward(const Numbers& e) {
    const Tensor grad_weight = tests::zero_tensor(routing.gate_weight.shape());
    for_each_choice([&](int64_t slot, size_t entry) {
      grad_weight.data<float>()[slot] = static_cast<float>(e[entry]);
    });
    const Tensor one = Tensor::from<float>({1}, {1.0F});
    const Balance::Gradient asked = balance.gradient(routing, one, pass);
    gate.backward(input(), routing,
                  {.grad_gate_weight = grad_weight,
                   .grad_aux_loss = one,
                   .grad_x = grad_x,
                   .grad_importance = asked.importance,
                   .grad_load = asked.load},
                  pass);
  }

  template <typename Body>
  void for_each_choice(const Body& body) const {
    const int64_t K = routing.expert_index.size(1);
    for (int64_t slot = 0; slot < routing.expert_index.count(); ++slot) {
      const int32_t expert = routing.expert_index.data<int32_t>()[slot];
      if (expert >= 0) {
        body(slot, static_cast<size_t>(slot / K * routing.load.count() + expert));
      }
    }
  }

  core::ThreadPool threads{2};
  tensor::CpuDevice device{threads};
  tensor::CpuAllocator allocator;
  Workspace workspace{ops::backend_on(device)};
  Pass& pass = workspace.pass();
  tests::HostedFactory factory;
  tensor::ParameterSet parameters;
  TwoLevelGate gate;
  Balance balance;
  Tensor x, grad_x, mask, ids;
  Routing routing;
};

void store(const Numbers& values, const Tensor& to) {
  std::copy(values.begin(), values.end(), to.data<float>());
}

/// Every entry within 1e-5 of the size of what is expected.
void expect_near(const Numbers& got, const Numbers& want, const std::string& what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_NEAR(got[i], want[i], 1e-5 * std::abs(want[i])) << what << " " << i;
  }
}

double squared_variation(const Numbers& v) {
  const auto n = static_cast<double>(v.size());
  const double mean = std::accumulate(v.begin(), v.end(), 0.0) / n;
  double variance = 0.0;
  for (const double value : v) {
    variance += (value - mean) * (value - mean) / n;
  }
  return variance / (mean * mean);
}

struct Hier : public ::testing::Test {
  Hier() {
    test::SineFill fill;
    store(fill.next(6 * 3, 1.0), bench.x);
    bench.factory.set("gate", "w_gate", fill.next(9, 0.5));
    bench.factory.set("gate", "w_noise", fill.next(9, 0.5));
    for (const char* parameter : {"w_gate", "w_noise"}) {
      for (const char* gate : {"gate.0", "gate.1", "gate.2"}) {
        bench.factory.set(gate, parameter, fill.next(9, 0.5));
      }
    }
    bench.factory.gates.at("gate")->noise_of_token = fill.next(6 * 3, 1.5);
    for (int token = 0; token < 6; ++token) {
      for (const char* gate : {"gate.0", "gate.1", "gate.2"}) {
        Numbers& noise = bench.factory.gates.at(gate)->noise_of_token;
        const Numbers more = fill.next(3, 1.5);
        noise.insert(noise.end(), more.begin(), more.end());
      }
    }
    e = fill.next(6 * 9, 1.0);
    bench.forward();
  }

  Bench bench{noisy(3, 2), 6, 3, 9};
  Numbers e;
};

TEST_F(Hier, ReproducesImportanceAndLoadOfAllExperts) {
  expect_near(tests::to_double(bench.routing.importance),
              {.904526784, .954960754, .292342529, .575290677, .676238968, .688067274, .800746374,
               .358351888, .749474752},
              "importance");
  expect_near(tests::to_double(bench.routing.load),
              {1.931082019, 2.096197706, 1.114639952, 2.934912455, 3.546136634, 3.064156328,
               4.110052380, 4.073463259, 4.106455489},
              "load");
}

TEST_F(Hier, ReproducesTheLosses) {
  expect_near({bench.task(e) + bench.routing.aux_loss.data<float>()[0]}, {-1.477558808}, "total");
  expect_near({squared_variation(tests::to_double(bench.routing.importance)),
               squared_variation(tests::to_double(bench.routing.load))},
              {0.102150303, 0.116609723}, "CV^2");
  expect_near({bench.routing.aux_loss.data<float>()[0]}, {0.1 * (0.102150303 + 0.116609723)},
              "balance");
}

// Twelve slots in all: how many tokens a group got follows from the numbers of the experts.
TEST_F(Hier, SendsTheTokensToTheGroupsOfThePaper) {
  std::vector<int64_t> tokens_of_group(3);
  for (const int32_t expert : bench.routing.expert_index.to_vector<int32_t>()) {
    ++tokens_of_group.at(static_cast<size_t>(expert) / 3);
  }
  EXPECT_EQ(tokens_of_group, (std::vector<int64_t>{3 * 2, 6 * 2, 3 * 2}));
}

TEST_F(Hier, TellsEveryGateTheSequencesOfItsTokens) {
  std::vector<std::vector<int32_t>> tokens_of_group(3);
  const std::vector<int32_t> experts = bench.routing.expert_index.to_vector<int32_t>();
  for (int32_t token = 0; token < 6; ++token) {
    for (size_t k = 0; k < 4; k += 2) {
      const auto group = static_cast<size_t>(experts[static_cast<size_t>(token) * 4 + k]) / 3;
      tokens_of_group.at(group).push_back(token);
    }
  }
  EXPECT_EQ(bench.factory.gates.at("gate")->sequence, (std::vector<int32_t>{0, 1, 2, 3, 4, 5}));
  for (size_t group = 0; group < 3; ++group) {
    EXPECT_EQ(bench.factory.gates.at(fmt::format("gate.{}", group))->sequence,
              tokens_of_group[group]);
  }
}

TEST_F(Hier, ReproducesTheGradientsOfBothLevels) {
  bench.backward(e);
  EXPECT_TRUE(bench.pass.kept.empty());
  const auto norm = [&](const char* gate, const char* parameter) {
    return test::square_norm(bench.factory.grad(gate, parameter));
  };
  expect_near({norm("gate", "w_gate"), norm("gate", "w_noise"),
               test::square_norm(tests::to_double(bench.grad_x))},
              {1.221922223, 0.302771449, 0.245230007}, "W_p, Wn_p, X");
  expect_near({norm("gate.0", "w_gate"), norm("gate.1", "w_gate"), norm("gate.2", "w_gate")},
              {0.176930240, 0.071965503, 0.168956111}, "W_s");
  expect_near({norm("gate.0", "w_noise"), norm("gate.1", "w_noise"), norm("gate.2", "w_noise")},
              {0.059329543, 0.015708427, 0.024811322}, "Wn_s");
  expect_near({bench.factory.grad("gate", "w_gate")[0]}, {0.009826433}, "W_p, first entry");
}

// Padding goes to no group, and a group without tokens counts for nothing.
TEST(TwoLevelGate, LeavesPaddingOutAndAcceptsEmptyGroups) {
  Bench bench(noisy(4, 1), 3, 2, 8);
  bench.x = tests::random_tensor({3, 2}, 1);
  bench.mask = Tensor::from<uint8_t>({3}, {1, 0, 1});
  bench.factory.set("gate", "w_gate", {.1, -.2, .3, -.4, .5, -.6, .7, -.8});
  bench.forward();
  const std::vector<int32_t> experts = bench.routing.expert_index.to_vector<int32_t>();
  EXPECT_GE(experts[0], 0);
  EXPECT_EQ(experts[1], -1);
  EXPECT_GE(experts[2], 0);
  const Numbers importance = tests::to_double(bench.routing.importance);
  EXPECT_NEAR(std::accumulate(importance.begin(), importance.end(), 0.0), 2.0, 1e-6);
  bench.backward(Numbers(3 * 8, 1.0));
  for (const Tensor& t : {bench.routing.load, bench.routing.aux_loss, bench.grad_x}) {
    for (const double value : tests::to_double(t)) {
      EXPECT_TRUE(std::isfinite(value));
    }
  }
  const Numbers grad_x = tests::to_double(bench.grad_x);
  EXPECT_EQ(Numbers(grad_x.begin() + 2, grad_x.begin() + 4), Numbers(2, 0.0)) << "padded token";
}

TEST(TwoLevelGate, AcceptsABatchWithoutTokens) {
  Bench bench(noisy(2, 1), 0, 2, 6);
  bench.forward();
  bench.backward({});
  EXPECT_EQ(bench.routing.aux_loss.data<float>()[0], 0.0F);
  EXPECT_EQ(tests::to_double(bench.routing.load), Numbers(6, 0.0));
}

// Both levels dense: the product of two softmaxes, every expert for every token.
TEST(TwoLevelGate, WithAllExpertsAndNoNoiseIsTheProductOfTwoDenseSoftmaxes) {
  MoeConfig config = noisy(3, 3);
  config.gate.values["noise"] = 0.0;
  Bench noisy_bench(config, 5, 2, 9);
  config.gate = {.plugin = "softmax", .where = "model.moe.gate"};
  Bench dense_bench(config, 5, 2, 9);
  for (Bench* bench : {&noisy_bench, &dense_bench}) {
    uint64_t seed = 10;
    bench->x = tests::random_tensor({5, 2}, 1);
    for (const char* gate : {"gate", "gate.0", "gate.1", "gate.2"}) {
      const std::vector<float> w = tests::random_values(6, seed++);
      bench->factory.set(gate, "w_gate", Numbers(w.begin(), w.end()));
    }
    bench->forward();
  }
  EXPECT_LT(tests::relative_error(tests::to_double(noisy_bench.routing.importance),
                                  tests::to_double(dense_bench.routing.importance)),
            1e-6);
  EXPECT_EQ(tests::to_double(dense_bench.routing.load), Numbers(9, 5.0));
  EXPECT_EQ(tests::to_double(noisy_bench.routing.load), Numbers(9, 5.0));
  test::SineFill fill;
  const Numbers e = fill.next(5 * 9, 1.0);
  EXPECT_NEAR(noisy_bench.task(e), dense_bench.task(e), 1e-5);
  noisy_bench.backward(e);
  dense_bench.backward(e);
  for (const char* gate : {"gate", "gate.0", "gate.1", "gate.2"}) {
    EXPECT_LT(test::max_difference(noisy_bench.factory.grad(gate, "w_gate"),
                                   dense_bench.factory.grad(gate, "w_gate")),
              1e-5)
        << gate;
  }
}

TEST(TwoLevelGate, TakesAnotherGateForTheGroups) {
  MoeConfig config = noisy(4, 2);
  config.secondary_gate = {.plugin = "softmax", .values = {{"k", int64_t{1}}}, .where = "here"};
  const Bench bench(config, 3, 2, 12);
  EXPECT_EQ(bench.gate.top_k(), 2 * 1);
  EXPECT_EQ(bench.factory.gates.size(), 5U);
}

TEST(TwoLevelGate, NamesTheLevelThatCannotBe) {
  EXPECT_ERROR(Bench(noisy(4, 2), 3, 2, 9), core::ErrorCode::kInvalidArgument,
               "gate: the groups of a two-level gate must divide the number of experts, got 4 "
               "groups for 9 experts");
  struct Refusing final : public ComponentFactory {
    std::unique_ptr<Gate> make_gate(const core::ComponentConfig& /*config*/,
                                    const ComponentPlace& place,
                                    tensor::ParameterSet& /*parameters*/) override {
      core::require(place.num_experts != refused, "no gate for {}", refused);
      return std::make_unique<tests::HostedGate>(noisy(0, 1).gate, place);
    }
    std::unique_ptr<ExpertGroup> make_experts(const core::ComponentConfig& /*config*/,
                                              const ComponentPlace& /*place*/,
                                              tensor::ParameterSet& /*parameters*/) override {
      return nullptr;
    }
    int64_t refused = 0;
  } factory;
  tensor::ParameterSet parameters;
  const ComponentPlace place = {.name = "gate", .d_in = 2, .d_out = 2, .num_experts = 12};
  factory.refused = 4;
  EXPECT_ERROR(TwoLevelGate(place, noisy(4, 1), factory, parameters),
               core::ErrorCode::kInvalidArgument, "where the first one chooses among 4");
  factory.refused = 3;
  EXPECT_ERROR(TwoLevelGate(place, noisy(4, 1), factory, parameters),
               core::ErrorCode::kInvalidArgument, "where the second one chooses among 3");
}

}  // namespace
}  // namespace switchyard::layers
