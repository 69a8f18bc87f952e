// Numbers of the worked examples: sections 13.1, 13.3 and 13.4 of the specification of Shazeer et
// al. 2017, computed there in double precision with the noise given.
#include <numeric>

#include <gtest/gtest.h>

#include "tests/plugins/gate_run.h"
#include "tests/plugins/noisy_topk_reference.h"

namespace switchyard::test {
namespace {

using Numbers = std::vector<double>;

constexpr double kTolerance = 2e-6;  // f32 against nine printed digits

/// The worst deviation of a test from the printed numbers, recorded in its XML report.
class Deviation {
 public:
  ~Deviation() { ::testing::Test::RecordProperty("max_deviation", std::to_string(worst_ * 1e9)); }
  void expect(const Numbers& got, const Numbers& want, const char* what,
              double tolerance = kTolerance) {
    const double d = max_difference(got, want);
    worst_ = std::max(worst_, d);
    EXPECT_LE(d, tolerance) << what;
  }

 private:
  double worst_ = 0.0;
};

std::vector<float> floats(const Numbers& v) {
  return {v.begin(), v.end()};
}

TestConfig weights(GateRun& run, int k, double w_importance, double w_load, double epsilon) {
  return run.host.config()
      .set("k", k)
      .set("w_importance", w_importance)
      .set("w_load", w_load)
      .set("noise_epsilon", epsilon);
}

const Numbers kX{1, 0.5, -0.5, 1};
const Numbers kNoise{0.5, -0.3, 0.1, 1.0, -1.0, 0.4, 0.2, -0.5};

/// EX1 (or EX2 with zero weights) of section 13.3.
void prepare_example(GateRun& run, double w_importance, double w_load, bool is_zero = false,
                     const Numbers& x = kX) {
  run.create(weights(run, 2, w_importance, w_load, 0.0));
  run.set_x(x);
  run.host.noise = floats(kNoise);
  if (!is_zero) {
    run.set("w_gate", {0.2, -0.1, 0.4, 0, 0.1, 0.3, -0.2, 0.5});
    run.set("w_noise", {0, 0.1, -0.1, 0.2, 0.3, 0, 0.1, -0.2});
  }
}

TEST(GateNoisyTopK, ReproducesExampleOneForward) {
  GateRun run("gate_noisy_topk", 2, 2, 4);
  prepare_example(run, 1.0, 0.0);
  run.forward();
  Deviation d;
  EXPECT_EQ(run.ids.indices(), (std::vector<int32_t>{3, 0, 1, 3}));
  d.expect(run.dense_weights(), {.411221480, 0, 0, .588778520, 0, .597380299, 0, .402619701}, "G");
  d.expect(run.importance.values(), {.411221480, .597380299, 0, .991398221}, "importance");
  d.expect(run.load.values(), {.836887563, 1.029403250, .517466883, 1.348381145}, "load");
  d.expect(run.aux_loss.values(), {0.508836760}, "CV^2(importance)");
}

TEST(GateNoisyTopK, ReproducesExampleOneImportanceGradient) {
  GateRun run("gate_noisy_topk", 2, 2, 4);
  prepare_example(run, 1.0, 0.0);
  run.forward();
  run.backward({});
  Deviation d;
  d.expect(run.grad("w_gate"),
           {-.280942899, .094768039, 0, .186174860, -.140471449, -.189536078, 0, .330007527},
           "W_g");
  d.expect(run.grad("w_noise"),
           {-.075493549, .018479866, 0, .167653799, -.037746775, -.036959733, 0, .033415339},
           "W_noise");
  d.expect(run.dx.values(), {-.026690745, .060231260, .007191785, .045973065}, "X");
}

TEST(GateNoisyTopK, ReproducesExampleOneLoadGradient) {
  GateRun run("gate_noisy_topk", 2, 2, 4);
  prepare_example(run, 0.0, 1.0);
  run.forward();
  run.backward({});
  Deviation d;
  d.expect(run.aux_loss.values(), {0.104456629}, "CV^2(load)");
  d.expect(run.grad("w_gate"),
           {.123502049, -.000121024, -.113348862, -.010032163, -.000984078, -.000375342,
            -.260328619, .261688039},
           "W_g");
  d.expect(run.grad("w_noise"),
           {.040855523, -.000156689, -.013145260, .040224890, .011028851, .000058455, -.073390079,
            -.060538878},
           "W_noise");
  d.expect(run.dx.values(), {-.052648018, .102602255, -.082729642, .139475028}, "X");
}

TEST(GateNoisyTopK, ReproducesExampleOneTaskGradient) {
  GateRun run("gate_noisy_topk", 2, 2, 4);
  prepare_example(run, 0.0, 0.0);
  const Numbers e{1, 2, 3, 4, 4, 3, 2, 1};
  run.forward();
  run.backward(e);
  Deviation d;
  const Numbers g = run.dense_weights();
  d.expect({std::inner_product(g.begin(), g.end(), e.begin(), 0.0)}, {4.961096159}, "task");
  d.expect(run.grad("w_gate"),
           {-.726355123, -.240517077, 0, .966872200, -.363177562, .481034155, 0, -.117856593},
           "W_g");
  d.expect(run.grad("w_noise"),
           {-.195182461, -.046901081, 0, .330144401, -.097591230, .093802161, 0, .293014503},
           "W_noise");
}

TEST(GateNoisyTopK, ReproducesExampleTwoWithZeroWeights) {
  GateRun run("gate_noisy_topk", 2, 2, 4);
  prepare_example(run, 0.0, 1.0, true);
  run.forward();
  run.backward({});
  Deviation d;
  d.expect(run.dense_weights(), {.414213562, 0, 0, .585786438, 0, .534601961, .465398039, 0}, "G");
  d.expect(run.load.values(),
           {.460172163 + .420740291, .308537539 + .691462461, .308537539 + .691462461,
            .460172163 + .420740291},
           "load");
  d.expect({squared_variation(run.importance.values())}, {0.017113217}, "CV^2(importance)");
  d.expect(run.aux_loss.values(), {0.004008626}, "CV^2(load)");
  d.expect(run.dx.values(), {0, 0, 0, 0}, "X");
  d.expect(run.grad("w_gate"),
           {-.042430974, .008007393, .028810197, .005613384, -.046456067, .024022179, .084904741,
            -.062470853},
           "W_g");
}

/// FLAT of section 13.4.
struct Flat {
  std::unique_ptr<GateRun> own;
  GateRun& run;
  Numbers e;

  Flat(double w_importance, double w_load, double epsilon)
      : Flat(std::make_unique<GateRun>("gate_noisy_topk", 16, 5, 8), w_importance, w_load,
             epsilon) {}
  Flat(std::unique_ptr<GateRun> made, double w_importance, double w_load, double epsilon)
      : Flat(*made, w_importance, w_load, epsilon) {
    own = std::move(made);
  }
  Flat(GateRun& given, double w_importance, double w_load, double epsilon) : run(given) {
    SineFill fill;
    run.create(weights(run, 3, w_importance, w_load, epsilon));
    run.set_x(fill.next(16 * 5, 1.0));
    run.set("w_gate", fill.next(5 * 8, 0.5));
    run.set("w_noise", fill.next(5 * 8, 0.5));
    run.host.noise = floats(fill.next(16 * 8, 1.5));
    e = fill.next(16 * 8, 1.0);
    run.forward();
  }
  [[nodiscard]] double task() {
    const Numbers g = run.dense_weights();
    return std::inner_product(g.begin(), g.end(), e.begin(), 0.0);
  }
  [[nodiscard]] Numbers norms() {
    return {square_norm(run.grad("w_gate")), square_norm(run.grad("w_noise")),
            square_norm(run.dx.values())};
  }
};

TEST(GateNoisyTopK, ReproducesTheFlatCaseForward) {
  Flat flat(0.1, 0.1, 0.0);
  Deviation d;
  Numbers counts(8);
  for (const int32_t id : flat.run.ids.indices()) {
    counts.at(static_cast<size_t>(id)) += 1.0;
  }
  const Numbers load = flat.run.load.values();
  EXPECT_EQ(counts, (Numbers{5, 4, 6, 9, 8, 8, 4, 4}));
  d.expect({squared_variation(flat.run.importance.values())}, {0.096979888}, "CV^2(importance)");
  d.expect({squared_variation(load)}, {0.013181079}, "CV^2(load)");
  const double sum = std::accumulate(load.begin(), load.end(), 0.0);
  d.expect({sum}, {46.294095550}, "sum of the load", 1e-5);
  d.expect({*std::max_element(load.begin(), load.end()) * 8 / sum}, {1.207023054}, "max / mean");
  d.expect({flat.task()}, {-7.980225514}, "task");
  d.expect({flat.task() + flat.run.aux_loss.f32()[0]}, {-7.969209418}, "total");
}

TEST(GateNoisyTopK, ReproducesTheFlatCaseGradients) {
  Deviation d;
  Flat task(0.0, 0.0, 0.0);
  task.run.backward(task.e);
  d.expect(task.norms(), {2.594274536, 1.195256925, 0.659404960}, "task");
  d.expect({task.run.grad("w_gate")[0]}, {-.156151157}, "task, first entry");
  Flat importance(1.0, 0.0, 0.0);
  importance.run.backward({});
  d.expect(importance.norms(), {.008148738536, .003763263605, .000876250559}, "importance");
  d.expect({importance.run.grad("w_gate")[0]}, {-.007642941}, "importance, first entry");
  Flat load(0.0, 1.0, 0.0);
  load.run.backward({});
  d.expect(load.norms(), {.010535742942, .001144032502, .002057995128}, "load");
  d.expect({load.run.grad("w_gate")[0]}, {.044334105}, "load, first entry");
  Flat total(0.1, 0.1, 0.0);
  total.run.backward(total.e);
  d.expect(total.norms(), {2.595612228, 1.199997474, 0.659444827}, "total");
}

TEST(GateNoisyTopK, ReproducesTheFlatCaseWithANoiseFloor) {
  Deviation d;
  Flat flat(0.0, 1.0, 0.01);
  flat.run.backward({});
  d.expect({squared_variation(flat.run.importance.values())}, {0.097247430}, "CV^2(importance)");
  d.expect(flat.run.aux_loss.values(), {0.012940567}, "CV^2(load)");
  d.expect({flat.task()}, {-8.000848636}, "task");
  d.expect({flat.norms()[0]}, {.009942387253}, "gradient of W_g");
}

// The host asks for what the gate's own losses would be: the same gradients, and nothing of them in
// the gate's aux_loss.
TEST(GateNoisyTopK, TakesTheGradientsOfTheBalanceFromAHostThatAsksForIt) {
  GateRun run("gate_noisy_topk", 16, 5, 8);
  run.balance_by_host();
  Flat flat(run, 0.7, 0.9, 0.0);
  EXPECT_EQ(run.aux_loss.f32()[0], 0.0F);
  Deviation d;
  run.backward(flat.e);
  d.expect(flat.norms(), {2.594274536, 1.195256925, 0.659404960}, "task, nothing asked");
  run.zero_grads();
  ask_for_balance(0.1, run.importance, run.dimportance);
  ask_for_balance(0.1, run.load, run.dload);
  run.backward(flat.e, 5.0);
  d.expect(flat.norms(), {2.595612228, 1.199997474, 0.659444827}, "total");
}

TEST(GateNoisyTopK, AddsWhatAHostAsksToItsOwnLosses) {
  GateRun run("gate_noisy_topk", 16, 5, 8);
  Flat flat(run, 0.1, 0.0, 0.0);
  ask_for_balance(0.1, run.load, run.dload);
  run.asks = true;
  run.backward(flat.e);
  Deviation d;
  d.expect(flat.norms(), {2.595612228, 1.199997474, 0.659444827}, "total");
}

/// Plugin against finite differences of the double-precision reference.
void compare_with_differences(int k, double w_importance, double w_load, double epsilon) {
  SCOPED_TRACE(testing::Message() << "k " << k);
  constexpr int kTokens = 7;
  constexpr int kWidth = 4;
  constexpr int kExperts = 6;
  SineFill fill;
  NoisyTopKReference ref{kTokens, kWidth, kExperts, k,  epsilon, w_importance,
                         w_load,  {},     {},       {}, {},      {}};
  ref.x = fill.next(kTokens * kWidth, 1.0);
  ref.w_gate = fill.next(kWidth * kExperts, 0.6);
  ref.w_noise = fill.next(kWidth * kExperts, 0.4);
  ref.noise = fill.next(kTokens * kExperts, 1.3);
  ref.e = fill.next(kTokens * kExperts, 1.0);
  GateRun run("gate_noisy_topk", kTokens, kWidth, kExperts);
  run.create(weights(run, k, w_importance, w_load, epsilon));
  run.set_x(ref.x);
  run.set("w_gate", ref.w_gate);
  run.set("w_noise", ref.w_noise);
  run.host.noise = floats(ref.noise);
  run.forward();
  run.backward(ref.e);
  EXPECT_LE(max_difference(run.importance.values(), ref.importance()), kTolerance);
  EXPECT_LE(max_difference(run.load.values(), ref.load()), 5 * kTolerance);
  const auto loss = [&] { return ref.loss(); };
  EXPECT_LE(max_difference(run.grad("w_gate"), finite_differences(ref.w_gate, loss)), 5e-6);
  EXPECT_LE(max_difference(run.grad("w_noise"), finite_differences(ref.w_noise, loss)), 5e-6);
  EXPECT_LE(max_difference(run.dx.values(), finite_differences(ref.x, loss)), 5e-6);
}

TEST(GateNoisyTopK, HasTheGradientOfItsLosses) {
  compare_with_differences(2, 0.3, 0.7, 0.0);
  compare_with_differences(3, 0.1, 0.1, 0.01);
}

TEST(GateNoisyTopK, HasNoTaskGradientWithOneExpertPerToken) {
  compare_with_differences(1, 0.5, 0.5, 0.01);
  GateRun run("gate_noisy_topk", 2, 2, 4);
  run.create(weights(run, 1, 0.0, 0.0, 0.0));
  run.set_x(kX);
  run.forward();
  run.backward({1, 2, 3, 4, 4, 3, 2, 1});
  EXPECT_EQ(square_norm(run.grad("w_gate")), 0.0);
}

TEST(GateNoisyTopK, CountsHardWhereEveryExpertIsChosen) {
  compare_with_differences(6, 0.5, 0.0, 0.01);
  GateRun run("gate_noisy_topk", 2, 2, 4);
  run.create(weights(run, 4, 0.0, 1.0, 0.0));
  run.set_x(kX);
  run.forward();
  run.backward({});
  EXPECT_EQ(run.load.values(), (Numbers{2, 2, 2, 2}));
  EXPECT_EQ(run.aux_loss.f32()[0], 0.0f);
  EXPECT_EQ(square_norm(run.grad("w_gate")) + square_norm(run.grad("w_noise")), 0.0);
}

TEST(GateNoisyTopK, HasNoNoiseInEvaluationNorWhereItIsTurnedOff) {
  for (const bool in_training : {false, true}) {
    GateRun run("gate_noisy_topk", 2, 2, 4);
    run.create(weights(run, 2, 0.0, 1.0, 0.01).set("noise", in_training ? 0.0 : 1.0));
    run.host.flags = in_training ? SY_F_TRAINING : 0;
    run.set_x({1, 0, 0, 1});
    run.set("w_gate", {0, 3, 1, 0, 0, 0, 0, 5});
    run.forward();
    run.backward({});
    // In row 1 experts 0, 1 and 2 tie: the lowest index wins.
    EXPECT_EQ(run.ids.indices(), (std::vector<int32_t>{1, 2, 3, 0}));
    EXPECT_NEAR(run.weights.f32()[0], 1.0 / (1.0 + std::exp(-2.0)), 1e-6);
    EXPECT_EQ(run.load.values(), (Numbers{1, 1, 1, 1}));
    EXPECT_EQ(square_norm(run.grad("w_gate")) + square_norm(run.grad("w_noise")), 0.0);
  }
}

TEST(GateNoisyTopK, AcceptsAnEmptyBatch) {
  GateRun run("gate_noisy_topk", 0, 2, 4);
  run.create(weights(run, 2, 0.1, 0.1, 0.01));
  run.forward();
  run.backward({});
  EXPECT_EQ(run.importance.values(), (Numbers{0, 0, 0, 0}));
  EXPECT_EQ(run.load.values(), (Numbers{0, 0, 0, 0}));
  EXPECT_EQ(run.aux_loss.f32()[0], 0.0f);
}

TEST(GateNoisyTopK, AcceptsOneExpertThatTakesAll) {
  GateRun run("gate_noisy_topk", 3, 1, 5);
  run.create(weights(run, 1, 1.0, 1.0, 0.01).set("noise", 0.0));
  run.set_x({1, 2, 3});
  run.set("w_gate", {0, 0, 9, 0, 0});
  run.forward();
  run.backward({});
  EXPECT_EQ(run.load.values(), (Numbers{0, 0, 3, 0, 0}));
  EXPECT_NEAR(run.aux_loss.f32()[0], 2.0 * (5 - 1), 1e-5);  // CV = sqrt(n - 1) each
}

TEST(GateNoisyTopK, LeavesPaddingOutOfEverything) {
  GateRun run("gate_noisy_topk", 4, 2, 4);
  run.create(weights(run, 2, 0.0, 1.0, 0.0));
  run.set("w_gate", {0.2, -0.1, 0.4, 0, 0.1, 0.3, -0.2, 0.5});
  run.set("w_noise", {0, 0.1, -0.1, 0.2, 0.3, 0, 0.1, -0.2});
  // EX1 with a row of padding before each of its rows.
  run.set_x({9, 9, 1, 0.5, -7, 3, -0.5, 1});
  run.host.noise = {1, 2, 3, 4, 0.5f, -0.3f, 0.1f, 1.0f, 4, 3, 2, 1, -1.0f, 0.4f, 0.2f, -0.5f};
  run.has_mask = true;
  run.mask.u8()[1] = run.mask.u8()[3] = 1;
  run.forward();
  run.backward({});
  EXPECT_EQ(run.ids.indices(), (std::vector<int32_t>{-1, -1, 3, 0, -1, -1, 1, 3}));
  EXPECT_EQ(run.weights.f32()[0], 0.0f);
  Deviation d;
  d.expect(run.importance.values(), {.411221480, .597380299, 0, .991398221}, "importance");
  d.expect(run.load.values(), {.836887563, 1.029403250, .517466883, 1.348381145}, "load");
  d.expect(run.dx.values(), {0, 0, -.052648018, .102602255, 0, 0, -.082729642, .139475028}, "X");
  d.expect(run.grad("w_noise"),
           {.040855523, -.000156689, -.013145260, .040224890, .011028851, .000058455, -.073390079,
            -.060538878},
           "W_noise");
}

TEST(GateNoisyTopK, KeepsNothingAndGetsTheSameBits) {
  Numbers gradients[2];
  for (const bool keeps : {true, false}) {
    SineFill fill;
    GateRun run("gate_noisy_topk", 9, 3, 6);
    run.create(weights(run, 2, 0.1, 0.1, 0.01));
    run.host.save_policy = keeps ? SY_SAVE_ALL : SY_SAVE_NONE;
    run.set_x(fill.next(27, 1.0));
    run.set("w_gate", fill.next(18, 0.5));
    run.forward();
    EXPECT_EQ(run.host.kept_something(), keeps);
    run.backward(fill.next(54, 1.0));
    gradients[keeps] = run.grad("w_noise");
  }
  EXPECT_GT(square_norm(gradients[0]), 0.0);
  EXPECT_EQ(gradients[0], gradients[1]);
}

TEST(GateNoisyTopK, AddsToGradients) {
  GateRun run("gate_noisy_topk", 2, 2, 4);
  prepare_example(run, 0.0, 1.0);
  run.forward();
  run.backward({});
  const Numbers once = run.grad("w_noise");
  run.backward({});
  Numbers twice = run.grad("w_noise");
  for (double& v : twice) {
    v /= 2.0;
  }
  EXPECT_LE(max_difference(once, twice), 1e-7);
}

TEST(GateNoisyTopK, SumsOverRanksBeforeTheLoss) {
  // Each rank holds one row of EX1. First every rank says what it has, then it hears the sum.
  Numbers said[2];
  Numbers total(8);
  Numbers dx;
  for (const bool hears : {false, true}) {
    for (size_t rank = 0; rank < 2; ++rank) {
      GateRun run("gate_noisy_topk", 1, 2, 4);
      prepare_example(run, 0.0, 1.0, false, {kX[rank * 2], kX[rank * 2 + 1]});
      run.host.token_base = static_cast<int64_t>(rank);
      run.host.num_ranks = 2;
      run.host.on_all_reduce = [&](float* v, int64_t size) {
        ASSERT_EQ(size, 8);
        if (hears) {
          std::copy(total.begin(), total.end(), v);
        } else {
          said[rank] = {v, v + size};
        }
      };
      run.forward();
      if (hears) {
        EXPECT_NEAR(run.aux_loss.f32()[0], 0.104456629, kTolerance);
        EXPECT_LE(
            max_difference(run.load.values(), {.836887563, 1.029403250, .517466883, 1.348381145}),
            kTolerance);
        run.backward({});
        const Numbers part = run.dx.values();
        dx.insert(dx.end(), part.begin(), part.end());
      }
    }
    std::transform(said[0].begin(), said[0].end(), said[1].begin(), total.begin(), std::plus<>());
  }
  EXPECT_LE(max_difference(dx, {-.052648018, .102602255, -.082729642, .139475028}), kTolerance);
}

TEST(GateNoisyTopK, StartsWithZeroMatrices) {
  GateRun run("gate_noisy_topk", 2, 3, 4);
  run.create(run.host.config());
  ASSERT_EQ(run.host.parameters().size(), 2u);
  for (const char* name : {"w_gate", "w_noise"}) {
    EXPECT_EQ(run.host.parameter(name).value.shape(), (std::vector<int64_t>{3, 4}));
    EXPECT_EQ(square_norm(run.host.parameter(name).value.values()), 0.0);
  }
}

TEST(GateNoisyTopK, RefusesMoreExpertsPerTokenThanThereAre) {
  expect_to_refuse_five_of_four("gate_noisy_topk");
}

TEST(GateNoisyTopK, PassesOnTheFailureOfAnyServiceCall) {
  const auto create = [](GateRun& run) { prepare_example(run, 0.1, 0.1); };
  expect_to_pass_on_any_failure("gate_noisy_topk", create, 40);
}

}  // namespace
}  // namespace switchyard::test
