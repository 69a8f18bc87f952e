#include <algorithm>
#include <cmath>

#include "ops/clones.h"
#include "ops/generic/constant_dispatch.h"
#include "ops/generic/elementwise_program.h"
#include "ops/generic/kernels.h"
#include "ops/generic/vector_math.h"
#include "ops/generic/walk.h"

namespace switchyard::ops::generic {

namespace {

using tensor::Stream;
using tensor::Tensor;
using Op = ElementwiseOp;
using Over = ElementwiseDomain::Over;
using Number = ElementwiseProgram::Number;
using Pass = ElementwiseProgram::Pass;
using Place = ElementwiseProgram::Place;

constexpr int64_t kElements = 256;  // of a register: all twelve stay in the first-level cache
constexpr int64_t kPadding = 16;    // so that no two registers begin at the same offset in a page

// One element of a pass. A constant op is folded away, so each loop holds one formula.
template <Op kOp>
[[gnu::always_inline]] inline float apply(float a, float b, float c, float e) {
  switch (kOp) {
    case Op::kAdd:
      return a + b;
    case Op::kSub:
      return a - b;
    case Op::kMul:
      return a * b;
    case Op::kDiv:
      return a / b;
    case Op::kMax:
      return (a > b || a != a) ? a : b;
    case Op::kMin:
      return (a < b || a != a) ? a : b;
    case Op::kFma:
      return c + a * b;
    case Op::kSqrt:
      return std::sqrt(a);
    case Op::kRsqrt:
      return 1.0F / std::sqrt(a);
    case Op::kExp:
      return vexp(a);
    case Op::kLog:
      return vlog(a);
    case Op::kTanh:
      return vtanh(a);
    case Op::kAbs:
      return std::fabs(a);
    case Op::kSign: {
      const float sign = a < 0.0F ? -1.0F : a;
      return sign > 0.0F ? 1.0F : sign;  // 0 and NaN stay
    }
    case Op::kSelect:
      return a > 0.0F ? b : c;
    case Op::kSqrtAdd:
      return std::sqrt(a) + b;
    case Op::kSubScaled:
      return a - b * c;
    case Op::kScaledAdd:
      return a * b + c * e;
    default:
      return a;
  }
}

// Where the result and the operands of a pass lie.
struct Operands {
  float* d = nullptr;
  std::array<const float*, 4> from{};
};

// Operand kIndex of element i; `k` holds those that are numbers.
template <Op kOp, unsigned kNumbers, size_t kIndex>
[[gnu::always_inline]] inline float operand(const Operands& o, const std::array<float, 4>& k,
                                            int64_t i) {
  if constexpr (kIndex >= static_cast<size_t>(num_operands(kOp))) {
    return 0.0F;
  } else if constexpr ((kNumbers >> kIndex & 1U) != 0) {
    return k[kIndex];
  } else {
    return o.from[kIndex][i];
  }
}

// ivdep: the result may take the place of an operand, element for element.
template <Op kOp, unsigned kNumbers>
[[gnu::always_inline]] inline void loop(const Operands& operands, int64_t n) {
  const Operands o = operands;
  std::array<float, 4> k{};
  for (size_t i = 0; i < k.size(); ++i) {
    k[i] = (kNumbers >> i & 1U) != 0 ? *o.from[i] : 0.0F;
  }
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    o.d[i] = apply<kOp>(operand<kOp, kNumbers, 0>(o, k, i), operand<kOp, kNumbers, 1>(o, k, i),
                        operand<kOp, kNumbers, 2>(o, k, i), operand<kOp, kNumbers, 3>(o, k, i));
  }
}

// `numbers`: bit i says that operand i is a number.
SWITCHYARD_CPU_CLONES void run_loop(Op op, unsigned numbers, const Operands& operands, int64_t n) {
  call_with_constant<Op::kScaledAdd>(op, [&](auto wanted) __attribute__((always_inline)) {
    call_with_constant<15U>(numbers, [&](auto mask) __attribute__((always_inline)) {
      if constexpr (num_operands(wanted.value) > 0 && may_be_numbers(wanted.value, mask.value)) {
        loop<wanted.value, mask.value>(operands, n);
      }
    });
  });
}

// The position of a block of elements. If a program runs over some rows of tensors with more rows,
// `matrix` is the row in those and `row` the row in the others.
struct Block {
  int64_t matrix = 0;
  int64_t row = 0;
  int64_t first = 0;  // element of the row
};

// A tensor's elements. A stride is 0 where the tensor repeats.
struct Strided {
  float* data = nullptr;
  int64_t matrix_stride = 0;
  int64_t row_stride = 0;

  [[nodiscard]] float* row_at(const Block& at) const {
    return data + at.matrix * matrix_stride + at.row * row_stride;
  }
};

Strided strided(const Tensor& t, const ElementwiseDomain& domain, size_t index) {
  Strided s{.data = t.data<float>()};
  if (domain.over == Over::kMatrices && t.dim() == 3) {
    s.row_stride = t.size(1) == 1 ? 0 : t.size(2);
    s.matrix_stride = t.size(0) == 1 ? 0 : t.size(1) * t.size(2);
  } else if (domain.over == Over::kRows && t.dim() > 0) {
    const bool has_more = (domain.by_row >> index & 1U) != 0;
    (has_more ? s.matrix_stride : s.row_stride) = t.stride(0);
  }
  return s;
}

// One call of a program: the data that all threads share.
struct Call {
  const ElementwiseProgram* program = nullptr;
  std::array<Strided, kMaxElementwiseTensors> io;
  std::array<float, kMaxElementwiseCode> numbers;  // those of a row have no value
};

// Computes numbers[index] of a row, or of all rows.
void compute_number(const Call& call, std::array<float, kMaxElementwiseCode>& numbers, size_t index,
                    const Block& at) {
  const Number& number = call.program->numbers()[index];
  if (number.op == Op::kLoad) {
    numbers[index] = *call.io[number.from[0]].row_at(at);
    return;
  }
  Operands operands{.d = &numbers[index]};
  for (size_t i = 0; i < number.from.size(); ++i) {
    operands.from[i] = &numbers[number.from[i]];
  }
  run_loop(number.op, 0, operands, 1);
}

Call begin_call(const ElementwiseProgram& program, std::span<const Tensor> io,
                std::span<const float> constants, const ElementwiseDomain& domain) {
  Call call{.program = &program};
  for (size_t i = 0; i < io.size(); ++i) {
    call.io[i] = strided(io[i], domain, i);
  }
  for (size_t i = 0; i < program.numbers().size(); ++i) {
    const Number& number = program.numbers()[i];
    if (number.op == Op::kConst) {
      call.numbers[i] = constants[number.from[0]];
    } else if (number.op == Op::kScalar) {
      call.numbers[i] = *call.io[number.from[0]].data;
    } else if (!number.of_row) {
      compute_number(call, call.numbers, i, {});
    }
  }
  return call;
}

// Runs a call on one thread.
class Worker {
 public:
  explicit Worker(const Call& call) : call_(call) {
    std::copy_n(call.numbers.begin(), call.program->numbers().size(), numbers_.begin());
  }

  // All passes over n elements of a row, a block at a time.
  void run_row(Block at, int64_t n) {
    for (size_t i = 0; i < call_.program->numbers().size(); ++i) {
      if (call_.program->numbers()[i].of_row) {
        compute_number(call_, numbers_, i, at);
      }
    }
    for (const int64_t end = at.first + n; at.first < end; at.first += kElements) {
      for (const Pass& pass : call_.program->passes()) {
        Operands operands{.d = resolve(pass.d, at)};
        for (size_t i = 0; pass.from[i].in != Place::In::kNowhere; ++i) {
          operands.from[i] = resolve(pass.from[i], at);
        }
        run_loop(pass.op, pass.numbers, operands, std::min(kElements, end - at.first));
      }
    }
  }

 private:
  float* resolve(const Place& place, const Block& at) {
    switch (place.in) {
      case Place::In::kBuffer:
        return buffers_[place.index].data();
      case Place::In::kTensor:
        return call_.io[place.index].row_at(at) + at.first;
      case Place::In::kNumber:
        return &numbers_[place.index];
      default:
        return nullptr;
    }
  }

  using Buffer = std::array<float, kElements + kPadding>;

  const Call& call_;
  std::array<float, kMaxElementwiseCode> numbers_;
  alignas(64) std::array<Buffer, kElementwiseRegisters> buffers_;
};

void run_elements(const Stream& stream, const Call& call, int64_t count) {
  for_each_range(stream, count, 1, [&](int64_t begin, int64_t end) {
    Worker(call).run_row({.first = begin}, end - begin);
  });
}

void run_matrices(const Stream& stream, const Call& call, const Tensor& shape,
                  const Tensor& active) {
  const int64_t height = shape.size(1);
  const int64_t width = shape.size(2);
  const float* is_active = active.defined() ? active.data<float>() : nullptr;
  for_each_range(stream, shape.size(0) * height, width, [&](int64_t begin, int64_t end) {
    Worker worker(call);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t matrix = i / height;
      if (is_active != nullptr && is_active[matrix] == 0.0F) {
        i = (matrix + 1) * height - 1;
        continue;
      }
      worker.run_row({.matrix = matrix, .row = i - matrix * height}, width);
    }
  });
}

void require_rows(std::span<const Tensor> io, const ElementwiseDomain& domain) {
  const auto* ids = domain.rows.data<int32_t>();
  for (size_t i = 0; i < io.size(); ++i) {
    const bool has_more = (domain.by_row >> i & 1U) != 0;
    const int64_t limit = io[i].dim() > 0 ? io[i].size(0) : 0;
    for (int64_t j = 0; has_more && j < domain.rows.count(); ++j) {
      core::require(ids[j] >= 0 && ids[j] < limit,
                    "elementwise: rows must be in [0, {}) for io {}, position {} has {}", limit, i,
                    j, ids[j]);
    }
  }
}

void run_rows(const Stream& stream, const Call& call, const Tensor& rows, int64_t width) {
  const auto* ids = rows.data<int32_t>();
  for_each_range(stream, rows.count(), width, [&](int64_t begin, int64_t end) {
    Worker worker(call);
    for (int64_t row = begin; row < end; ++row) {
      worker.run_row({.matrix = ids[row], .row = row}, width);
    }
  });
}

int64_t row_width(const Tensor& t) {
  int64_t width = 1;
  for (int axis = 1; axis < t.dim(); ++axis) {
    width *= t.size(axis);
  }
  return width;
}

void elementwise(const Stream& stream, const ElementwiseProgram& program,
                 std::span<const Tensor> io, std::span<const float> constants,
                 const ElementwiseDomain& domain) {
  if (domain.over == Over::kRows) {
    const int64_t width = row_width(io[0]);
    if (domain.rows.count() > 0 && width > 0) {
      require_rows(io, domain);
      run_rows(stream, begin_call(program, io, constants, domain), domain.rows, width);
    }
    return;
  }
  if (io[0].count() == 0) {
    return;
  }
  const Call call = begin_call(program, io, constants, domain);
  if (domain.over == Over::kMatrices) {
    run_matrices(stream, call, io[0], domain.active);
  } else {
    run_elements(stream, call, io[0].count());
  }
}

}  // namespace

void add_elementwise_cpu(Kernels& kernels) {
  kernels.elementwise = elementwise;
}

}  // namespace switchyard::ops::generic
