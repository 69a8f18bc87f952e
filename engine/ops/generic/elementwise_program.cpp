#include "ops/generic/elementwise_program.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "core/error.h"

namespace switchyard::ops::generic {

namespace {

using Code = std::span<const ElementwiseInstruction>;
using Op = ElementwiseOp;
using Number = ElementwiseProgram::Number;
using Pass = ElementwiseProgram::Pass;
using Place = ElementwiseProgram::Place;
using Use = ElementwiseProgram::Use;

/// The registers that an instruction reads, in the order of a pass's operands.
struct Operands {
  std::array<uint8_t, 3> registers{};
  size_t count = 0;

  [[nodiscard]] std::span<const uint8_t> all() const { return std::span(registers).first(count); }
};

Operands operands_of(const ElementwiseInstruction& code) {
  switch (code.op) {
    case Op::kLoad:
      return {};
    case Op::kStore:
      return {.registers = {code.d}, .count = 1};
    default:
      return {.registers = {code.a, code.b, code.d},
              .count = static_cast<size_t>(num_operands(code.op))};
  }
}

bool reads(const ElementwiseInstruction& code, uint8_t reg) {
  const Operands operands = operands_of(code);
  return std::ranges::find(operands.all(), reg) != operands.all().end();
}

/// Checks code and records the io and constants that it uses.
class Checker {
 public:
  std::vector<Use> check(Code code) {
    core::require(code.size() <= kMaxElementwiseCode,
                  "elementwise: a program may have {} instructions, got {}", kMaxElementwiseCode,
                  code.size());
    for (at_ = 0; at_ < code.size(); ++at_) {
      instruction(code[at_]);
    }
    return std::move(uses_);
  }

 private:
  void instruction(const ElementwiseInstruction& code) {
    core::require(code.op <= Op::kSelect, "elementwise: instruction {}: there is no instruction {}",
                  at_, static_cast<int>(code.op));
    core::require(code.d < kElementwiseRegisters,
                  "elementwise: instruction {}: register d must be below {}, got {}", at_,
                  kElementwiseRegisters, code.d);
    const Operands operands = operands_of(code);
    for (const uint8_t reg : operands.all()) {
      core::require(reg < kElementwiseRegisters,
                    "elementwise: instruction {}: registers must be below {}, got {}", at_,
                    kElementwiseRegisters, reg);
      core::require(written_[reg],
                    "elementwise: instruction {}: register {} is read before it is written", at_,
                    reg);
    }
    if (code.op <= Op::kScalar) {
      note(code.op, code.a);
    }
    written_[code.d] = true;
  }

  void note(Op how, uint8_t index) {
    if (std::ranges::none_of(uses_,
                             [&](const Use& u) { return u.how == how && u.index == index; })) {
      uses_.push_back({.how = how, .index = index, .instruction = at_});
    }
  }

  size_t at_ = 0;  // current instruction
  std::array<bool, kElementwiseRegisters> written_{};
  std::vector<Use> uses_;
};

class Planner {
 public:
  Planner(Code code, uint32_t repeats) : code_(code), repeats_(repeats) {}

  void plan() {
    for (at_ = 0; at_ < code_.size(); ++at_) {
      instruction(code_[at_]);
    }
  }

  [[nodiscard]] std::vector<Number> take_numbers() { return std::move(numbers_); }
  [[nodiscard]] std::vector<Pass> take_passes() { return std::move(passes_); }

 private:
  void instruction(const ElementwiseInstruction& code) {
    switch (code.op) {
      case Op::kLoad:
        load(code);
        break;
      case Op::kStore:
        store(code);
        break;
      case Op::kConst:
      case Op::kScalar:
        set_number(code.d, {.op = code.op, .from = {code.a}});
        break;
      default:
        operate(code);
    }
  }

  static Place buffer_of(uint8_t reg) { return {.in = Place::In::kBuffer, .index = reg}; }
  static Place tensor_of(uint8_t io) { return {.in = Place::In::kTensor, .index = io}; }
  [[nodiscard]] bool is_number(uint8_t reg) const { return places_[reg].in == Place::In::kNumber; }
  [[nodiscard]] bool is_in_buffer(uint8_t reg) const {
    return places_[reg].in == Place::In::kBuffer;
  }

  void set_number(uint8_t reg, const Number& number) {
    places_[reg] = {.in = Place::In::kNumber, .index = static_cast<uint8_t>(numbers_.size())};
    numbers_.push_back(number);
  }

  // Whether a register can stay in a tensor: nothing is stored between the current instruction and
  // the last read of the register.
  [[nodiscard]] bool may_stay(uint8_t reg) const {
    bool stored = false;
    for (const ElementwiseInstruction& next : code_.subspan(at_ + 1)) {
      if (reads(next, reg) && stored) {
        return false;
      }
      stored = stored || next.op == Op::kStore;
      if (next.d == reg && next.op != Op::kStore) {
        return true;
      }
    }
    return true;
  }

  // Whether no instruction after the current one reads a register before it is written again.
  [[nodiscard]] bool is_dead(uint8_t reg) const {
    for (const ElementwiseInstruction& next : code_.subspan(at_ + 1)) {
      if (reads(next, reg)) {
        return false;
      }
      if (next.d == reg) {
        return true;
      }
    }
    return true;
  }

  void load(const ElementwiseInstruction& code) {
    if (code.a < kMaxElementwiseTensors && (repeats_ >> code.a & 1U) != 0) {
      set_number(code.d, {.op = Op::kLoad, .of_row = true, .from = {code.a}});
    } else if (may_stay(code.d)) {
      places_[code.d] = tensor_of(code.a);
    } else {
      emit(code.d, {.from = {tensor_of(code.a)}});
    }
  }

  // Redirects the pass that computed the register to the tensor, if that is the last pass.
  void store(const ElementwiseInstruction& code) {
    const Place target = tensor_of(code.a);
    Place& place = places_[code.d];
    if (is_last_made(code.d) && may_stay(code.d)) {
      passes_.back().d = target;
      place = target;
    } else {
      passes_.push_back(
          {.numbers = static_cast<uint8_t>(is_number(code.d)), .d = target, .from = {place}});
    }
  }

  void emit(uint8_t reg, Pass pass) {
    pass.d = buffer_of(reg);
    passes_.push_back(pass);
    places_[reg] = pass.d;
  }

  // Copies a number to every element.
  void spread(uint8_t reg) { emit(reg, {.numbers = 1, .from = {places_[reg]}}); }

  [[nodiscard]] bool is_last_made(uint8_t reg) const {
    return !passes_.empty() && passes_.back().d.in == Place::In::kBuffer &&
           passes_.back().d.index == reg && is_in_buffer(reg);
  }

  // The last pass, if it computed that register and can still be changed.
  [[nodiscard]] Pass* last_made(uint8_t reg, Op op) {
    return is_last_made(reg) && passes_.back().op == op ? &passes_.back() : nullptr;
  }

  void operate(const ElementwiseInstruction& code) {
    const Operands operands = operands_of(code);
    if (std::ranges::all_of(operands.all(), [&](uint8_t reg) { return is_number(reg); })) {
      fold(code, operands);
    } else if (!join(code)) {
      Pass pass{.op = code.op};
      for (size_t i = 0; i < operands.count; ++i) {
        const uint8_t reg = operands.registers[i];
        const unsigned numbers = pass.numbers | 1U << i;
        if (is_number(reg) && may_be_numbers(code.op, numbers)) {
          pass.numbers = static_cast<uint8_t>(numbers);
        } else if (is_number(reg)) {
          spread(reg);
        }
        pass.from[i] = places_[reg];
      }
      emit(code.d, pass);
    }
  }

  // Combines numbers into a number.
  void fold(const ElementwiseInstruction& code, const Operands& operands) {
    Number number{.op = code.op};
    for (size_t i = 0; i < operands.count; ++i) {
      number.from[i] = places_[operands.registers[i]].index;
      number.of_row = number.of_row || numbers_[number.from[i]].of_row;
    }
    set_number(code.d, number);
  }

  /// Of the factors a and b of an instruction, or of two terms, the elements and the number.
  struct Scaled {
    uint8_t elements;
    Place number;
  };
  [[nodiscard]] std::optional<Scaled> one_number(const ElementwiseInstruction& code) const {
    if (is_number(code.a) == is_number(code.b)) {
      return std::nullopt;
    }
    return is_number(code.a) ? Scaled{code.b, places_[code.a]} : Scaled{code.a, places_[code.b]};
  }

  // The elements and the number of the last pass, if it multiplied them into that register.
  [[nodiscard]] std::optional<std::array<Place, 2>> last_scaled(uint8_t reg) {
    const Pass* pass = last_made(reg, Op::kMul);
    if (pass == nullptr || pass->numbers == 0) {
      return std::nullopt;
    }
    const Place a = pass->from[0];
    const Place b = pass->from[1];
    return pass->numbers == 1 ? std::array{b, a} : std::array{a, b};
  }

  // Merges this instruction into the last pass, if a pass exists for both.
  bool join(const ElementwiseInstruction& code) {
    switch (code.op) {
      case Op::kAdd:
        return join_sqrt_add(code);
      case Op::kSub:
        return join_sub_scaled(code);
      case Op::kFma:
        return join_scaled_add(code);
      default:
        return false;
    }
  }

  // d = sqrt(x); d += k.
  bool join_sqrt_add(const ElementwiseInstruction& code) {
    const auto terms = one_number(code);
    Pass* root = terms && terms->elements == code.d ? last_made(code.d, Op::kSqrt) : nullptr;
    if (root == nullptr) {
      return false;
    }
    *root = {
        .op = Op::kSqrtAdd, .numbers = 0b10, .d = root->d, .from = {root->from[0], terms->number}};
    return true;
  }

  // r = x k; d = a - r, if r is not needed any more.
  bool join_sub_scaled(const ElementwiseInstruction& code) {
    if (is_number(code.a) || code.a == code.b) {
      return false;
    }
    const auto scaled = last_scaled(code.b);
    if (!scaled || (code.b != code.d && !is_dead(code.b))) {
      return false;
    }
    const auto [x, k] = *scaled;
    passes_.pop_back();
    emit(code.d, {.op = Op::kSubScaled, .numbers = 0b100, .from = {places_[code.a], x, k}});
    return true;
  }

  // d = x k; d += y k2.
  bool join_scaled_add(const ElementwiseInstruction& code) {
    const auto factors = one_number(code);
    if (!factors || factors->elements == code.d) {
      return false;
    }
    const auto scaled = last_scaled(code.d);
    if (!scaled) {
      return false;
    }
    const auto [x, k] = *scaled;
    passes_.back() = {.op = Op::kScaledAdd,
                      .numbers = 0b1010,
                      .d = passes_.back().d,
                      .from = {x, k, places_[factors->elements], factors->number}};
    return true;
  }

  Code code_;
  uint32_t repeats_;
  size_t at_ = 0;  // current instruction
  std::array<Place, kElementwiseRegisters> places_{};
  std::vector<Number> numbers_;
  std::vector<Pass> passes_;
};

}  // namespace

ElementwiseProgram::ElementwiseProgram(Code code, uint32_t repeats)
    : code_(code.begin(), code.end()), repeats_(repeats), uses_(Checker().check(code)) {
  Planner planner(code_, repeats);
  planner.plan();
  numbers_ = planner.take_numbers();
  passes_ = planner.take_passes();
}

const ElementwiseProgram& ElementwisePrograms::find_or_plan(Code code, uint32_t repeats) {
  const auto found = std::ranges::find_if(programs_, [&](const ElementwiseProgram& program) {
    return program.repeats() == repeats && program.code().size() == code.size() &&
           std::memcmp(program.code().data(), code.data(), code.size_bytes()) == 0;
  });
  if (found != programs_.end()) {
    return *found;
  }
  ElementwiseProgram program(code, repeats);
  if (programs_.size() == kMost) {
    programs_.pop_front();
  }
  return programs_.emplace_back(std::move(program));
}

}  // namespace switchyard::ops::generic
