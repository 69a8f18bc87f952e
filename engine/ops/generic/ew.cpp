#include "ops/generic/ew.h"

#include "ops/generic/checks.h"
#include "ops/kernels.h"

namespace switchyard::ops::generic {

namespace {

using tensor::Tensor;

// Checks a program instruction by instruction.
class Checker {
 public:
  Checker(std::span<const Tensor> io, size_t num_constants)
      : io_(io), num_constants_(num_constants) {}

  void check(const EwInstruction& code) {
    core::require(code.op <= EwOp::kSelect, at(), "there is no instruction ",
                  static_cast<int>(code.op));
    core::require(code.d < kEwRegisters, at(), "register d must be below ", kEwRegisters, ", got ",
                  static_cast<int>(code.d));
    switch (code.op) {
      case EwOp::kLoad:
        require_element(code.a);
        break;
      case EwOp::kStore:
        require_element(code.a);
        require_written(code.d);
        break;
      case EwOp::kConst:
        core::require(code.a < num_constants_, at(), "constant must be below ", num_constants_,
                      ", got ", static_cast<int>(code.a));
        break;
      case EwOp::kScalar:
        require_io(code.a);
        core::require(io_[code.a].count() == 1, at(), "a scalar must have one element, got io ",
                      static_cast<int>(code.a), " of shape ", io_[code.a].shape());
        break;
      default:
        check_operands(code);
    }
    written_[code.d] = true;
    ++index_;
  }

 private:
  [[nodiscard]] std::string at() const { return core::join("ew: instruction ", index_, ": "); }

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
    core::require(index < io_.size(), at(), "io must be below ", io_.size(), ", got ",
                  static_cast<int>(index));
  }

  void require_element(uint8_t index) const {
    require_io(index);
    core::require(io_[index].shape() == io_[0].shape(), at(), "io ", static_cast<int>(index),
                  " must have the shape of io 0, ", io_[0].shape(), ", got ", io_[index].shape());
  }

  void require_written(uint8_t index) const {
    core::require(index < kEwRegisters, at(), "registers must be below ", kEwRegisters, ", got ",
                  static_cast<int>(index));
    core::require(written_[index], at(), "register ", static_cast<int>(index),
                  " is read before it is written");
  }

  std::span<const Tensor> io_;
  size_t num_constants_;
  size_t index_ = 0;
  std::array<bool, kEwRegisters> written_{};
};

}  // namespace

void ew(const Backend& backend, std::span<const EwInstruction> code, std::span<const Tensor> io,
        std::span<const float> constants) {
  core::require(!io.empty(), "ew: needs at least one io tensor, got none");
  for (size_t i = 0; i < io.size(); ++i) {
    const std::string name = core::join("io ", i);
    require_tensors("ew", backend, tensor::DType::kF32, {{name.c_str(), io[i]}});
    require_contiguous("ew", {name.c_str(), io[i]});
  }
  Checker checker(io, constants.size());
  for (const EwInstruction& instruction : code) {
    checker.check(instruction);
  }
  const auto kernel = backend.kernels->generic.ew;
  require_kernel(kernel != nullptr, "ew", backend);
  kernel(backend.stream, code, io, constants);
}

}  // namespace switchyard::ops::generic
