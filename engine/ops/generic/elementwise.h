#pragma once

#include <span>

#include "ops/backend.h"
#include "ops/generic/kernels.h"

namespace switchyard::ops::generic {

inline constexpr int kEwRegisters = 12;

/// Runs a small program for every element of io[0]: one pass over memory, whatever the program
/// does.
///
///   code       instructions over kEwRegisters registers of f32 (see sy.ew/1 for their meaning)
///   io         contiguous f32 of io[0]'s shape, or of one element where kScalar reads them
///   constants  read by kConst
///
/// kScalar gives what io held before the program began. The whole program is checked first: throws
/// Error(kInvalidArgument) for an unknown instruction, a register, io or constant that does not
/// exist, a register that is read before it is written, and shapes or types that do not fit.
/// Asynchronous on the backend's stream. Threads: [inst].
void ew(const Backend& backend, std::span<const EwInstruction> code,
        std::span<const tensor::Tensor> io, std::span<const float> constants);

/// The same for every element of matrices: io[0] is [G,P,Q], and each other io that is loaded is of
/// that shape or has size 1 along some of the axes, along which it repeats. Stores go to tensors of
/// the full shape. `active` f32 [G], or not there: matrix g is left alone where active[g] is 0, at
/// no cost. Errors as ew().
void ew_matrices(const Backend& backend, std::span<const EwInstruction> code,
                 std::span<const tensor::Tensor> io, std::span<const float> constants,
                 const tensor::Tensor& active);

/// The same as ew() for some rows (indices of axis 0): the program sees rows rows[0] ... rows[n-1]
/// of the io whose bit in rows.by_row is set, and all n rows of the others.
///
///   io  [R, ...] where the bit is set, else [n, ...], or one element where kScalar reads it
///
/// Throws besides for a row outside of such an io (on the CPU).
void ew_rows(const Backend& backend, std::span<const EwInstruction> code,
             std::span<const tensor::Tensor> io, std::span<const float> constants,
             const EwRows& rows);

}  // namespace switchyard::ops::generic
