#include "ops/generic/elementwise_program.h"

#include <algorithm>
#include <array>
#include <utility>

namespace switchyard::ops::generic::cpu {

namespace {

bool reads(EwInstruction code, uint8_t reg) {
  switch (code.op) {
    case EwOp::kLoad:
    case EwOp::kConst:
    case EwOp::kScalar:
      return false;
    case EwOp::kStore:
      return code.d == reg;
    case EwOp::kFma:
    case EwOp::kSelect:
      return code.a == reg || code.b == reg || code.d == reg;
    default:
      return code.a == reg || (code.op < EwOp::kSqrt && code.b == reg);
  }
}

class Planner {
 public:
  Planner(std::span<const EwInstruction> code, std::span<const tensor::Tensor> io,
          std::span<const float> constants, EwDomain domain, uint32_t by_row)
      : code_(code), io_(io), constants_(constants), domain_(domain), by_row_(by_row) {}

  std::vector<EwStep> plan() {
    for (at_ = 0; at_ < code_.size(); ++at_) {
      instruction(code_[at_]);
    }
    return std::move(steps_);
  }

 private:
  void instruction(EwInstruction code) {
    switch (code.op) {
      case EwOp::kLoad:
        load(code);
        break;
      case EwOp::kStore:
        store(code);
        break;
      case EwOp::kConst:
        set_number(code.d, constants_[code.a]);
        break;
      case EwOp::kScalar:
        set_number(code.d, *data(code.a));
        break;
      case EwOp::kAdd:
      case EwOp::kMul:
        commutative(code);
        break;
      case EwOp::kSub:
      case EwOp::kDiv:
        ordered(code);
        break;
      case EwOp::kFma:
        multiply_add(code);
        break;
      default:
        plain(code);
    }
  }

  [[nodiscard]] float* data(uint8_t index) const { return io_[index].data<float>(); }

  void set_number(uint8_t reg, float value) { places_[reg] = {.is_number = true, .number = value}; }

  // Where a tensor's elements are; those of a tensor that repeats along an axis have stride 0
  // there.
  [[nodiscard]] EwPlace tensor_place(uint8_t index) const {
    EwPlace place{.io = data(index)};
    if (domain_ == EwDomain::kMatrices) {
      const tensor::Tensor& t = io_[index];
      place.row_stride = t.size(1) == 1 ? 0 : t.size(2);
      place.matrix_stride = t.size(0) == 1 ? 0 : t.size(1) * t.size(2);
    } else if (domain_ == EwDomain::kRows) {
      const bool has_more = index < 32 && (by_row_ >> index & 1U) != 0;
      (has_more ? place.matrix_stride : place.row_stride) = io_[index].stride(0);
    }
    return place;
  }

  // Whether a row of the tensor is one number.
  [[nodiscard]] bool repeats_along_rows(uint8_t index) const {
    return domain_ == EwDomain::kMatrices && io_[index].size(2) == 1 && io_[0].size(2) != 1;
  }

  static EwPlace buffer_of(uint8_t reg) { return {.buffer = static_cast<int8_t>(reg)}; }

  // Whether a register can stay in a tensor: nothing is stored after the instruction at hand and
  // before its last reading.
  [[nodiscard]] bool may_stay(uint8_t reg) const {
    bool stored = false;
    for (size_t i = at_ + 1; i < code_.size(); ++i) {
      if (reads(code_[i], reg) && stored) {
        return false;
      }
      stored = stored || code_[i].op == EwOp::kStore;
      if (code_[i].d == reg && code_[i].op != EwOp::kStore) {
        return true;
      }
    }
    return true;
  }

  // Whether nothing reads a register after the instruction at hand before it is written again.
  [[nodiscard]] bool is_dead(uint8_t reg) const {
    for (size_t i = at_ + 1; i < code_.size(); ++i) {
      if (reads(code_[i], reg)) {
        return false;
      }
      if (code_[i].d == reg) {
        return true;
      }
    }
    return true;
  }

  void load(EwInstruction code) {
    const EwPlace place = tensor_place(code.a);
    if (repeats_along_rows(code.a)) {
      emit(code.d, {.loop = EwLoop::kFillA, .a = place});
      return;
    }
    if (may_stay(code.d)) {
      places_[code.d] = place;
      return;
    }
    emit(code.d, {.loop = EwLoop::kCopy, .a = place});
  }

  // Lets the pass that made the register write to the tensor, if it is the last one.
  void store(EwInstruction code) {
    const EwPlace target = tensor_place(code.a);
    EwPlace& place = places_[code.d];
    const bool just_made = !steps_.empty() && place.buffer == static_cast<int8_t>(code.d) &&
                           steps_.back().d.buffer == place.buffer;
    if (just_made && may_stay(code.d)) {
      steps_.back().d = target;
      place = target;
    } else if (place.is_number) {
      steps_.push_back({.loop = EwLoop::kFillS, .d = target, .k = place.number});
    } else {
      steps_.push_back({.loop = EwLoop::kCopy, .d = target, .a = place});
    }
  }

  void emit(uint8_t reg, EwStep step) {
    step.d = buffer_of(reg);
    steps_.push_back(step);
    places_[reg] = step.d;
  }

  // The register as elements; a number is spread over its buffer first.
  EwPlace elements(uint8_t reg) {
    if (places_[reg].is_number) {
      emit(reg, {.loop = EwLoop::kFillS, .k = places_[reg].number});
    }
    return places_[reg];
  }

  // The last pass, if it made that register and can still be changed.
  EwStep* last_made(uint8_t reg, EwLoop loop) {
    const bool found = !steps_.empty() && steps_.back().loop == loop &&
                       steps_.back().d.buffer == static_cast<int8_t>(reg) &&
                       places_[reg].buffer == static_cast<int8_t>(reg);
    return found ? &steps_.back() : nullptr;
  }

  void commutative(EwInstruction code) {
    const bool add = code.op == EwOp::kAdd;
    const EwPlace& a = places_[code.a];
    const EwPlace& b = places_[code.b];
    if (a.is_number && b.is_number) {
      set_number(code.d, add ? a.number + b.number : a.number * b.number);
      return;
    }
    if (!a.is_number && !b.is_number) {
      emit(code.d, {.loop = add ? EwLoop::kAdd : EwLoop::kMul, .a = a, .b = b});
      return;
    }
    const uint8_t elements_in = a.is_number ? code.b : code.a;
    const float k = a.is_number ? a.number : b.number;
    EwStep* root = add && elements_in == code.d ? last_made(code.d, EwLoop::kSqrt) : nullptr;
    if (root != nullptr) {
      root->loop = EwLoop::kSqrtAddS;
      root->k = k;
      return;
    }
    emit(code.d, {.loop = add ? EwLoop::kAddS : EwLoop::kMulS, .a = places_[elements_in], .k = k});
  }

  void ordered(EwInstruction code) {
    const bool sub = code.op == EwOp::kSub;
    const EwPlace a = places_[code.a];
    const EwPlace b = places_[code.b];
    if (a.is_number && b.is_number) {
      set_number(code.d, sub ? a.number - b.number : a.number / b.number);
    } else if (a.is_number) {
      emit(code.d, {.loop = sub ? EwLoop::kSFrom : EwLoop::kSOver, .a = b, .k = a.number});
    } else if (b.is_number) {
      emit(code.d, {.loop = sub ? EwLoop::kSubS : EwLoop::kDivS, .a = a, .k = b.number});
    } else if (!join_scaled_sub(code)) {
      emit(code.d, {.loop = sub ? EwLoop::kSub : EwLoop::kDiv, .a = a, .b = b});
    }
  }

  // r = x k; d = a - r, if r is not needed any more.
  bool join_scaled_sub(EwInstruction code) {
    if (code.op != EwOp::kSub || code.a == code.b) {
      return false;
    }
    const EwStep* scaled = last_made(code.b, EwLoop::kMulS);
    if (scaled == nullptr || (code.b != code.d && !is_dead(code.b))) {
      return false;
    }
    const EwStep joined{
        .loop = EwLoop::kSubMulS, .a = places_[code.a], .b = scaled->a, .k = scaled->k};
    steps_.pop_back();
    emit(code.d, joined);
    return true;
  }

  void multiply_add(EwInstruction code) {
    const bool has_number = places_[code.a].is_number || places_[code.b].is_number;
    if (!has_number || (places_[code.a].is_number && places_[code.b].is_number)) {
      const EwPlace a = elements(code.a);
      const EwPlace b = elements(code.b);
      emit(code.d, {.loop = EwLoop::kFma, .a = a, .b = b, .old = elements(code.d)});
      return;
    }
    const uint8_t factor = places_[code.a].is_number ? code.b : code.a;
    const float k = places_[code.a].is_number ? places_[code.a].number : places_[code.b].number;
    EwStep* scaled = factor == code.d ? nullptr : last_made(code.d, EwLoop::kMulS);
    if (scaled != nullptr) {  // d = x k; d += y k2
      scaled->loop = EwLoop::kAxpby;
      scaled->b = places_[factor];
      scaled->k2 = k;
      return;
    }
    const EwPlace old = elements(code.d);
    emit(code.d, {.loop = EwLoop::kFmaS, .a = places_[factor], .old = old, .k = k});
  }

  void plain(EwInstruction code) {
    static constexpr std::array<std::pair<EwOp, EwLoop>, 10> kLoops = {
        {{EwOp::kMax, EwLoop::kMax},
         {EwOp::kMin, EwLoop::kMin},
         {EwOp::kSqrt, EwLoop::kSqrt},
         {EwOp::kRsqrt, EwLoop::kRsqrt},
         {EwOp::kExp, EwLoop::kExp},
         {EwOp::kLog, EwLoop::kLog},
         {EwOp::kTanh, EwLoop::kTanh},
         {EwOp::kAbs, EwLoop::kAbs},
         {EwOp::kSign, EwLoop::kSign},
         {EwOp::kSelect, EwLoop::kSelect}}};
    const auto* found = std::find_if(kLoops.begin(), kLoops.end(),
                                     [&](const auto& l) { return l.first == code.op; });
    EwStep step{.loop = found->second, .a = elements(code.a)};
    if (code.op < EwOp::kSqrt || code.op == EwOp::kSelect) {
      step.b = elements(code.b);
    }
    if (code.op == EwOp::kSelect) {
      step.old = elements(code.d);
    }
    emit(code.d, step);
  }

  std::span<const EwInstruction> code_;
  std::span<const tensor::Tensor> io_;
  std::span<const float> constants_;
  EwDomain domain_;
  uint32_t by_row_;
  size_t at_ = 0;  // instruction at hand
  std::array<EwPlace, kEwRegisters> places_{};
  std::vector<EwStep> steps_;
};

}  // namespace

std::vector<EwStep> plan_passes(std::span<const EwInstruction> code,
                                std::span<const tensor::Tensor> io,
                                std::span<const float> constants, EwDomain domain,
                                uint32_t by_row) {
  return Planner(code, io, constants, domain, by_row).plan();
}

}  // namespace switchyard::ops::generic::cpu
