#pragma once

#include <span>

#include "ops/backend.h"
#include "ops/generic/elementwise_program.h"
#include "ops/generic/kernels.h"

namespace switchyard::ops::generic {

/// Runs a small program for every element of a domain, in one pass over memory.
///
///   programs   keeps the plan of `code` for the next call with the same code
///   code       instructions over kElementwiseRegisters registers of f32 (sy.ew/1 defines them)
///   io         contiguous f32, 1 to kMaxElementwiseTensors of them:
///                kElements  the shape of io[0]
///                kMatrices  [G,P,Q] for io[0] and for stores; loads may have size 1 along any axis
///                kRows      [R, ...] where the bit of by_row is set, else [n, ...]
///              kScalar reads an io of one element
///   constants  read by kConst
///
/// kScalar reads the value from before the program began. The whole program is checked first:
/// throws Error(kInvalidArgument) for an unknown instruction, a register, io or constant that does
/// not exist, a register that is read before it is written, more than kMaxElementwiseCode
/// instructions, shapes or types that do not fit, and (on the CPU) a row outside its tensor.
/// Asynchronous on the backend's stream. Threads: [inst], as is `programs`.
void elementwise(const Backend& backend, ElementwisePrograms& programs,
                 std::span<const ElementwiseInstruction> code, std::span<const tensor::Tensor> io,
                 std::span<const float> constants, const ElementwiseDomain& domain = {});

}  // namespace switchyard::ops::generic
