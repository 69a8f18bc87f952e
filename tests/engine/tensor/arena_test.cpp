#include "tensor/arena.h"

#include <cstdint>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

namespace switchyard::tensor {
namespace {

constexpr int64_t kMegabyte = int64_t{1} << 20;

// Counts its allocations.
class CountingAllocator final : public Allocator {
 public:
  [[nodiscard]] DeviceType device() const override { return DeviceType::kCpu; }
  [[nodiscard]] std::shared_ptr<void> allocate(int64_t bytes) override {
    ++num_calls_;
    return memory_.allocate(bytes);
  }
  [[nodiscard]] int num_calls() const { return num_calls_; }

 private:
  CpuAllocator memory_;
  int num_calls_ = 0;
};

TEST(Arena, GivesTensorsThatDoNotOverlap) {
  CountingAllocator allocator;
  Arena arena(allocator);
  std::vector<Tensor> taken;
  for (int i = 0; i < 50; ++i) {
    taken.push_back(arena.take(DType::kI32, {i * 1000}));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(taken.back().raw()) % 64, 0U);
    std::memset(taken.back().raw(), i, static_cast<size_t>(taken.back().bytes()));
  }
  for (int i = 0; i < 50; ++i) {
    for (const int32_t value : taken[static_cast<size_t>(i)].to_vector<int32_t>()) {
      ASSERT_EQ(value, i * 0x01010101);
    }
  }
}

TEST(Arena, AllocatesNothingInTheSecondEqualStep) {
  CountingAllocator allocator;
  Arena arena(allocator);
  const auto step = [&arena] {
    for (int i = 0; i < 5; ++i) {
      (void)arena.take_bytes(kMegabyte - 100);
      (void)arena.take_bytes(1000);
    }
    arena.reset();
  };
  step();
  const int after_first = allocator.num_calls();
  step();
  step();
  EXPECT_EQ(allocator.num_calls(), after_first);
}

TEST(Arena, GivesTheSamePlacesAgainAfterAReset) {
  CountingAllocator allocator;
  Arena arena(allocator);
  void* first = arena.take_bytes(100);
  void* second = arena.take_bytes(100);
  EXPECT_NE(first, second);
  arena.reset();
  EXPECT_EQ(arena.take_bytes(100), first);
  EXPECT_EQ(arena.take_bytes(100), second);
}

TEST(Arena, RemembersTheMostThatWasInUse) {
  CountingAllocator allocator;
  Arena arena(allocator);
  (void)arena.take_bytes(10 * 1024);
  arena.reset();
  (void)arena.take_bytes(1024);
  EXPECT_EQ(arena.peak_bytes(), 10 * 1024);
  EXPECT_GE(arena.capacity_bytes(), arena.peak_bytes());
}

TEST(Arena, CountsWhatWasTakenWithoutTheEndsOfItsBlocks) {
  CountingAllocator allocator;
  Arena arena(allocator);
  for (const int64_t megabytes : {3, 2, 7, 1}) {
    (void)arena.take_bytes(megabytes * kMegabyte);
  }
  const Arena::Mark before = arena.mark();
  (void)arena.take_bytes(20 * kMegabyte);
  arena.rewind(before);
  (void)arena.take_bytes(4 * kMegabyte);
  EXPECT_EQ(arena.peak_bytes(), 33 * kMegabyte);
  arena.reset();
  EXPECT_EQ(arena.capacity_bytes(), 33 * kMegabyte);
}

TEST(ScratchScope, TakesBackOnlyWhatCameAfterIt) {
  CountingAllocator allocator;
  Arena arena(allocator);
  const Tensor kept = arena.take(DType::kF32, {4});
  kept.data<float>()[0] = 7;
  void* inside = nullptr;
  {
    const ScratchScope scope(arena);
    inside = arena.take_bytes(3 * kMegabyte);
    (void)arena.take_bytes(3 * kMegabyte);
  }
  EXPECT_EQ(kept.data<float>()[0], 7);
  EXPECT_EQ(arena.mark().used, 256);
  {
    const ScratchScope scope(arena);
    EXPECT_EQ(arena.take_bytes(3 * kMegabyte), inside) << "the block is there already";
  }
}

TEST(Arena, HandsOutZeroBytes) {
  CountingAllocator allocator;
  Arena arena(allocator);
  EXPECT_NE(arena.take(DType::kF32, {0, 3}).raw(), nullptr);
}

}  // namespace
}  // namespace switchyard::tensor
