#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "tensor/tensor.h"

namespace switchyard::tensor {

/// Hands out tensors one after another and takes them all back at once. While it warms up it adds
/// blocks; reset() joins them into one, after which a step of the same size allocates nothing.
/// Threads: [inst].
class Arena {
 public:
  explicit Arena(Allocator& allocator) : allocator_(&allocator) {}

  /// An uninitialised, row-major tensor, valid until rewind() or reset() takes its memory back.
  [[nodiscard]] Tensor take(DType dtype, const Shape& shape);
  /// The same for `bytes` of raw memory.
  [[nodiscard]] void* take_bytes(int64_t bytes);

  /// Where the arena stands, for rewind().
  struct Mark {
    size_t block = 0;
    int64_t used = 0;
  };
  [[nodiscard]] Mark mark() const { return {.block = block_, .used = used_}; }
  void rewind(Mark mark);
  /// Takes everything back.
  void reset();

  [[nodiscard]] int64_t capacity_bytes() const;
  /// Most bytes in use at any time so far.
  [[nodiscard]] int64_t peak_bytes() const { return peak_bytes_; }

 private:
  struct Block {
    std::shared_ptr<void> memory;
    int64_t bytes = 0;
  };

  Allocator* allocator_;
  std::vector<Block> blocks_;
  size_t block_ = 0;
  int64_t used_ = 0;
  int64_t peak_bytes_ = 0;
};

/// At the end of its scope, gives back everything taken from the arena since it was made.
class ScratchScope {
 public:
  explicit ScratchScope(Arena& arena) : arena_(arena), mark_(arena.mark()) {}
  ~ScratchScope() { arena_.rewind(mark_); }
  ScratchScope(const ScratchScope&) = delete;
  ScratchScope& operator=(const ScratchScope&) = delete;

 private:
  Arena& arena_;
  Arena::Mark mark_;
};

}  // namespace switchyard::tensor
