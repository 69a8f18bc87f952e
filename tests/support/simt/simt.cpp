#include "tests/support/simt/simt.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>

namespace switchyard::simt {

namespace context = boost::context;

void Machine::run(Dim3 grid, Dim3 block, const std::function<void()>& kernel) {
  grid_ = grid;
  block_ = block;
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        block_index_ = Dim3(x, y, z);
        run_block(kernel);
      }
    }
  }
}

void Machine::start_threads(const std::function<void()>& kernel) {
  constexpr size_t kStackBytes = 64 * 1024;
  threads_.clear();
  threads_.resize(size_t{block_.x} * block_.y * block_.z);
  for (size_t i = 0; i < threads_.size(); ++i) {
    const auto flat = static_cast<unsigned>(i);
    threads_[i].index =
        Dim3(flat % block_.x, flat / block_.x % block_.y, flat / (block_.x * block_.y));
    threads_[i].fiber = context::fiber(std::allocator_arg, context::fixedsize_stack(kStackBytes),
                                       [this, &kernel](context::fiber&& scheduler) {
                                         scheduler_ = std::move(scheduler);
                                         kernel();
                                         threads_[running_].state = State::kDone;
                                         return std::move(scheduler_);
                                       });
  }
}

void Machine::run_block(const std::function<void()>& kernel) {
  start_threads(kernel);
  std::vector<size_t> order(threads_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (order_ == ThreadOrder::kReverse) {
    std::reverse(order.begin(), order.end());
  }
  const auto is_done = [](const Thread& thread) { return thread.state == State::kDone; };
  while (!std::all_of(threads_.begin(), threads_.end(), is_done)) {
    if (order_ == ThreadOrder::kShuffled) {
      std::shuffle(order.begin(), order.end(), shuffle_);
    }
    const bool ran = run_ready_threads(order);
    const bool opened = open_warp_barriers() || open_block_barrier();
    if (!ran && !opened) {
      threads_.clear();
      throw std::logic_error(
          "deadlock in block " + std::to_string(block_index_.x) +
          ": threads wait at different barriers, or not all of a barrier's threads come");
    }
  }
}

bool Machine::run_ready_threads(const std::vector<size_t>& order) {
  bool ran = false;
  for (const size_t i : order) {
    if (threads_[i].state == State::kReady) {
      running_ = i;
      threads_[i].fiber = std::move(threads_[i].fiber).resume();
      ran = true;
    }
  }
  return ran;
}

// A warp goes on when all of its threads that have not returned wait for the warp.
bool Machine::open_warp_barriers() {
  bool opened = false;
  for (size_t first = 0; first < threads_.size(); first += kWarpSize) {
    const size_t end = std::min<size_t>(first + kWarpSize, threads_.size());
    bool all = true;
    bool any = false;
    for (size_t i = first; i < end; ++i) {
      any = any || threads_[i].state == State::kAtWarpBarrier;
      all =
          all && (threads_[i].state == State::kAtWarpBarrier || threads_[i].state == State::kDone);
    }
    for (size_t i = first; any && all && i < end; ++i) {
      if (threads_[i].state == State::kAtWarpBarrier) {
        threads_[i].state = State::kReady;
        opened = true;
      }
    }
  }
  return opened;
}

// A block goes on when every one of its threads waits for the block: CUDA leaves it undefined when
// some have returned, so here that is a deadlock.
bool Machine::open_block_barrier() {
  const bool all = std::all_of(threads_.begin(), threads_.end(), [](const Thread& thread) {
    return thread.state == State::kAtBlockBarrier;
  });
  for (Thread& thread : threads_) {
    thread.state = all ? State::kReady : thread.state;
  }
  return all;
}

void Machine::wait(State state) {
  threads_[running_].state = state;
  const size_t me = running_;
  scheduler_ = std::move(scheduler_).resume();
  running_ = me;
}

}  // namespace switchyard::simt
