#include "checkpoint/safetensors_file.h"

#include <algorithm>
#include <map>
#include <string>

#include "core/error.h"

namespace switchyard::checkpoint {

namespace {

using core::ErrorCode;
using core::fail;
using tensor::DeviceType;
using tensor::Tensor;

constexpr int64_t kLengthBytes = 8;

Tensor on_host(const NamedTensor& named, const ToHost& to_host) {
  const bool is_plain = named.tensor.device() == DeviceType::kCpu && named.tensor.is_contiguous();
  if (is_plain) {
    return named.tensor;
  }
  core::require(
      static_cast<bool>(to_host),
      "write_safetensors: '{}' must be contiguous and on the CPU, or a to_host function be given",
      named.name);
  Tensor copy = to_host(named.tensor);
  core::require(copy.device() == DeviceType::kCpu && copy.is_contiguous() &&
                    copy.dtype() == named.tensor.dtype() && copy.shape() == named.tensor.shape(),
                "write_safetensors: to_host must keep dtype and shape of '{}' and give it "
                "contiguous on the CPU",
                named.name);
  return copy;
}

void check_target(const TensorEntry& entry, const tensor::Shape& shape, const Tensor& into) {
  core::require(
      into.device() == DeviceType::kCpu && into.is_contiguous() && into.dtype() == entry.dtype &&
          into.shape() == shape,
      "SafetensorsFile: '{}' needs a contiguous {} tensor of shape {} on the CPU, got {} {}",
      entry.name, tensor::name_of(entry.dtype), shape, tensor::name_of(into.dtype()), into.shape());
}

}  // namespace

FileSum write_safetensors(core::FileSystem& files, const std::filesystem::path& path,
                          std::span<const NamedTensor> tensors, const ToHost& to_host) {
  const std::vector<TensorEntry> entries = plan_entries(tensors);
  std::map<std::string_view, const NamedTensor*> by_name;
  for (const NamedTensor& named : tensors) {
    by_name.emplace(named.name, &named);
  }
  core::OutputFile file(files, path);
  file.write(make_header(entries));
  for (const TensorEntry& entry : entries) {
    const Tensor tensor = on_host(*by_name.at(entry.name), to_host);
    file.write(tensor.raw(), tensor.bytes());
  }
  file.sync_and_close();
  return {.bytes = file.bytes(), .crc32c = file.crc32c()};
}

int64_t safetensors_bytes(std::span<const NamedTensor> tensors) {
  const std::vector<TensorEntry> entries = plan_entries(tensors);
  const int64_t data = entries.empty() ? 0 : entries.back().end;
  return static_cast<int64_t>(make_header(entries).size()) + data;
}

SafetensorsFile::SafetensorsFile(core::FileSystem& files, const std::filesystem::path& path)
    : file_(files, path) {
  const std::string where = fmt::format("'{}'", path.string());
  if (file_.size() < kLengthBytes) {
    fail(ErrorCode::kDamaged, "{}: a safetensors file has at least 8 bytes, this has {}", where,
         file_.size());
  }
  uint64_t length = 0;
  file_.read_at(&length, kLengthBytes, 0);
  const int64_t longest = std::min(kMaxHeaderBytes, file_.size() - kLengthBytes);
  if (length > static_cast<uint64_t>(longest)) {
    fail(ErrorCode::kDamaged, "{}: the header may have at most {} bytes here, it claims {}", where,
         longest, length);
  }
  std::string json(static_cast<size_t>(length), '\0');
  file_.read_at(json.data(), static_cast<int64_t>(length), kLengthBytes);
  data_begin_ = kLengthBytes + static_cast<int64_t>(length);
  entries_ = parse_header(json, file_.size() - data_begin_, where);
}

const TensorEntry* SafetensorsFile::find(std::string_view name) const {
  const auto found = std::ranges::find(entries_, name, &TensorEntry::name);
  return found == entries_.end() ? nullptr : &*found;
}

void SafetensorsFile::read(const TensorEntry& entry, Tensor& into) const {
  check_target(entry, entry.shape, into);
  file_.read_at(into.raw(), entry.end - entry.begin, data_begin_ + entry.begin);
}

void SafetensorsFile::read_rows(const TensorEntry& entry, int64_t begin, int64_t end,
                                Tensor& into) const {
  core::require(entry.shape.dim() > 0 && begin >= 0 && begin <= end && end <= entry.shape[0],
                "SafetensorsFile: rows [{}, {}) of '{}' are outside its shape {}", begin, end,
                entry.name, entry.shape);
  tensor::Shape rows = entry.shape;
  rows[0] = end - begin;
  check_target(entry, rows, into);
  if (into.bytes() > 0) {
    const int64_t row_bytes = (entry.end - entry.begin) / entry.shape[0];
    file_.read_at(into.raw(), into.bytes(), data_begin_ + entry.begin + begin * row_bytes);
  }
}

}  // namespace switchyard::checkpoint
