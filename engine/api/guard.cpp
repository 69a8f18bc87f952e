#include "api/guard.h"

#include <algorithm>
#include <cstring>

namespace switchyard::api {

static_assert(static_cast<sy_status>(core::ErrorCode::kInvalidArgument) == SY_E_INVALID);
static_assert(static_cast<sy_status>(core::ErrorCode::kNotFound) == SY_E_NOTFOUND);
static_assert(static_cast<sy_status>(core::ErrorCode::kPeer) == SY_E_PEER);
static_assert(static_cast<sy_status>(core::ErrorCode::kDamaged) == SY_E_DAMAGED);

void fill(sy_error* error, const char* message) noexcept {
  if (error == nullptr || error->text == nullptr || error->cap == 0) {
    return;
  }
  const size_t length = std::min<size_t>(std::strlen(message), error->cap - 1);
  std::memcpy(error->text, message, length);
  error->text[length] = '\0';
}

}  // namespace switchyard::api
