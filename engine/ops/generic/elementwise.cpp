#include "ops/generic/elementwise.h"

#include "ops/generic/checks.h"
#include "ops/kernels.h"

namespace switchyard::ops::generic {

namespace {

using tensor::Tensor;
using Over = ElementwiseDomain::Over;
using Use = ElementwiseProgram::Use;

void check_tensors(const Backend& backend, std::span<const Tensor> io) {
  core::require(!io.empty() && io.size() <= kMaxElementwiseTensors,
                "elementwise: needs 1 to {} io tensors, got {}", kMaxElementwiseTensors, io.size());
  for (size_t i = 0; i < io.size(); ++i) {
    const bool fits = io[i].defined() && io[i].device() == backend.stream.device &&
                      io[i].dtype() == tensor::DType::kF32 && io[i].is_contiguous();
    if (!fits) {  // only now build the name
      const std::string name = fmt::format("io {}", i);
      require_tensors("elementwise", backend, tensor::DType::kF32, {{name.c_str(), io[i]}});
      require_contiguous("elementwise", {name.c_str(), io[i]});
    }
  }
}

void check_domain(const Backend& backend, std::span<const Tensor> io,
                  const ElementwiseDomain& domain) {
  if (domain.over == Over::kMatrices) {
    require_dim("elementwise", {"io 0", io[0]}, 3, "[G,P,Q]");
    if (domain.active.defined()) {
      require_tensors("elementwise", backend, tensor::DType::kF32, {{"active", domain.active}});
      require_contiguous("elementwise", {"active", domain.active});
      core::require(domain.active.shape() == tensor::Shape{io[0].size(0)},
                    "elementwise: active must be [{}], one for each matrix, got {}", io[0].size(0),
                    domain.active.shape());
    }
  } else if (domain.over == Over::kRows) {
    require_tensors("elementwise", backend, tensor::DType::kI32, {{"rows", domain.rows}});
    require_contiguous("elementwise", {"rows", domain.rows});
    core::require(domain.rows.dim() == 1, "elementwise: rows must be [n], got {}",
                  domain.rows.shape());
    core::require(io[0].dim() > 0, "elementwise: io 0 must have rows, got a scalar");
  }
}

// Bit i is set if each row of the matrices io[i] is one number.
uint32_t repeating_rows(std::span<const Tensor> io, const ElementwiseDomain& domain) {
  uint32_t repeats = 0;
  if (domain.over == Over::kMatrices && io[0].size(2) != 1) {
    for (size_t i = 0; i < io.size(); ++i) {
      const bool is_number = io[i].dim() == 3 && io[i].size(2) == 1;
      repeats |= static_cast<uint32_t>(is_number) << i;
    }
  }
  return repeats;
}

// Checks what a program uses against the tensors of a call.
class UseChecker {
 public:
  UseChecker(std::span<const Tensor> io, size_t num_constants, const ElementwiseDomain& domain)
      : io_(io), num_constants_(num_constants), domain_(domain) {}

  void check(const Use& use) const {
    if (use.how == ElementwiseOp::kConst) {
      core::require(use.index < num_constants_,
                    "elementwise: instruction {}: constant must be below {}, got {}",
                    use.instruction, num_constants_, use.index);
      return;
    }
    core::require(use.index < io_.size(),
                  "elementwise: instruction {}: io must be below {}, got {}", use.instruction,
                  io_.size(), use.index);
    if (use.how == ElementwiseOp::kScalar) {
      core::require(io_[use.index].count() == 1,
                    "elementwise: instruction {}: a scalar must have one element, got io {} of "
                    "shape {}",
                    use.instruction, use.index, io_[use.index].shape());
    } else if (use.how == ElementwiseOp::kLoad && domain_.over == Over::kMatrices) {
      require_repeatable(use);
    } else {
      require_full(use);
    }
  }

 private:
  void require_full(const Use& use) const {
    const tensor::Shape& shape = io_[use.index].shape();
    if (domain_.over != Over::kRows) {
      core::require(shape == io_[0].shape(),
                    "elementwise: instruction {}: io {} must have the shape of io 0, {}, got {}",
                    use.instruction, use.index, io_[0].shape(), shape);
      return;
    }
    tensor::Shape wanted = io_[0].shape();
    const bool has_more = (domain_.by_row >> use.index & 1U) != 0;
    wanted[0] = has_more && shape.dim() > 0 ? shape[0] : domain_.rows.count();
    core::require(shape == wanted,
                  "elementwise: instruction {}: io {} must have the shape {}, got {}",
                  use.instruction, use.index, wanted, shape);
  }

  void require_repeatable(const Use& use) const {
    const tensor::Shape& full = io_[0].shape();
    const tensor::Shape& shape = io_[use.index].shape();
    bool fits = shape.dim() == full.dim();
    for (int axis = 0; fits && axis < full.dim(); ++axis) {
      fits = shape[axis] == full[axis] || shape[axis] == 1;
    }
    core::require(fits,
                  "elementwise: instruction {}: io {} must have the shape of io 0, {}, or 1 in "
                  "place of an extent, got {}",
                  use.instruction, use.index, full, shape);
  }

  std::span<const Tensor> io_;
  size_t num_constants_;
  const ElementwiseDomain& domain_;
};

}  // namespace

void elementwise(const Backend& backend, ElementwisePrograms& programs,
                 std::span<const ElementwiseInstruction> code, std::span<const Tensor> io,
                 std::span<const float> constants, const ElementwiseDomain& domain) {
  check_tensors(backend, io);
  check_domain(backend, io, domain);
  const ElementwiseProgram& program = programs.find_or_plan(code, repeating_rows(io, domain));
  const UseChecker checker(io, constants.size(), domain);
  for (const Use& use : program.uses()) {
    checker.check(use);
  }
  const auto kernel = backend.kernels->generic.elementwise;
  require_kernel(kernel != nullptr, "elementwise", backend);
  kernel(backend.stream, program, io, constants, domain);
}

}  // namespace switchyard::ops::generic
