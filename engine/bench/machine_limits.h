#pragma once

#include "core/thread_pool.h"
#include "tensor/dtype.h"

namespace switchyard::bench {

/// What a machine can do at most, measured.
struct MachineLimits {
  double f32_gflops = 0.0;         // fused multiply-adds that never leave the registers
  double gemm_gflops = 0.0;        // the engine's product, 1024 x 1024 x 1024 on each thread
  double gemm_bf16_gflops = 0.0;   // the same with factors in bf16
  double gbytes_per_second = 0.0;  // a[i] = b[i] + s c[i] over arrays far larger than the caches

  /// The least time that so much work takes, in seconds: whichever of the two limits binds. In f32
  /// the limit of the operations is that of the registers, in bf16 that of large products.
  [[nodiscard]] double seconds_for(double flops, double bytes, tensor::DType compute) const;
};

/// Measures them with all threads of the pool, about a second in all; the best of several
/// repetitions. Threads: [any], but nothing else should run.
[[nodiscard]] MachineLimits measure_machine_limits(core::ThreadPool& threads);

}  // namespace switchyard::bench
