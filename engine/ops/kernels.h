#pragma once

#include "ops/generic/kernels.h"
#include "ops/linalg/kernels.h"
#include "ops/loss/kernels.h"
#include "ops/moe/kernels.h"
#include "ops/nn/kernels.h"

namespace switchyard::ops {

/// Every kernel of one device. A null entry means that the device cannot do that op.
struct KernelTable {
  linalg::Kernels linalg;
  nn::Kernels nn;
  moe::Kernels moe;
  loss::Kernels loss;
  generic::Kernels generic;
};

}  // namespace switchyard::ops
