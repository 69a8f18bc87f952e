#include "ops/generic/walk.h"

namespace switchyard::ops::generic {

Walk::Walk(const tensor::Shape& shape, std::initializer_list<const tensor::Tensor*> operands)
    : num_operands_(static_cast<int>(operands.size())) {
  for (int axis = 0; axis < shape.dim(); ++axis) {
    Offsets strides{};
    int operand = 0;
    for (const tensor::Tensor* t : operands) {
      const int own_axis = axis - (shape.dim() - t->dim());
      const bool repeats = own_axis < 0 || t->size(own_axis) == 1;
      strides[static_cast<size_t>(operand++)] = repeats ? 0 : t->stride(own_axis);
    }
    if (shape[axis] != 1) {
      append(shape[axis], strides);
    }
  }
  if (outer_dim_ == 0) {
    inner_stride_ = {1, 1, 1, 1};
    return;
  }
  --outer_dim_;  // the last one is the row itself
  inner_ = extents_[static_cast<size_t>(outer_dim_)];
  inner_stride_ = strides_[static_cast<size_t>(outer_dim_)];
  for (int i = 0; i < outer_dim_; ++i) {
    rows_ *= extents_[static_cast<size_t>(i)];
  }
}

void Walk::append(int64_t extent, const Offsets& strides) {
  if (outer_dim_ > 0) {
    const auto last = static_cast<size_t>(outer_dim_ - 1);
    bool joins = true;
    for (size_t i = 0; i < static_cast<size_t>(num_operands_); ++i) {
      joins = joins && strides_[last][i] == strides[i] * extent;
    }
    if (joins) {
      extents_[last] *= extent;
      strides_[last] = strides;
      return;
    }
  }
  extents_[static_cast<size_t>(outer_dim_)] = extent;
  strides_[static_cast<size_t>(outer_dim_)] = strides;
  ++outer_dim_;
}

Walk::Offsets Walk::offsets(int64_t row) const {
  Offsets out{};
  for (int axis = outer_dim_ - 1; axis >= 0; --axis) {
    const int64_t extent = extents_[static_cast<size_t>(axis)];
    const int64_t index = axis == 0 ? row : row % extent;
    row /= extent;
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] += index * strides_[static_cast<size_t>(axis)][i];
    }
  }
  return out;
}

Walk::Piece Walk::piece(int64_t index) const {
  const int64_t row = index / pieces_per_row();
  const int64_t begin = (index - row * pieces_per_row()) * kGrain;
  return {.row = row, .begin = begin, .end = std::min(begin + kGrain, inner_)};
}

void Walk::for_each_piece(const tensor::Stream& stream,
                          core::FunctionRef<void(int64_t, int64_t, int64_t)> body) const {
  for_each_range(stream, num_pieces(), piece_length(), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Piece p = piece(i);
      body(p.row, p.begin, p.end);
    }
  });
}

void for_each_range(const tensor::Stream& stream, int64_t count, int64_t work,
                    core::FunctionRef<void(int64_t, int64_t)> body) {
  if (count <= 0) {
    return;
  }
  const int64_t grain = range_length(work);
  if (stream.threads != nullptr) {
    stream.threads->parallel_for(count, grain, body);
    return;
  }
  for (int64_t begin = 0; begin < count; begin += grain) {
    body(begin, std::min(begin + grain, count));
  }
}

}  // namespace switchyard::ops::generic
