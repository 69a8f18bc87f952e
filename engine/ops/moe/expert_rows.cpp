#include "ops/moe/expert_rows.h"

#include <algorithm>
#include <array>
#include <vector>

#include "ops/kernels.h"

namespace switchyard::ops::moe {

using tensor::DType;
using tensor::HostView;
using tensor::Tensor;

RowRange ExpertRows::rows_of(int64_t first, int64_t count) const {
  core::require(
      first >= 0 && count >= 0 && first + count < static_cast<int64_t>(host_offsets.size()),
      "ExpertRows: experts {} ... {} are not among those with offsets on the host, {}", first,
      first + count - 1, static_cast<int64_t>(host_offsets.size()) - 1);
  return {.begin = host_offsets[static_cast<size_t>(first)],
          .end = host_offsets[static_cast<size_t>(first + count)]};
}

namespace {

// A host view of `offsets`, which are `known` minus its first value. Shared memory is read in
// place; otherwise the view is a copy, without waiting for the device.
HostView<int32_t> host_view(const Backend& backend, const Tensor& offsets,
                            std::span<const int32_t> known) {
  if (backend.device->is_host()) {
    return backend.device->read_back<int32_t>(offsets);
  }
  const auto copy = std::make_shared<std::vector<int32_t>>(known.begin(), known.end());
  for (int32_t& offset : *copy) {
    offset -= known.front();
  }
  return {*copy, copy};
}

void require_i32(const char* op, const Tensor& from, const Tensor& to) {
  core::require(from.dtype() == DType::kI32 && to.dtype() == DType::kI32 && from.dim() == 1 &&
                    from.shape() == to.shape() && from.is_contiguous() && to.is_contiguous(),
                "{}: needs two contiguous i32 tensors of one shape [n], got {} {} and {} {}", op,
                tensor::name_of(from.dtype()), from.shape(), tensor::name_of(to.dtype()),
                to.shape());
}

}  // namespace

ExpertRows part_of(const Backend& backend, const ExpertRows& all, int64_t first, int64_t count,
                   tensor::Arena& arena) {
  const Tensor offsets = all.offsets.slice(0, first, first + count + 1);
  const auto known =
      all.host_offsets.subspan(static_cast<size_t>(first), static_cast<size_t>(count) + 1);
  if (first == 0) {
    return {.offsets = offsets, .host_offsets = host_view(backend, offsets, known)};
  }
  const Tensor counted = arena.take(DType::kI32, {count + 1});
  group_offsets(backend, offsets, counted);
  return {.offsets = counted, .host_offsets = host_view(backend, counted, known)};
}

ExpertRows rows_of_one_expert(const Backend& backend, int64_t num_rows, tensor::Arena& arena) {
  const std::array<int32_t, 2> range = {0, static_cast<int32_t>(num_rows)};
  const Tensor offsets = arena.take(DType::kI32, {2});
  backend.device->upload<int32_t>(range, offsets);
  return {.offsets = offsets, .host_offsets = host_view(backend, offsets, range)};
}

void group_offsets(const Backend& backend, const Tensor& offsets, tensor::Out counted) {
  require_i32("group_offsets", offsets, counted);
  const auto kernel = backend.kernels->moe.group_offsets;
  require_kernel(kernel != nullptr, "group_offsets", backend);
  kernel(backend.stream, offsets.count(), offsets.data<int32_t>(), counted->data<int32_t>());
}

void add_counts(const Backend& backend, const Tensor& counts, tensor::Out sum) {
  require_i32("add_counts", counts, sum);
  const auto kernel = backend.kernels->moe.add_counts;
  require_kernel(kernel != nullptr, "add_counts", backend);
  kernel(backend.stream, counts.count(), counts.data<int32_t>(), sum->data<int32_t>());
}

}  // namespace switchyard::ops::moe
