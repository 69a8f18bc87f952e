#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "ops/generic/kernels.h"

namespace switchyard::ops::generic {

inline constexpr int kElementwiseRegisters = 12;
inline constexpr size_t kMaxElementwiseTensors = 32;
inline constexpr size_t kMaxElementwiseCode = 256;

/// The number of values that a pass reads; kLoad is a copy.
[[nodiscard]] constexpr int num_operands(ElementwiseOp op) {
  switch (op) {
    case ElementwiseOp::kStore:
    case ElementwiseOp::kConst:
    case ElementwiseOp::kScalar:
      return 0;
    case ElementwiseOp::kFma:
    case ElementwiseOp::kSelect:
    case ElementwiseOp::kSubScaled:
      return 3;
    case ElementwiseOp::kScaledAdd:
      return 4;
    default:
      return (op >= ElementwiseOp::kAdd && op < ElementwiseOp::kSqrt) ||
                     op == ElementwiseOp::kSqrtAdd
                 ? 2
                 : 1;
  }
}

/// Whether a pass exists whose operands are numbers where bits are set and elements elsewhere.
[[nodiscard]] constexpr bool may_be_numbers(ElementwiseOp op, unsigned operands) {
  switch (op) {
    case ElementwiseOp::kLoad:
      return operands <= 1;
    case ElementwiseOp::kSqrtAdd:
      return operands == 0b10;
    case ElementwiseOp::kSubScaled:
      return operands == 0b100;
    case ElementwiseOp::kScaledAdd:
      return operands == 0b1010;
    default:
      return operands == 0 ||
             (op >= ElementwiseOp::kAdd && op <= ElementwiseOp::kFma && operands <= 2);
  }
}

/// An element program, checked without its tensors and cut into passes over blocks of elements. The
/// planner keeps numbers out of registers, reads loaded values from their tensors, writes results
/// where they are stored, and joins a few neighbouring instructions, where that changes no value
/// read later. A program holds no tensor and no constant, so it serves every call with the same
/// code.
class ElementwiseProgram {
 public:
  /// Where a value is: elements in the buffer of a register or in a tensor, or a single number.
  struct Place {
    enum class In : uint8_t { kNowhere, kBuffer, kTensor, kNumber };
    In in = In::kNowhere;
    uint8_t index = 0;  // of the register, the io, or among numbers()
  };

  /// d = op(from[0], from[1], ...) over a block of elements.
  struct Pass {
    ElementwiseOp op = ElementwiseOp::kLoad;
    uint8_t numbers = 0;  // bit i: from[i] is a number
    Place d{};
    std::array<Place, 5> from{};  // at most four, then kNowhere
  };

  /// A value that is the same for all elements of a row: a constant, an io of one element, the one
  /// element of a row (kLoad), or op of earlier numbers.
  struct Number {
    ElementwiseOp op = ElementwiseOp::kConst;
    bool of_row = false;            // may differ from row to row
    std::array<uint8_t, 3> from{};  // the constant, the io, or earlier numbers
  };

  /// The first instruction that uses an io or a constant in one way (kLoad, kStore, kScalar or
  /// kConst).
  struct Use {
    ElementwiseOp how = ElementwiseOp::kLoad;
    uint8_t index = 0;
    size_t instruction = 0;
  };

  /// Bit i of `repeats` says that each row of io[i] is one number. Throws Error(kInvalidArgument)
  /// for code that is wrong with any tensors and constants.
  ElementwiseProgram(std::span<const ElementwiseInstruction> code, uint32_t repeats);

  [[nodiscard]] std::span<const ElementwiseInstruction> code() const { return code_; }
  [[nodiscard]] uint32_t repeats() const { return repeats_; }
  [[nodiscard]] std::span<const Use> uses() const { return uses_; }
  /// At most kMaxElementwiseCode.
  [[nodiscard]] std::span<const Number> numbers() const { return numbers_; }
  [[nodiscard]] std::span<const Pass> passes() const { return passes_; }

 private:
  std::vector<ElementwiseInstruction> code_;
  uint32_t repeats_;
  std::vector<Use> uses_;
  std::vector<Number> numbers_;
  std::vector<Pass> passes_;
};

/// The programs that one caller runs repeatedly, each planned once. Threads: [inst].
class ElementwisePrograms {
 public:
  /// The program of this code, planned unless it is one of the last kMost. Valid until the next
  /// call. Throws what ElementwiseProgram throws.
  const ElementwiseProgram& find_or_plan(std::span<const ElementwiseInstruction> code,
                                         uint32_t repeats);

 private:
  static constexpr size_t kMost = 16;

  std::deque<ElementwiseProgram> programs_;  // the newest last
};

}  // namespace switchyard::ops::generic
