#pragma once

#include "core/thread_pool.h"
#include "tensor/dtype.h"

namespace switchyard::bench {

/// The measured limits of a machine.
struct MachineLimits {
  double f32_gflops = 0.0;         // fused multiply-adds that never leave the registers
  double gemm_gflops = 0.0;        // the engine's matrix product, 1024 x 1024 x 1024 per thread
  double gemm_bf16_gflops = 0.0;   // the same with bf16 operands
  double gbytes_per_second = 0.0;  // a[i] = b[i] + s c[i] over arrays far larger than the caches

  /// The least time for this work in seconds, by whichever of the two limits binds. Operations are
  /// limited by the registers in f32 and by large products in bf16.
  [[nodiscard]] double seconds_for(double flops, double bytes, tensor::DType compute) const;
};

/// Measures the limits with all threads of the pool: the best of several repetitions, about a
/// second in all. Threads: [any], but nothing else should run.
[[nodiscard]] MachineLimits measure_machine_limits(core::ThreadPool& threads);

}  // namespace switchyard::bench
