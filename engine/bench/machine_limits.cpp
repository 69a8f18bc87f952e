#include "bench/machine_limits.h"

#include <algorithm>
#include <vector>

#include "core/clock.h"
#include "ops/backend.h"
#include "ops/clones.h"
#include "ops/linalg/matmul.h"

namespace switchyard::bench {

namespace {

constexpr int kRepetitions = 5;

using Lanes = float __attribute__((vector_size(64)));
constexpr int kChains = 16;             // independent, to hide the latency of the adder
constexpr int64_t kRounds = 4'000'000;  // long compared with waking a thread

// Each round does kChains multiply-adds of sixteen lanes.
SWITCHYARD_CPU_CLONES float multiply_add_in_registers(float start) {
  Lanes sums[kChains];
  for (int c = 0; c < kChains; ++c) {
    sums[c] = Lanes{} + (start + static_cast<float>(c));
  }
  const Lanes factor = Lanes{} + 0.999F;
  const Lanes addend = Lanes{} + start;
  for (int64_t round = 0; round < kRounds; ++round) {
#pragma GCC unroll 16
    for (int c = 0; c < kChains; ++c) {
      sums[c] = sums[c] * factor + addend;
    }
  }
  Lanes total{};
  for (const Lanes& sum : sums) {
    total += sum;
  }
  return total[0];
}

SWITCHYARD_CPU_CLONES void triad(const float* b, const float* c, float* a, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    a[i] = b[i] + 0.5F * c[i];
  }
}

// The time in seconds of the fastest of several repetitions.
template <typename Body>
double fastest(const Body& body) {
  const core::Clock clock;
  int64_t best_ns = INT64_MAX;
  for (int i = 0; i < kRepetitions; ++i) {
    const int64_t begin_ns = clock.monotonic_ns();
    body();
    best_ns = std::min(best_ns, clock.monotonic_ns() - begin_ns);
  }
  return static_cast<double>(best_ns) * 1e-9;
}

double measure_f32(core::ThreadPool& threads) {
  const int n = threads.num_threads();
  std::vector<float> results(static_cast<size_t>(n));
  const double seconds = fastest([&] {
    threads.parallel_for(n, 1, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        results[static_cast<size_t>(t)] =
            multiply_add_in_registers(1e-3F * static_cast<float>(t + 1));
      }
    });
  });
  return 2.0 * 16.0 * kChains * kRounds * n / seconds * 1e-9;
}

double measure_gemm(core::ThreadPool& threads, tensor::DType compute) {
  constexpr int64_t kSide = 1024;
  tensor::CpuDevice device(threads);
  const int64_t rows = kSide * threads.num_threads();
  const auto a = tensor::Tensor::zeros(tensor::DType::kF32, {rows, kSide}, device);
  const auto b = tensor::Tensor::zeros(tensor::DType::kF32, {kSide, kSide}, device);
  const auto c = tensor::Tensor::zeros(tensor::DType::kF32, {rows, kSide}, device);
  ops::Backend backend = ops::backend_on(device);
  backend.compute = compute;
  const double seconds = fastest([&] {
    ops::linalg::matmul(backend, ops::linalg::Transpose::kNo, ops::linalg::Transpose::kNo, 1.0, a,
                        b, 0.0, c);
  });
  return 2.0 * static_cast<double>(rows * kSide * kSide) / seconds * 1e-9;
}

double measure_bandwidth(core::ThreadPool& threads) {
  constexpr int64_t kCount = int64_t{1} << 25;  // three arrays of 128 MiB
  tensor::CpuAllocator allocator;
  const auto a = tensor::Tensor::zeros(tensor::DType::kF32, {3, kCount}, allocator);
  auto* first = a.data<float>();
  const double seconds = fastest([&] {
    threads.parallel_for(kCount, kCount / threads.num_threads(), [&](int64_t begin, int64_t end) {
      triad(first + kCount + begin, first + 2 * kCount + begin, first + begin, end - begin);
    });
  });
  return 3.0 * sizeof(float) * static_cast<double>(kCount) / seconds * 1e-9;
}

}  // namespace

double MachineLimits::seconds_for(double flops, double bytes, tensor::DType compute) const {
  const double gflops = compute == tensor::DType::kBf16 ? gemm_bf16_gflops : f32_gflops;
  return std::max(flops / gflops, bytes / gbytes_per_second) * 1e-9;
}

MachineLimits measure_machine_limits(core::ThreadPool& threads) {
  return {.f32_gflops = measure_f32(threads),
          .gemm_gflops = measure_gemm(threads, tensor::DType::kF32),
          .gemm_bf16_gflops = measure_gemm(threads, tensor::DType::kBf16),
          .gbytes_per_second = measure_bandwidth(threads)};
}

}  // namespace switchyard::bench
