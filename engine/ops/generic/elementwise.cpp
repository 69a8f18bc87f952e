#include "ops/generic/elementwise.h"

#include "ops/generic/checks.h"
#include "ops/kernels.h"

namespace switchyard::ops::generic {

namespace {

using tensor::Tensor;

// What a tensor that is loaded may be beside the shape of io 0.
enum class Loads { kSameShape, kRepeated };

// Checks a program instruction by instruction. `rows` is null unless it runs over some rows.
class Checker {
 public:
  Checker(std::span<const Tensor> io, size_t num_constants, Loads loads, const EwRows* rows)
      : io_(io), num_constants_(num_constants), loads_(loads), rows_(rows) {}

  void check(const EwInstruction& code) {
    core::require(code.op <= EwOp::kSelect, "{}there is no instruction {}", at(),
                  static_cast<int>(code.op));
    core::require(code.d < kEwRegisters, "{}register d must be below {}, got {}", at(),
                  kEwRegisters, static_cast<int>(code.d));
    switch (code.op) {
      case EwOp::kLoad:
        if (loads_ == Loads::kRepeated) {
          require_repeatable(code.a);
        } else {
          require_element(code.a);
        }
        break;
      case EwOp::kStore:
        require_element(code.a);
        require_written(code.d);
        break;
      case EwOp::kConst:
        core::require(code.a < num_constants_, "{}constant must be below {}, got {}", at(),
                      num_constants_, static_cast<int>(code.a));
        break;
      case EwOp::kScalar:
        require_io(code.a);
        core::require(io_[code.a].count() == 1,
                      "{}a scalar must have one element, got io {} of shape {}", at(),
                      static_cast<int>(code.a), io_[code.a].shape());
        break;
      default:
        check_operands(code);
    }
    written_[code.d] = true;
    ++index_;
  }

 private:
  [[nodiscard]] std::string at() const { return fmt::format("ew: instruction {}: ", index_); }

  void check_operands(const EwInstruction& code) const {
    require_written(code.a);
    const bool is_unary = code.op >= EwOp::kSqrt && code.op <= EwOp::kSign;
    if (!is_unary) {
      require_written(code.b);
    }
    if (code.op == EwOp::kFma || code.op == EwOp::kSelect) {
      require_written(code.d);
    }
  }

  void require_io(uint8_t index) const {
    core::require(index < io_.size(), "{}io must be below {}, got {}", at(), io_.size(),
                  static_cast<int>(index));
  }

  void require_element(uint8_t index) const {
    require_io(index);
    const tensor::Shape wanted = shape_of(index);
    core::require(io_[index].shape() == wanted, "{}io {}{}{}, got {}", at(),
                  static_cast<int>(index),
                  rows_ == nullptr ? " must have the shape of io 0, " : " must have the shape ",
                  wanted, io_[index].shape());
  }

  // That of io 0; by rows, as many rows as are chosen, or as the tensor itself has.
  [[nodiscard]] tensor::Shape shape_of(uint8_t index) const {
    tensor::Shape shape = io_[0].shape();
    if (rows_ != nullptr) {
      const bool has_more = index < 32 && (rows_->by_row >> index & 1U) != 0;
      shape[0] = has_more && io_[index].dim() > 0 ? io_[index].size(0) : rows_->rows.count();
    }
    return shape;
  }

  void require_repeatable(uint8_t index) const {
    require_io(index);
    const tensor::Shape& full = io_[0].shape();
    const tensor::Shape& shape = io_[index].shape();
    bool fits = shape.dim() == full.dim();
    for (int axis = 0; fits && axis < full.dim(); ++axis) {
      fits = shape[axis] == full[axis] || shape[axis] == 1;
    }
    core::require(fits,
                  "{}io {} must have the shape of io 0, {}, or 1 in place of an extent, got {}",
                  at(), static_cast<int>(index), full, shape);
  }

  void require_written(uint8_t index) const {
    core::require(index < kEwRegisters, "{}registers must be below {}, got {}", at(), kEwRegisters,
                  static_cast<int>(index));
    core::require(written_[index], "{}register {} is read before it is written", at(),
                  static_cast<int>(index));
  }

  std::span<const Tensor> io_;
  size_t num_constants_;
  Loads loads_;
  const EwRows* rows_;
  size_t index_ = 0;
  std::array<bool, kEwRegisters> written_{};
};

void check_program(const Backend& backend, std::span<const EwInstruction> code,
                   std::span<const Tensor> io, size_t num_constants, Loads loads,
                   const EwRows* rows = nullptr) {
  core::require(!io.empty(), "ew: needs at least one io tensor, got none");
  for (size_t i = 0; i < io.size(); ++i) {
    const std::string name = fmt::format("io {}", i);
    require_tensors("ew", backend, tensor::DType::kF32, {{name.c_str(), io[i]}});
    require_contiguous("ew", {name.c_str(), io[i]});
  }
  Checker checker(io, num_constants, loads, rows);
  for (const EwInstruction& instruction : code) {
    checker.check(instruction);
  }
}

}  // namespace

void ew(const Backend& backend, std::span<const EwInstruction> code, std::span<const Tensor> io,
        std::span<const float> constants) {
  check_program(backend, code, io, constants.size(), Loads::kSameShape);
  const auto kernel = backend.kernels->generic.ew;
  require_kernel(kernel != nullptr, "ew", backend);
  kernel(backend.stream, code, io, constants);
}

void ew_matrices(const Backend& backend, std::span<const EwInstruction> code,
                 std::span<const Tensor> io, std::span<const float> constants,
                 const Tensor& active) {
  check_program(backend, code, io, constants.size(), Loads::kRepeated);
  require_dim("ew", {"io 0", io[0]}, 3, "[G,P,Q]");
  if (active.defined()) {
    require_tensors("ew", backend, tensor::DType::kF32, {{"active", active}});
    require_contiguous("ew", {"active", active});
    core::require(active.shape() == tensor::Shape{io[0].size(0)},
                  "ew: active must be [{}], one for each matrix, got {}", io[0].size(0),
                  active.shape());
  }
  const auto kernel = backend.kernels->generic.ew_matrices;
  require_kernel(kernel != nullptr, "ew_matrices", backend);
  kernel(backend.stream, code, io, constants, active);
}

void ew_rows(const Backend& backend, std::span<const EwInstruction> code,
             std::span<const Tensor> io, std::span<const float> constants, const EwRows& rows) {
  require_tensors("ew_rows", backend, tensor::DType::kI32, {{"rows", rows.rows}});
  require_contiguous("ew_rows", {"rows", rows.rows});
  core::require(rows.rows.dim() == 1, "ew_rows: rows must be [n], got {}", rows.rows.shape());
  core::require(io.empty() || io[0].dim() > 0, "ew_rows: io 0 must have rows, got a scalar");
  check_program(backend, code, io, constants.size(), Loads::kSameShape, &rows);
  const auto kernel = backend.kernels->generic.ew_rows;
  require_kernel(kernel != nullptr, "ew_rows", backend);
  kernel(backend.stream, code, io, constants, rows);
}

}  // namespace switchyard::ops::generic
