#pragma once

#include <cstdint>

#include "tensor/tensor.h"

namespace switchyard::data {

/// One step's text: B streams of S tokens. Row b continues row b of the batch before.
struct Batch {
  tensor::Tensor tokens;   // [B, S] i32, input word ids, on the CPU
  tensor::Tensor targets;  // [B, S] i32, the word that follows; -1 where there is none (padding)
  tensor::Tensor resets;   // [B, S] u8, 1: the recurrent state is zero before this token
  int64_t num_words = 0;   // targets that count
};

}  // namespace switchyard::data
