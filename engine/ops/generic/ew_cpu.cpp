#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/clones.h"
#include "ops/generic/ew.h"
#include "ops/generic/kernels_cpu.h"
#include "ops/generic/vector_math.h"
#include "ops/generic/walk.h"

namespace switchyard::ops::generic::cpu {

namespace {

constexpr int64_t kElements = 512;  // of a register: all twelve stay in the first cache

// The value of each register for the elements at hand: in its own buffer, or still in the tensor it
// was loaded from.
struct Registers {
  alignas(64) float buffers[kEwRegisters][kElements];
  const float* value[kEwRegisters];
};

template <EwOp kOp>
[[gnu::always_inline]] inline float join(float a, float b) {
  switch (kOp) {
    case EwOp::kAdd:
      return a + b;
    case EwOp::kSub:
      return a - b;
    case EwOp::kMul:
      return a * b;
    case EwOp::kDiv:
      return a / b;
    case EwOp::kMax:
      return (a > b || a != a) ? a : b;
    default:
      return (a < b || a != a) ? a : b;
  }
}

template <EwOp kOp>
[[gnu::always_inline]] inline float apply(float a) {
  switch (kOp) {
    case EwOp::kSqrt:
      return std::sqrt(a);
    case EwOp::kRsqrt:
      return 1.0F / std::sqrt(a);
    case EwOp::kExp:
      return vexp(a);
    case EwOp::kLog:
      return vlog(a);
    case EwOp::kTanh:
      return vtanh(a);
    case EwOp::kAbs:
      return std::fabs(a);
    default: {
      const float sign = a < 0.0F ? -1.0F : a;
      return sign > 0.0F ? 1.0F : sign;  // 0 and NaN stay
    }
  }
}

// ivdep: a register may be an operand of its own instruction, element for element.
template <EwOp kOp>
[[gnu::always_inline]] inline void loop(float* d, const float* a, const float* b, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    d[i] = join<kOp>(a[i], b[i]);
  }
}

template <EwOp kOp>
[[gnu::always_inline]] inline void loop(float* d, const float* a, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    d[i] = apply<kOp>(a[i]);
  }
}

[[gnu::always_inline]] inline void multiply_add(float* d, const float* old, const float* a,
                                                const float* b, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    d[i] = old[i] + a[i] * b[i];
  }
}

[[gnu::always_inline]] inline void select(float* d, const float* old, const float* a,
                                          const float* b, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    d[i] = a[i] > 0.0F ? b[i] : old[i];
  }
}

// One arithmetic instruction for n elements.
SWITCHYARD_CPU_CLONES void compute(EwInstruction code, Registers& r, int64_t n) {
  float* d = r.buffers[code.d];
  const float* old = r.value[code.d];
  const float* a = r.value[code.a];
  const float* b = code.b < kEwRegisters ? r.value[code.b] : nullptr;
  switch (code.op) {
    case EwOp::kAdd:
      loop<EwOp::kAdd>(d, a, b, n);
      break;
    case EwOp::kSub:
      loop<EwOp::kSub>(d, a, b, n);
      break;
    case EwOp::kMul:
      loop<EwOp::kMul>(d, a, b, n);
      break;
    case EwOp::kDiv:
      loop<EwOp::kDiv>(d, a, b, n);
      break;
    case EwOp::kMax:
      loop<EwOp::kMax>(d, a, b, n);
      break;
    case EwOp::kMin:
      loop<EwOp::kMin>(d, a, b, n);
      break;
    case EwOp::kFma:
      multiply_add(d, old, a, b, n);
      break;
    case EwOp::kSqrt:
      loop<EwOp::kSqrt>(d, a, n);
      break;
    case EwOp::kRsqrt:
      loop<EwOp::kRsqrt>(d, a, n);
      break;
    case EwOp::kExp:
      loop<EwOp::kExp>(d, a, n);
      break;
    case EwOp::kLog:
      loop<EwOp::kLog>(d, a, n);
      break;
    case EwOp::kTanh:
      loop<EwOp::kTanh>(d, a, n);
      break;
    case EwOp::kAbs:
      loop<EwOp::kAbs>(d, a, n);
      break;
    case EwOp::kSign:
      loop<EwOp::kSign>(d, a, n);
      break;
    default:
      select(d, old, a, b, n);
  }
  r.value[code.d] = d;
}

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

// Whether a loaded register may be read in place: nothing is stored before its last reading.
bool may_stay_in_place(std::span<const EwInstruction> code, size_t load) {
  const uint8_t reg = code[load].d;
  bool stored = false;
  for (size_t i = load + 1; i < code.size(); ++i) {
    if (reads(code[i], reg) && stored) {
      return false;
    }
    stored = stored || code[i].op == EwOp::kStore;
    if (code[i].d == reg && code[i].op != EwOp::kStore) {
      return true;
    }
  }
  return true;
}

// A program with what is known before it runs.
struct Program {
  std::span<const EwInstruction> code;
  std::vector<char> in_place;    // of each kLoad
  std::vector<float> broadcast;  // the value of each kConst and kScalar
  std::vector<float*> io;
};

void run(const Program& program, Registers& r, int64_t first, int64_t n) {
  for (size_t i = 0; i < program.code.size(); ++i) {
    const EwInstruction code = program.code[i];
    switch (code.op) {
      case EwOp::kLoad:
        r.value[code.d] = program.io[code.a] + first;
        if (program.in_place[i] == 0) {
          std::copy_n(program.io[code.a] + first, n, r.buffers[code.d]);
          r.value[code.d] = r.buffers[code.d];
        }
        break;
      case EwOp::kStore:
        if (r.value[code.d] != program.io[code.a] + first) {
          std::copy_n(r.value[code.d], n, program.io[code.a] + first);
        }
        break;
      case EwOp::kConst:
      case EwOp::kScalar:
        std::fill_n(r.buffers[code.d], n, program.broadcast[i]);
        r.value[code.d] = r.buffers[code.d];
        break;
      default:
        compute(code, r, n);
    }
  }
}

}  // namespace

void ew(const Stream& stream, std::span<const EwInstruction> code, std::span<const Tensor> io,
        std::span<const float> constants) {
  const int64_t count = io[0].count();
  if (count == 0) {
    return;
  }
  Program program{.code = code,
                  .in_place = std::vector<char>(code.size()),
                  .broadcast = std::vector<float>(code.size()),
                  .io = {}};
  for (const Tensor& t : io) {
    program.io.push_back(t.data<float>());
  }
  for (size_t i = 0; i < code.size(); ++i) {
    if (code[i].op == EwOp::kLoad) {
      program.in_place[i] = may_stay_in_place(code, i) ? 1 : 0;
    } else if (code[i].op == EwOp::kConst) {
      program.broadcast[i] = constants[code[i].a];
    } else if (code[i].op == EwOp::kScalar) {
      program.broadcast[i] = *program.io[code[i].a];
    }
  }
  for_each_range(stream, count, 1, [&](int64_t begin, int64_t end) {
    Registers registers;
    for (int64_t first = begin; first < end; first += kElements) {
      run(program, registers, first, std::min(kElements, end - first));
    }
  });
}

}  // namespace switchyard::ops::generic::cpu
