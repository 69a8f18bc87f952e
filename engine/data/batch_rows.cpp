#include "data/batch_rows.h"

#include <algorithm>

#include "core/error.h"
#include "data/vocabulary.h"

namespace switchyard::data {

using tensor::DType;
using tensor::Tensor;

void BatchShape::check(const char* where) const {
  core::require(batch_size >= 1, "{}: batch_size must be at least 1, got {}", where, batch_size);
  core::require(sequence_length >= 1, "{}: sequence_length must be at least 1, got {}", where,
                sequence_length);
  core::require(world_size >= 1 && rank >= 0 && rank < world_size,
                "{}: rank must be in [0, world_size), got rank {} of {}", where, rank, world_size);
}

BatchRows::BatchRows(Batch& batch, const BatchShape& shape, const Split& split)
    : batch_(batch), shape_(shape), split_(split) {
  const tensor::Shape wanted = {shape.batch_size, shape.sequence_length};
  if (!batch.tokens.defined() || !(batch.tokens.shape() == wanted)) {
    tensor::CpuAllocator allocator;
    batch.tokens = Tensor::empty(DType::kI32, wanted, allocator);
    batch.targets = Tensor::empty(DType::kI32, wanted, allocator);
    batch.resets = Tensor::empty(DType::kU8, wanted, allocator);
  }
  batch.num_words = 0;
}

void BatchRows::put(int64_t stream, int64_t t, int32_t before, std::span<const int32_t> text,
                    bool reset) {
  if (!is_mine(stream)) {
    return;
  }
  const auto vocab_size = static_cast<uint32_t>(split_.vocab_size());
  for (const int32_t token : text) {
    if (static_cast<uint32_t>(token) >= vocab_size) {
      split_.fail_on_token(token);
    }
  }
  const int64_t first = at(stream, t);
  int32_t* tokens = batch_.tokens.data<int32_t>() + first;
  tokens[0] = before;
  std::copy(text.begin(), text.end() - 1, tokens + 1);
  std::copy(text.begin(), text.end(), batch_.targets.data<int32_t>() + first);
  uint8_t* resets = batch_.resets.data<uint8_t>() + first;
  std::fill_n(resets, text.size(), uint8_t{0});
  resets[0] = reset ? 1 : 0;
  batch_.num_words += static_cast<int64_t>(text.size());
}

void BatchRows::pad(int64_t stream, int64_t t) {
  if (!is_mine(stream)) {
    return;
  }
  const int64_t first = at(stream, t);
  const int64_t n = shape_.sequence_length - t;
  std::fill_n(batch_.tokens.data<int32_t>() + first, n, Vocabulary::kSentenceMark);
  std::fill_n(batch_.targets.data<int32_t>() + first, n, -1);
  std::fill_n(batch_.resets.data<uint8_t>() + first, n, uint8_t{1});
}

bool BatchRows::is_mine(int64_t stream) const {
  return stream / shape_.batch_size == shape_.rank;
}

int64_t BatchRows::at(int64_t stream, int64_t t) const {
  return stream % shape_.batch_size * shape_.sequence_length + t;
}

}  // namespace switchyard::data
