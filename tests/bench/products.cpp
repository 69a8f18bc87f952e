// Times the matrix products of a training step, in every way this machine supports, as the engine
// calls them: one product per thread, on all threads at once. One JSON line per shape and way.
//
//   product_bench [THREADS] [SECONDS_PER_SHAPE]
#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <numeric>
#include <thread>
#include <vector>

#include "ops/linalg/multiplier.h"

namespace {

using switchyard::ops::linalg::GemmDims;
using switchyard::ops::linalg::Multiplier;
using switchyard::ops::linalg::Transpose;
using switchyard::tensor::CpuAllocator;

constexpr auto kT = Transpose::kYes;
constexpr auto kN = Transpose::kNo;

struct Shape {
  const char* name;
  GemmDims n;
  int64_t weights;  // used in turn: more of them than the cache holds
  bool is_packed;
};

GemmDims dims(Transpose a, Transpose b, int64_t M, int64_t N, int64_t K) {
  return {.M = M, .N = N, .K = K, .transpose_a = a, .transpose_b = b};
}

// The pieces of `switchyard bench lm` with its usual sizes on two threads.
const Shape kShapes[] = {
    {"lstm input", dims(kN, kN, 640, 2048, 512), 1, false},
    {"lstm recurrent", dims(kN, kN, 32, 2048, 512), 1, true},
    {"lstm recurrent gradient", dims(kN, kT, 32, 512, 2048), 1, true},
    {"lstm weight gradient", dims(kT, kN, 1024, 1024, 1280), 1, false},
    {"lstm input gradient", dims(kN, kT, 640, 512, 2048), 1, false},
    {"expert up", dims(kN, kN, 160, 1024, 512), 16, false},
    {"expert down", dims(kN, kN, 160, 512, 1024), 16, false},
    {"expert down gradient", dims(kN, kT, 160, 1024, 512), 16, false},
    {"expert up gradient", dims(kN, kT, 160, 512, 1024), 16, false},
    {"expert up weight gradient", dims(kT, kN, 512, 1024, 160), 16, false},
    {"expert down weight gradient", dims(kT, kN, 1024, 512, 160), 16, false},
    {"softmax", dims(kN, kN, 640, 2500, 512), 1, false},
    {"softmax weight gradient", dims(kT, kN, 512, 2500, 640), 1, false},
    {"softmax input gradient", dims(kN, kT, 320, 512, 10000), 1, false},
    {"gate", dims(kN, kN, 640, 32, 512), 1, false},
    {"one token", dims(kN, kN, 1, 2048, 512), 1, false},
    {"four tokens", dims(kN, kN, 4, 2048, 512), 1, false},
    {"eight tokens", dims(kN, kN, 8, 2048, 512), 1, false},
};

struct Buffer {
  explicit Buffer(int64_t count)
      : memory(CpuAllocator().allocate(count * int64_t{sizeof(float)})),
        data(static_cast<float*>(memory.get())) {
    for (int64_t i = 0; i < count; ++i) {
      data[i] = static_cast<float>((i * 7919) % 1000) / 1000.0F - 0.5F;
    }
  }
  std::shared_ptr<void> memory;
  float* data;
};

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Best GFLOP/s of one thread.
double measure(const Multiplier& way, const Shape& shape, double budget) {
  const GemmDims& n = shape.n;
  const bool writes_weight = n.transpose_a == kT;
  const Buffer a(n.M * n.K);
  const Buffer b(n.K * n.N * (writes_weight ? 1 : shape.weights));
  const Buffer c(n.M * n.N * (writes_weight ? shape.weights : 1));
  const Buffer packed(way.packed_floats(n.N, n.K));
  const int64_t b_stride = n.transpose_b == kN ? n.N : n.K;
  if (shape.is_packed) {
    way.pack(n, {.data = b.data, .stride = b_stride}, 0, n.N, packed.data);
  }
  double best = 1e30;
  const auto begin = std::chrono::steady_clock::now();
  do {
    const auto round = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < shape.weights; ++i) {
      const float* weight = b.data + (writes_weight ? 0 : i * n.K * n.N);
      float* out = c.data + (writes_weight ? i * n.M * n.N : 0);
      if (shape.is_packed) {
        way.gemm_packed(n, {.data = a.data, .stride = n.K}, packed.data,
                        {.data = out, .stride = n.N});
      } else {
        way.gemm(n, {.data = a.data, .stride = n.transpose_a == kN ? n.K : n.M},
                 {.data = weight, .stride = b_stride}, {.data = out, .stride = n.N});
      }
    }
    best = std::min(best, seconds_since(round) / static_cast<double>(shape.weights));
  } while (seconds_since(begin) < budget);
  return 2e-9 * static_cast<double>(n.M * n.N * n.K) / best;
}

}  // namespace

int main(int argc, char** argv) {
  const int num_threads = argc > 1 ? std::atoi(argv[1]) : 2;
  const double budget = argc > 2 ? std::atof(argv[2]) : 0.1;
  for (const Shape& shape : kShapes) {
    for (const Multiplier& way : switchyard::ops::linalg::multipliers()) {
      std::vector<double> gflops(static_cast<size_t>(num_threads));
      std::barrier start(num_threads);
      std::vector<std::thread> threads;
      for (double& of_thread : gflops) {
        threads.emplace_back([&] {
          start.arrive_and_wait();
          of_thread = measure(way, shape, budget);
        });
      }
      for (std::thread& thread : threads) {
        thread.join();
      }
      std::printf(
          "{\"product\": \"%s\", \"m\": %ld, \"n\": %ld, \"k\": %ld, \"way\": \"%s\", "
          "\"gflops\": %.1f}\n",
          shape.name, shape.n.M, shape.n.N, shape.n.K, way.name,
          std::accumulate(gflops.begin(), gflops.end(), 0.0));
    }
  }
}
