#pragma once

#include <span>
#include <string_view>

#include "checkpoint/contents.h"
#include "checkpoint/safetensors_header.h"

namespace switchyard::checkpoint {

/// Checks that two sets of tensors have the same names, dtypes and shapes. Throws one
/// Error(kInvalidArgument) that lists everything missing, unexpected and different. `what` begins
/// the message: "model of checkpoints/step-200".
void check_matching(std::span<const TensorEntry> there, std::span<const NamedTensor> wanted,
                    std::string_view what);

/// Copies tensors into existing tensors of the same names, all contiguous and on the CPU. Copies
/// nothing unless everything matches. Throws as check_matching() does.
void copy_into(std::span<const NamedTensor> from, std::span<const NamedTensor> into,
               std::string_view what);

}  // namespace switchyard::checkpoint
