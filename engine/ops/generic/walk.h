#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/function_ref.h"
#include "tensor/tensor.h"

namespace switchyard::ops::generic {

/// Elements below which one thread does all the work, and the size of a piece above it. Pieces do
/// not depend on the number of threads, so neither do results.
inline constexpr int64_t kGrain = 16384;

/// Up to four tensors read or written element by element under one shape, to which they broadcast
/// as in NumPy. Dimensions are joined where the strides of all allow, so contiguous tensors are one
/// row, and row-strided matrices are rows of unit stride.
class Walk {
 public:
  static constexpr int kMaxOperands = 4;
  using Offsets = std::array<int64_t, kMaxOperands>;

  /// The tensors must broadcast to `shape`.
  Walk(const tensor::Shape& shape, std::initializer_list<const tensor::Tensor*> operands);

  [[nodiscard]] int64_t rows() const { return rows_; }
  [[nodiscard]] int64_t inner() const { return inner_; }
  /// Distance in elements between neighbours of a row; 0 for a value that is repeated.
  [[nodiscard]] int64_t inner_stride(int operand) const {
    return inner_stride_[static_cast<size_t>(operand)];
  }
  /// Where a row begins, in elements, for every operand.
  [[nodiscard]] Offsets offsets(int64_t row) const;

  /// The rows cut to at most kGrain elements each, numbered in order.
  struct Piece {
    int64_t row;
    int64_t begin;
    int64_t end;
  };
  [[nodiscard]] int64_t num_pieces() const { return inner_ == 0 ? 0 : rows_ * pieces_per_row(); }
  [[nodiscard]] int64_t piece_length() const { return std::min(inner_, kGrain); }
  [[nodiscard]] Piece piece(int64_t index) const;

  /// Calls body(row, begin, end) for pieces of rows that cover all elements, on the threads of the
  /// stream if there is enough work.
  void for_each_piece(const tensor::Stream& stream,
                      core::FunctionRef<void(int64_t, int64_t, int64_t)> body) const;

 private:
  [[nodiscard]] int64_t pieces_per_row() const { return (inner_ + kGrain - 1) / kGrain; }
  void append(int64_t extent, const Offsets& strides);

  int64_t rows_ = 1;
  int64_t inner_ = 1;
  Offsets inner_stride_{};
  int num_operands_ = 0;
  int outer_dim_ = 0;
  std::array<int64_t, tensor::Shape::kMaxDims> extents_{};
  std::array<Offsets, tensor::Shape::kMaxDims> strides_{};
};

/// The number of items of `work` elements in one range of for_each_range().
[[nodiscard]] inline int64_t range_length(int64_t work) {
  return std::max<int64_t>(1, kGrain / std::max<int64_t>(work, 1));
}

/// parallel_for over `count` items of `work` elements each, in pieces of about kGrain elements; on
/// the calling thread if there are fewer in all or the stream has no threads.
void for_each_range(const tensor::Stream& stream, int64_t count, int64_t work,
                    core::FunctionRef<void(int64_t, int64_t)> body);

}  // namespace switchyard::ops::generic
