#pragma once

// CUDA kernels on the CPU: every thread of a block is a fiber, barriers and shuffles switch to the
// next one. Kernels are compiled by the host compiler from the same source; see
// tensor/cuda_launch.h beside this file. It finds wrong indices (with AddressSanitizer), missing
// barriers (run all three orders) and barriers that not all threads reach. It says nothing about
// streams, memory order within a warp, tensor cores or speed. One kernel at a time; not for several
// host threads.
#include <cstdint>
#include <cstring>
#include <functional>
#include <random>
#include <vector>

#include <boost/context/fiber.hpp>
#include <boost/context/fixedsize_stack.hpp>

namespace switchyard::simt {

struct Dim3 {
  unsigned x = 1;
  unsigned y = 1;
  unsigned z = 1;
  Dim3(unsigned x_size = 1, unsigned y_size = 1, unsigned z_size = 1)
      : x(x_size), y(y_size), z(z_size) {}
};

/// In which order the threads of a block run between two barriers.
enum class ThreadOrder { kForward, kReverse, kShuffled };
inline constexpr ThreadOrder kAllOrders[] = {ThreadOrder::kForward, ThreadOrder::kReverse,
                                             ThreadOrder::kShuffled};

inline constexpr unsigned kWarpSize = 32;

/// Runs grids of one kernel after the other. There is one, current().
class Machine {
 public:
  static Machine& current() {
    static Machine machine;
    return machine;
  }

  void set_order(ThreadOrder order) { order_ = order; }
  /// Runs `kernel` once per thread. Throws std::logic_error where threads wait for each other
  /// forever.
  void run(Dim3 grid, Dim3 block, const std::function<void()>& kernel);

  // Queries of a running thread.
  [[nodiscard]] Dim3 thread_index() const { return threads_[running_].index; }
  [[nodiscard]] Dim3 block_index() const { return block_index_; }
  [[nodiscard]] Dim3 block_size() const { return block_; }
  [[nodiscard]] Dim3 grid_size() const { return grid_; }
  [[nodiscard]] unsigned lane() const { return static_cast<unsigned>(running_) % kWarpSize; }
  void wait_for_block() { wait(State::kAtBlockBarrier); }
  void wait_for_warp() { wait(State::kAtWarpBarrier); }
  /// The value that lane `from` of this warp gives.
  template <typename T>
  T exchange(T value, unsigned from);

 private:
  enum class State { kReady, kAtBlockBarrier, kAtWarpBarrier, kDone };
  struct Thread {
    boost::context::fiber fiber;
    Dim3 index;
    State state = State::kReady;
    uint64_t given = 0;  // to the other lanes
  };

  void run_block(const std::function<void()>& kernel);
  void start_threads(const std::function<void()>& kernel);
  bool run_ready_threads(const std::vector<size_t>& order);
  bool open_warp_barriers();
  bool open_block_barrier();
  void wait(State state);

  ThreadOrder order_ = ThreadOrder::kForward;
  std::mt19937 shuffle_{1};
  Dim3 grid_;
  Dim3 block_;
  Dim3 block_index_;
  std::vector<Thread> threads_;
  size_t running_ = 0;
  boost::context::fiber scheduler_;
};

template <typename T>
T Machine::exchange(T value, unsigned from) {
  static_assert(sizeof(T) <= sizeof(uint64_t));
  std::memcpy(&threads_[running_].given, &value, sizeof(T));
  wait_for_warp();
  const size_t first = running_ / kWarpSize * kWarpSize;
  T result;
  std::memcpy(&result, &threads_[first + from % kWarpSize].given, sizeof(T));
  wait_for_warp();
  return result;
}

}  // namespace switchyard::simt
