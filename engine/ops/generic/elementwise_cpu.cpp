#include <algorithm>
#include <cmath>
#include <utility>

#include "ops/clones.h"
#include "ops/generic/elementwise_program.h"
#include "ops/generic/kernels_cpu.h"
#include "ops/generic/vector_math.h"
#include "ops/generic/walk.h"

namespace switchyard::ops::generic::cpu {

namespace {

constexpr int64_t kElements = 256;  // of a register: all twelve stay in the first cache
constexpr int64_t kPadding = 16;    // so that no two registers begin at the same place of a page

struct Buffers {
  alignas(64) float of[kEwRegisters][kElements + kPadding];
};

// The operands of one pass.
struct Operands {
  float* d;
  const float* a;
  const float* b;
  const float* old;
  float k;
  float k2;
};

template <EwLoop kLoop>
[[gnu::always_inline]] inline float apply(const Operands& o, int64_t i) {
  const float a = o.a[i];
  switch (kLoop) {
    case EwLoop::kAdd:
      return a + o.b[i];
    case EwLoop::kAddS:
      return a + o.k;
    case EwLoop::kSub:
      return a - o.b[i];
    case EwLoop::kSubS:
      return a - o.k;
    case EwLoop::kSFrom:
      return o.k - a;
    case EwLoop::kMul:
      return a * o.b[i];
    case EwLoop::kMulS:
      return a * o.k;
    case EwLoop::kDiv:
      return a / o.b[i];
    case EwLoop::kDivS:
      return a / o.k;
    case EwLoop::kSOver:
      return o.k / a;
    case EwLoop::kMax:
      return (a > o.b[i] || a != a) ? a : o.b[i];
    case EwLoop::kMin:
      return (a < o.b[i] || a != a) ? a : o.b[i];
    case EwLoop::kFma:
      return o.old[i] + a * o.b[i];
    case EwLoop::kFmaS:
      return o.old[i] + a * o.k;
    case EwLoop::kAxpby:
      return a * o.k + o.b[i] * o.k2;
    case EwLoop::kSubMulS:
      return a - o.b[i] * o.k;
    case EwLoop::kSqrt:
      return std::sqrt(a);
    case EwLoop::kSqrtAddS:
      return std::sqrt(a) + o.k;
    case EwLoop::kRsqrt:
      return 1.0F / std::sqrt(a);
    case EwLoop::kExp:
      return vexp(a);
    case EwLoop::kLog:
      return vlog(a);
    case EwLoop::kTanh:
      return vtanh(a);
    case EwLoop::kAbs:
      return std::fabs(a);
    case EwLoop::kSign: {
      const float sign = a < 0.0F ? -1.0F : a;
      return sign > 0.0F ? 1.0F : sign;  // 0 and NaN stay
    }
    case EwLoop::kSelect:
      return a > 0.0F ? o.b[i] : o.old[i];
    default:
      return a;
  }
}

// ivdep: the result may take the place of an operand, element for element.
template <EwLoop kLoop>
[[gnu::always_inline]] inline void loop(const Operands& operands, int64_t n) {
  const Operands o = operands;
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    o.d[i] = apply<kLoop>(o, i);
  }
}

template <size_t kIndex>
[[gnu::always_inline]] inline bool run_if(EwLoop wanted, const Operands& o, int64_t n) {
  constexpr auto kLoop = static_cast<EwLoop>(kIndex);
  if constexpr (kLoop != EwLoop::kFillS && kLoop != EwLoop::kFillA) {
    if (wanted == kLoop) {
      loop<kLoop>(o, n);
      return true;
    }
  }
  return false;
}

template <size_t... kIndices>
[[gnu::always_inline]] inline void run_one_of(EwLoop wanted, const Operands& o, int64_t n,
                                              std::index_sequence<kIndices...>) {
  (void)(run_if<kIndices>(wanted, o, n) || ...);
}

constexpr size_t kNumLoops = static_cast<size_t>(EwLoop::kSelect) + 1;

SWITCHYARD_CPU_CLONES void run_pass(EwLoop wanted, const Operands& o, int64_t n) {
  if (wanted == EwLoop::kFillS || wanted == EwLoop::kFillA) {
    const float value = wanted == EwLoop::kFillS ? o.k : *o.a;
    for (int64_t i = 0; i < n; ++i) {
      o.d[i] = value;
    }
    return;
  }
  run_one_of(wanted, o, n, std::make_index_sequence<kNumLoops>());
}

// Where a block of elements lies. Where a program runs over some rows of tensors with more,
// `matrix` is the row of those and `row` that of the others.
struct Block {
  int64_t matrix = 0;
  int64_t row = 0;
  int64_t first = 0;  // element of the row
};

float* resolve(const EwPlace& place, EwLoop loop, Buffers& buffers, const Block& at) {
  if (place.buffer >= 0) {
    return buffers.of[place.buffer];
  }
  if (place.io == nullptr) {
    return nullptr;
  }
  float* row = place.io + at.matrix * place.matrix_stride + at.row * place.row_stride;
  return loop == EwLoop::kFillA ? row : row + at.first;
}

// Runs all passes over n elements of a row, a block at a time.
void run_row(const std::vector<EwStep>& steps, Buffers& buffers, Block at, int64_t n) {
  for (const int64_t end = at.first + n; at.first < end; at.first += kElements) {
    for (const EwStep& step : steps) {
      const Operands operands{.d = resolve(step.d, EwLoop::kCopy, buffers, at),
                              .a = resolve(step.a, step.loop, buffers, at),
                              .b = resolve(step.b, EwLoop::kCopy, buffers, at),
                              .old = resolve(step.old, EwLoop::kCopy, buffers, at),
                              .k = step.k,
                              .k2 = step.k2};
      run_pass(step.loop, operands, std::min(kElements, end - at.first));
    }
  }
}

void require_rows(std::span<const Tensor> io, const EwRows& rows) {
  const auto* ids = rows.rows.data<int32_t>();
  for (size_t i = 0; i < io.size() && i < 32; ++i) {
    const bool has_more = (rows.by_row >> i & 1U) != 0;
    const int64_t limit = io[i].dim() > 0 ? io[i].size(0) : 0;
    for (int64_t j = 0; has_more && j < rows.rows.count(); ++j) {
      core::require(ids[j] >= 0 && ids[j] < limit,
                    "ew_rows: rows must be in [0, {}) for io {}, position {} has {}", limit, i, j,
                    ids[j]);
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
  const std::vector<EwStep> steps = plan_passes(code, io, constants);
  for_each_range(stream, count, 1, [&](int64_t begin, int64_t end) {
    Buffers buffers;
    run_row(steps, buffers, {.first = begin}, end - begin);
  });
}

void ew_matrices(const Stream& stream, std::span<const EwInstruction> code,
                 std::span<const Tensor> io, std::span<const float> constants,
                 const Tensor& active) {
  if (io[0].count() == 0) {
    return;
  }
  const int64_t height = io[0].size(1);
  const int64_t width = io[0].size(2);
  const float* is_active = active.defined() ? active.data<float>() : nullptr;
  const std::vector<EwStep> steps = plan_passes(code, io, constants, EwDomain::kMatrices);
  for_each_range(stream, io[0].size(0) * height, width, [&](int64_t begin, int64_t end) {
    Buffers buffers;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t matrix = i / height;
      if (is_active != nullptr && is_active[matrix] == 0.0F) {
        i = (matrix + 1) * height - 1;
        continue;
      }
      run_row(steps, buffers, {.matrix = matrix, .row = i - matrix * height}, width);
    }
  });
}

void ew_rows(const Stream& stream, std::span<const EwInstruction> code, std::span<const Tensor> io,
             std::span<const float> constants, const EwRows& rows) {
  const int64_t n = rows.rows.count();
  int64_t width = 1;
  for (int axis = 1; axis < io[0].dim(); ++axis) {
    width *= io[0].size(axis);
  }
  if (n == 0 || width == 0) {
    return;
  }
  require_rows(io, rows);
  const std::vector<EwStep> steps = plan_passes(code, io, constants, EwDomain::kRows, rows.by_row);
  const auto* ids = rows.rows.data<int32_t>();
  for_each_range(stream, n, width, [&](int64_t begin, int64_t end) {
    Buffers buffers;
    for (int64_t row = begin; row < end; ++row) {
      run_row(steps, buffers, {.matrix = ids[row], .row = row}, width);
    }
  });
}

}  // namespace switchyard::ops::generic::cpu
