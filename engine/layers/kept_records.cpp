#include "layers/kept_records.h"

#include <algorithm>

namespace switchyard::layers {

namespace {

constexpr size_t kBlockBytes = size_t{1} << 16U;

}  // namespace

KeptRecords::Record KeptRecords::place(size_t bytes) {
  constexpr size_t kAlignment = alignof(std::max_align_t);
  const size_t size = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  const Record record = {.block = block_, .used = used_};
  while (block_ < blocks_.size() && used_ + size > blocks_[block_].size) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    const size_t block_size = std::max(kBlockBytes, size);
    blocks_.push_back({.memory = std::make_unique<std::byte[]>(block_size), .size = block_size});
  }
  Record placed = record;
  placed.value = blocks_[block_].memory.get() + used_;
  used_ += size;
  return placed;
}

void KeptRecords::require_last(const void* type) const {
  core::require(!records_.empty(), "Pass::restore: backward() without its forward()");
  if (records_.back().type != type) {
    core::fail(core::ErrorCode::kInternal,
               "Pass::restore: the last record is that of another forward()");
  }
}

void KeptRecords::drop_last() {
  const Record last = records_.back();
  records_.pop_back();
  last.destroy(last.value);
  block_ = last.block;
  used_ = last.used;
}

void KeptRecords::swap(KeptRecords& other) noexcept {
  records_.swap(other.records_);
  blocks_.swap(other.blocks_);
  std::swap(block_, other.block_);
  std::swap(used_, other.used_);
}

}  // namespace switchyard::layers
