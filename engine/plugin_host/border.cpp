#include "plugin_host/border.h"

#include <cstring>

namespace switchyard::plugin_host {

static_assert(static_cast<sy_status>(core::ErrorCode::kInvalidArgument) == SY_E_INVALID);
static_assert(static_cast<sy_status>(core::ErrorCode::kNotFound) == SY_E_NOTFOUND);
static_assert(static_cast<sy_status>(core::ErrorCode::kPeer) == SY_E_PEER);
static_assert(static_cast<sy_status>(core::ErrorCode::kDamaged) == SY_E_DAMAGED);

void write_error(sy_error* error, std::string_view text) noexcept {
  if (!SY_HAS(error, sy_error, text) || error->text == nullptr || error->cap == 0) {
    return;
  }
  size_t length = std::min<size_t>(text.size(), error->cap - 1);
  if (length < text.size()) {
    // A byte 10xxxxxx continues a character: step back to where that character begins.
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) {
      --length;
    }
  }
  std::memcpy(error->text, text.data(), length);
  error->text[length] = '\0';
}

std::string_view name_of_status(sy_status status) {
  static constexpr std::array<std::string_view, 15> kNames = {
      "ok",  "invalid",   "unsupported", "out of memory", "not found", "state", "numeric", "device",
      "i/o", "cancelled", "abi",         "exception",     "internal",  "peer",  "damaged"};
  const bool known = status >= 0 && status < static_cast<sy_status>(kNames.size());
  return known ? kNames[static_cast<size_t>(status)] : "unknown status";
}

core::ErrorCode code_of_status(sy_status status) {
  const bool known = status >= SY_E_INVALID && status <= SY_E_DAMAGED;
  return known ? static_cast<core::ErrorCode>(status) : core::ErrorCode::kInternal;
}

std::string Complaint::text() const {
  const std::string text(text_.data(), strnlen(text_.data(), text_.size()));
  return text.empty() ? "it gave no reason" : text;
}

}  // namespace switchyard::plugin_host
