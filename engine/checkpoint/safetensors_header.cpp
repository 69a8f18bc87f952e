#include "checkpoint/safetensors_header.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/error.h"

namespace switchyard::checkpoint {

namespace {

using core::ErrorCode;
using core::fail;
using tensor::DType;
using tensor::Shape;

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr std::string_view kMetadataKey = "__metadata__";
constexpr int64_t kDataAlignment = 4096;
constexpr std::array<std::pair<std::string_view, DType>, 5> kDTypes = {{{"F32", DType::kF32},
                                                                        {"BF16", DType::kBf16},
                                                                        {"I32", DType::kI32},
                                                                        {"U8", DType::kU8},
                                                                        {"I64", DType::kI64}}};

std::string_view format_name(DType dtype) {
  return std::ranges::find(kDTypes, dtype, &std::pair<std::string_view, DType>::second)->first;
}

// Builds the entries of a header from its JSON tokens; refuses everything that does not belong
// there.
class HeaderListener : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderListener(std::string_view where) : where_(where) {}

  std::vector<TensorEntry> take() { return std::move(entries_); }

  bool null() override { return refuse("null"); }
  bool boolean(bool) override { return refuse("a boolean"); }
  bool number_float(double, const std::string&) override {
    return refuse("a number that is not a 64-bit integer");
  }
  bool binary(binary_t&) override { return refuse("binary data"); }
  bool number_integer(int64_t) override { return refuse("a negative number"); }

  bool number_unsigned(uint64_t value) override {
    if (level_ != Level::kArray) {
      return refuse("a number");
    }
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return refuse("a number beyond 63 bits");
    }
    if (numbers_.size() >= static_cast<size_t>(Shape::kMaxDims)) {
      return refuse("more than 8 numbers in one list");
    }
    numbers_.push_back(static_cast<int64_t>(value));
    return true;
  }

  bool string(std::string& text) override {
    if (level_ == Level::kMetadata) {
      return true;
    }
    if (level_ != Level::kEntry || field_ != "dtype") {
      return refuse("a text");
    }
    const auto* found =
        std::ranges::find(kDTypes, text, &std::pair<std::string_view, DType>::first);
    if (found == kDTypes.end()) {
      fail(ErrorCode::kUnsupported,
           "{}: tensor '{}' must have dtype F32, BF16, I32, U8 or I64, got '{}'", where_,
           entries_.back().name, text.substr(0, 32));
    }
    entries_.back().dtype = found->second;
    has_dtype_ = true;
    return true;
  }

  bool start_object(size_t) override {
    switch (level_) {
      case Level::kStart:
        level_ = Level::kTop;
        return true;
      case Level::kTop:
        level_ = is_metadata_ ? Level::kMetadata : Level::kEntry;
        if (!is_metadata_) {
          has_dtype_ = has_shape_ = has_offsets_ = false;
        }
        return true;
      default:
        return refuse("an object");
    }
  }

  bool key(std::string& name) override {
    if (level_ == Level::kTop) {
      is_metadata_ = name == kMetadataKey;
      if (is_metadata_ && std::exchange(has_metadata_, true)) {
        return refuse("__metadata__ twice");
      }
      if (!is_metadata_) {
        entries_.emplace_back().name = std::move(name);
      }
      return true;
    }
    if (level_ == Level::kMetadata) {
      return true;
    }
    field_ = std::move(name);
    const bool is_twice = (field_ == "dtype" && has_dtype_) || (field_ == "shape" && has_shape_) ||
                          (field_ == "data_offsets" && has_offsets_);
    const bool is_known = field_ == "dtype" || field_ == "shape" || field_ == "data_offsets";
    return is_known && !is_twice ? true : refuse(fmt::format("the key '{:.32}'", field_));
  }

  bool end_object() override {
    if (level_ == Level::kEntry && !(has_dtype_ && has_shape_ && has_offsets_)) {
      return refuse("an entry without dtype, shape or data_offsets");
    }
    level_ = level_ == Level::kTop ? Level::kEnd : Level::kTop;
    return true;
  }

  bool start_array(size_t) override {
    if (level_ != Level::kEntry || (field_ != "shape" && field_ != "data_offsets")) {
      return refuse("a list");
    }
    level_ = Level::kArray;
    numbers_.clear();
    return true;
  }

  bool end_array() override {
    level_ = Level::kEntry;
    TensorEntry& entry = entries_.back();
    if (field_ == "shape") {
      entry.shape = Shape(numbers_);
      has_shape_ = true;
      return true;
    }
    if (numbers_.size() != 2) {
      return refuse("data_offsets that are not two numbers");
    }
    entry.begin = numbers_[0];
    entry.end = numbers_[1];
    has_offsets_ = true;
    return true;
  }

  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    fail(ErrorCode::kDamaged, "{}: the header must be JSON in UTF-8, it is not at byte {}", where_,
         position);
  }

 private:
  enum class Level { kStart, kTop, kMetadata, kEntry, kArray, kEnd };

  bool refuse(std::string_view what) const {
    fail(ErrorCode::kDamaged, "{}: the header must not have {}{}", where_, what,
         entries_.empty() ? std::string()
                          : fmt::format(" at or after tensor '{}'", entries_.back().name));
  }

  std::string_view where_;
  std::vector<TensorEntry> entries_;
  Level level_ = Level::kStart;
  std::string field_;
  std::vector<int64_t> numbers_;
  bool is_metadata_ = false;
  bool has_metadata_ = false;
  bool has_dtype_ = false;
  bool has_shape_ = false;
  bool has_offsets_ = false;
};

// The bytes of a tensor; empty if they exceed 63 bits.
std::optional<int64_t> bytes_of(DType dtype, const Shape& shape) {
  int64_t bytes = tensor::size_of(dtype);
  for (int axis = 0; axis < shape.dim(); ++axis) {
    if (__builtin_mul_overflow(bytes, shape[axis], &bytes)) {
      return std::nullopt;
    }
  }
  return bytes;
}

void check_names(const std::vector<TensorEntry>& entries, ErrorCode code, std::string_view where) {
  std::vector<std::string_view> names;
  names.reserve(entries.size());
  for (const TensorEntry& entry : entries) {
    names.push_back(entry.name);
  }
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice != names.end()) {
    fail(code, "{}: every tensor must have its own name, '{}' comes twice", where, *twice);
  }
}

void check_places(const std::vector<TensorEntry>& entries, int64_t data_bytes,
                  std::string_view where) {
  int64_t reached = 0;
  for (const TensorEntry& entry : entries) {
    const std::optional<int64_t> bytes = bytes_of(entry.dtype, entry.shape);
    if (!bytes) {
      fail(ErrorCode::kDamaged, "{}: tensor '{}' of shape {} has more bytes than 63 bits can count",
           where, entry.name, entry.shape);
    }
    if (entry.begin != reached) {
      fail(ErrorCode::kDamaged,
           "{}: tensor '{}' must begin at byte {} of the data (no hole, no overlap), it begins at "
           "{}",
           where, entry.name, reached, entry.begin);
    }
    if (entry.end < entry.begin || entry.end - entry.begin != *bytes) {
      fail(ErrorCode::kDamaged,
           "{}: tensor '{}' of shape {} must have {} bytes, its data_offsets are {} and {}", where,
           entry.name, entry.shape, *bytes, entry.begin, entry.end);
    }
    reached = entry.end;
  }
  if (reached != data_bytes) {
    fail(ErrorCode::kDamaged, "{}: the tensors need {} bytes of data, the file has {}", where,
         reached, data_bytes);
  }
}

std::string quoted(const std::string& name) {
  try {
    return nlohmann::json(name).dump();
  } catch (const nlohmann::json::exception&) {
    fail(ErrorCode::kInvalidArgument, "plan_entries: names must be UTF-8, got '{}'", name);
  }
}

}  // namespace

std::vector<TensorEntry> parse_header(std::string_view json, int64_t data_bytes,
                                      std::string_view where) {
  if (json.empty() || json.front() != '{') {
    fail(ErrorCode::kDamaged, "{}: the header must begin with '{{'", where);
  }
  json = json.substr(0, json.find_last_not_of(' ') + 1);  // most of a small header is padding
  HeaderListener listener(where);
  nlohmann::json::sax_parse(json.begin(), json.end(), &listener);
  std::vector<TensorEntry> entries = listener.take();
  check_names(entries, ErrorCode::kDamaged, where);
  std::ranges::stable_sort(entries, [](const TensorEntry& a, const TensorEntry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  check_places(entries, data_bytes, where);
  return entries;
}

std::vector<TensorEntry> plan_entries(std::span<const NamedTensor> tensors) {
  std::vector<TensorEntry> entries;
  entries.reserve(tensors.size());
  for (const NamedTensor& named : tensors) {
    core::require(named.name != kMetadataKey, "plan_entries: no tensor may have the name {}",
                  kMetadataKey);
    core::require(bytes_of(named.tensor.dtype(), named.tensor.shape()).has_value(),
                  "plan_entries: '{}' of shape {} has more bytes than 63 bits can count",
                  named.name, named.tensor.shape());
    entries.push_back(
        {.name = named.name, .dtype = named.tensor.dtype(), .shape = named.tensor.shape()});
  }
  check_names(entries, ErrorCode::kInvalidArgument, "plan_entries");
  std::ranges::sort(entries, [](const TensorEntry& a, const TensorEntry& b) {
    const int64_t wide_a = tensor::size_of(a.dtype);
    const int64_t wide_b = tensor::size_of(b.dtype);
    return wide_a != wide_b ? wide_a > wide_b : a.name < b.name;
  });
  int64_t reached = 0;
  for (TensorEntry& entry : entries) {
    entry.begin = reached;
    reached += *bytes_of(entry.dtype, entry.shape);
    entry.end = reached;
  }
  return entries;
}

std::string make_header(std::span<const TensorEntry> entries) {
  std::string json = "{";
  for (const TensorEntry& entry : entries) {
    json += json.size() == 1 ? "" : ",";
    std::vector<int64_t> sizes;
    for (int axis = 0; axis < entry.shape.dim(); ++axis) {
      sizes.push_back(entry.shape[axis]);
    }
    json += fmt::format(R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                        quoted(entry.name), format_name(entry.dtype), fmt::join(sizes, ","),
                        entry.begin, entry.end);
  }
  json += "}";
  const auto used = static_cast<int64_t>(json.size() + sizeof(uint64_t));
  const int64_t padding = (kDataAlignment - used % kDataAlignment) % kDataAlignment;
  json.append(static_cast<size_t>(padding), ' ');
  core::require(static_cast<int64_t>(json.size()) <= kMaxHeaderBytes,
                "make_header: the format allows {} bytes of header, {} tensors need {}; stack "
                "tensors to fewer",
                kMaxHeaderBytes, entries.size(), json.size());
  const uint64_t length = json.size();
  std::string header(sizeof(length), '\0');
  std::memcpy(header.data(), &length, sizeof(length));
  return header + json;
}

}  // namespace switchyard::checkpoint
