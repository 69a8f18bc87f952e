// The C headers and the C++ layer compile as C++20 with pedantic warnings.
#include <switchyard/draft/call.h>
#include <switchyard/draft/cuda.h>
#include <switchyard/engine.h>
#include <switchyard/sdk.hpp>
#include <switchyard/switchyard.h>

static_assert(sizeof(sy_tensor) == 48);
static_assert(sy::detail::kKinds<sy::Gate, sy::Expert> ==
              ((1u << SY_KIND_GATE) | (1u << SY_KIND_EXPERT)));
