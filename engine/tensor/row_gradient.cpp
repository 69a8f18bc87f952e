#include "tensor/row_gradient.h"

#include <algorithm>
#include <cstring>

namespace switchyard::tensor {

namespace {

Shape with_rows(Shape shape, int64_t num_rows) {
  shape[0] = num_rows;
  return shape;
}

}  // namespace

RowGradient::RowGradient(const Shape& parameter, Allocator& allocator)
    : allocator_(&allocator), shape_(parameter) {
  core::require(parameter.dim() > 0, "RowGradient: the parameter must have rows, got a scalar");
  row_size_ = with_rows(parameter, 1).count();
  reserve(1);  // a view without rows has an address, too
}

void RowGradient::touch(const Tensor& ids, const Tensor& positions) {
  const auto* id = ids.data<int32_t>();
  auto* position = positions.data<int32_t>();
  const int64_t n = ids.count();
  core::require(positions.count() == n, "RowGradient: needs a position for each of {} rows, got {}",
                n, positions.shape());
  incoming_.clear();
  for (int64_t i = 0; i < n; ++i) {
    core::require(id[i] >= -1 && id[i] < shape_[0],
                  "RowGradient: rows must be in [-1, {}), position {} has {}", shape_[0], i, id[i]);
    if (id[i] >= 0) {
      incoming_.push_back(id[i]);
    }
  }
  std::sort(incoming_.begin(), incoming_.end());
  incoming_.erase(std::unique(incoming_.begin(), incoming_.end()), incoming_.end());
  merge();
  const auto* begin = rows_.data<int32_t>();
  for (int64_t i = 0; i < n; ++i) {
    const auto* found = std::lower_bound(begin, begin + num_rows_, id[i]);
    position[i] = id[i] < 0 ? -1 : static_cast<int32_t>(found - begin);
  }
}

// From the last row to the first, so that rows move up within the buffers.
void RowGradient::merge() {
  const auto* old = rows_.data<int32_t>();
  const int64_t known = std::count_if(incoming_.begin(), incoming_.end(), [&](int32_t row) {
    return std::binary_search(old, old + num_rows_, row);
  });
  const int64_t added = static_cast<int64_t>(incoming_.size()) - known;
  int64_t from = num_rows_ - 1;
  int64_t to = num_rows_ + added - 1;
  reserve(to + 1);
  auto* rows = rows_.data<int32_t>();
  auto* values = values_.data<float>();
  const auto row_bytes = static_cast<size_t>(row_size_) * sizeof(float);
  for (auto next = incoming_.rbegin(); to > from; --to) {
    if (from >= 0 && rows[from] >= *next) {
      next += rows[from] == *next ? 1 : 0;
      rows[to] = rows[from];
      std::memcpy(values + to * row_size_, values + from * row_size_, row_bytes);
      --from;
    } else {
      rows[to] = *next++;
      std::memset(values + to * row_size_, 0, row_bytes);
    }
  }
  num_rows_ += added;
}

// Reserves a little more than needed, because the number of touched rows varies.
void RowGradient::reserve(int64_t num_rows) {
  if (rows_.defined() && num_rows <= rows_.count()) {
    return;
  }
  const int64_t capacity = std::min(num_rows + num_rows / 8, std::max<int64_t>(shape_[0], 1));
  const Tensor rows = Tensor::empty(DType::kI32, {capacity}, *allocator_);
  const Tensor values = Tensor::empty(DType::kF32, with_rows(shape_, capacity), *allocator_);
  if (num_rows_ > 0) {
    std::memcpy(rows.raw(), rows_.raw(), static_cast<size_t>(num_rows_) * sizeof(int32_t));
    std::memcpy(values.raw(), values_.raw(),
                static_cast<size_t>(num_rows_ * row_size_) * sizeof(float));
  }
  rows_ = rows;
  values_ = values;
}

Tensor RowGradient::rows() const {
  return rows_.slice(0, 0, num_rows_);
}

Tensor RowGradient::values() const {
  return values_.slice(0, 0, num_rows_);
}

}  // namespace switchyard::tensor
