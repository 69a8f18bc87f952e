#include "tensor/arena.h"

#include <algorithm>

namespace switchyard::tensor {

namespace {

constexpr int64_t kAlignment = 256;
constexpr int64_t kSmallestBlock = int64_t{1} << 20;

}  // namespace

void* Arena::take_bytes(int64_t bytes) {
  const int64_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  while (block_ < blocks_.size() && used_ + rounded > blocks_[block_].bytes) {
    if (block_ + 1 == blocks_.size()) {
      break;
    }
    blocks_[block_++].bytes = used_;  // the rest stays unused and does not count
    used_ = 0;
  }
  if (blocks_.empty() || used_ + rounded > blocks_[block_].bytes) {
    const int64_t block_bytes = std::max({rounded, kSmallestBlock, capacity_bytes() / 2});
    if (!blocks_.empty()) {
      blocks_[block_].bytes = used_;
    }
    blocks_.push_back({.memory = allocator_->allocate(block_bytes), .bytes = block_bytes});
    block_ = blocks_.size() - 1;
    used_ = 0;
  }
  void* place = static_cast<char*>(blocks_[block_].memory.get()) + used_;
  used_ += rounded;
  int64_t in_use = used_;
  for (size_t i = 0; i < block_; ++i) {
    in_use += blocks_[i].bytes;
  }
  peak_bytes_ = std::max(peak_bytes_, in_use);
  return place;
}

Tensor Arena::take(DType dtype, const Shape& shape) {
  return Tensor::borrow(take_bytes(shape.count() * size_of(dtype)), dtype, shape,
                        allocator_->device());
}

void Arena::rewind(Mark mark) {
  block_ = mark.block;
  used_ = mark.used;
  if (block_ == 0 && used_ == 0 && blocks_.size() > 1) {
    const int64_t total = peak_bytes_;
    blocks_.clear();
    blocks_.push_back({.memory = allocator_->allocate(total), .bytes = total});
  }
}

void Arena::reset() {
  rewind({});
}

int64_t Arena::capacity_bytes() const {
  int64_t total = 0;
  for (const Block& block : blocks_) {
    total += block.bytes;
  }
  return total;
}

}  // namespace switchyard::tensor
