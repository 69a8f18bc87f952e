#include "ops/moe/expert_choice.h"

#include <vector>

namespace switchyard::ops::moe {

namespace {

using tensor::DType;
using tensor::Tensor;

void require_matrix(const char* name, const Tensor& t) {
  core::require(t.dim() == 2 && t.dtype() == DType::kI32 && t.is_contiguous(),
                "tokens_of_choice: {} must be a contiguous i32 matrix, got {} {}", name,
                tensor::name_of(t.dtype()), t.shape());
}

/// The slots of every token, filled one after another.
class SlotTable {
 public:
  SlotTable(int64_t tokens, int64_t slots)
      : tokens_(tokens),
        slots_(slots),
        used_(static_cast<size_t>(tokens), 0),
        experts_(static_cast<size_t>(tokens * slots), -1) {}

  /// Adds an expert to `token` and returns its slot. Experts come in ascending order.
  int32_t add(int32_t token, int32_t expert) {
    core::require(token >= 0 && token < tokens_,
                  "expert {} chose token {}, it must be 0 ... {}, or -1 for no token", expert,
                  token, tokens_ - 1);
    int32_t& used = used_[static_cast<size_t>(token)];
    const int64_t first = token * slots_;
    core::require(used == 0 || experts_[static_cast<size_t>(first + used - 1)] != expert,
                  "expert {} chose token {} twice", expert, token);
    core::require(used < slots_, "more than {} experts chose token {}", slots_, token);
    experts_[static_cast<size_t>(first + used)] = expert;
    return static_cast<int32_t>(first + used++);
  }

  [[nodiscard]] const std::vector<int32_t>& experts() const { return experts_; }

 private:
  int64_t tokens_;
  int64_t slots_;
  std::vector<int32_t> used_;
  std::vector<int32_t> experts_;
};

}  // namespace

void tokens_of_choice(const Backend& backend, const Tensor& token_index, tensor::Out expert_index,
                      tensor::Out slot) {
  const Tensor& experts = expert_index;
  const Tensor& slots = slot;
  require_matrix("token_index", token_index);
  require_matrix("expert_index", experts);
  require_matrix("slot", slots);
  core::require(slots.shape() == token_index.shape(),
                "tokens_of_choice: slot must have the shape of token_index {}, got {}",
                token_index.shape(), slots.shape());
  const auto chosen = backend.device->read_back<int32_t>(token_index);
  SlotTable table(experts.size(0), experts.size(1));
  std::vector<int32_t> places(chosen.size(), -1);
  const int64_t C = token_index.size(1);
  for (size_t i = 0; i < chosen.size(); ++i) {
    if (chosen[i] != -1) {
      places[i] = table.add(chosen[i], static_cast<int32_t>(static_cast<int64_t>(i) / C));
    }
  }
  backend.device->upload<int32_t>(table.experts(), experts);
  backend.device->upload<int32_t>(places, slots);
}

}  // namespace switchyard::ops::moe
