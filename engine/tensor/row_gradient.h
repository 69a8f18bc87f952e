#pragma once

#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace switchyard::tensor {

/// The gradient of a parameter [R, ...] of which a step touches few rows (indices of axis 0): those
/// rows and the gradient of each. Its memory grows with the largest number of rows that a step has
/// touched, not with R. CPU only. Threads: [inst].
class RowGradient {
 public:
  /// Undefined: the gradient is a dense tensor.
  RowGradient() = default;
  /// Starts without rows, for a parameter of this shape. The allocator must outlive the object.
  /// Throws Error(kInvalidArgument) for a scalar.
  RowGradient(const Shape& parameter, Allocator& allocator);

  [[nodiscard]] bool defined() const { return allocator_ != nullptr; }

  /// Adds rows with a gradient of zero. Rows that are already there keep theirs.
  ///
  ///   ids        [n] i32 in [-1, R), in any order, also repeated; -1 stands for no row
  ///   positions  [n] i32, written: where in rows() each id stands from now on, -1 for -1
  ///
  /// Throws Error(kInvalidArgument) for an id out of range.
  void touch(const Tensor& ids, const Tensor& positions);

  /// [n] i32, distinct and ascending.
  [[nodiscard]] Tensor rows() const;
  /// [n, ...]: the gradient of each of rows(). Valid until the next touch().
  [[nodiscard]] Tensor values() const;
  /// Removes all rows and keeps the memory.
  void clear() { num_rows_ = 0; }

 private:
  void reserve(int64_t num_rows);
  void merge();

  Allocator* allocator_ = nullptr;
  Shape shape_;  // of the parameter
  int64_t row_size_ = 0;
  int64_t num_rows_ = 0;
  Tensor rows_;                    // [capacity]
  Tensor values_;                  // [capacity, ...]
  std::vector<int32_t> incoming_;  // distinct and ascending
};

}  // namespace switchyard::tensor
