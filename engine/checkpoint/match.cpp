#include "checkpoint/match.h"

#include <cstring>
#include <map>
#include <string>
#include <utility>

#include "core/error.h"

namespace switchyard::checkpoint {

namespace {

// A model of another size differs in every tensor; the first few are enough.
constexpr int64_t kMostNamed = 20;

// Differences of one kind, as a line of a message.
class Differences {
 public:
  explicit Differences(std::string_view kind) : kind_(kind) {}

  template <typename... Args>
  void add(fmt::format_string<Args...> line, Args&&... args) {
    if (count_++ < kMostNamed) {
      names_ += fmt::format(line, std::forward<Args>(args)...) + "; ";
    }
  }

  [[nodiscard]] int64_t count() const { return count_; }

  [[nodiscard]] std::string text() const {
    if (count_ == 0) {
      return "";
    }
    const std::string rest =
        count_ > kMostNamed ? fmt::format("and {} more", count_ - kMostNamed) : "";
    return fmt::format("\n  {} {}: {}{}", count_, kind_, names_, rest);
  }

 private:
  std::string_view kind_;
  int64_t count_ = 0;
  std::string names_;
};

}  // namespace

void check_matching(std::span<const TensorEntry> there, std::span<const NamedTensor> wanted,
                    std::string_view what) {
  std::map<std::string_view, const TensorEntry*> left;
  for (const TensorEntry& entry : there) {
    left.emplace(entry.name, &entry);
  }
  Differences missing("missing");
  Differences different("different");
  Differences unexpected("unexpected");
  for (const NamedTensor& named : wanted) {
    const auto found = left.find(named.name);
    if (found == left.end()) {
      missing.add("{}", named.name);
      continue;
    }
    const TensorEntry& entry = *found->second;
    if (entry.dtype != named.tensor.dtype() || !(entry.shape == named.tensor.shape())) {
      different.add("{} is {} {}, wanted {} {}", named.name, tensor::name_of(entry.dtype),
                    entry.shape, tensor::name_of(named.tensor.dtype()), named.tensor.shape());
    }
    left.erase(found);
  }
  for (const auto& [name, entry] : left) {
    unexpected.add("{} {} {}", name, tensor::name_of(entry->dtype), entry->shape);
  }
  if (missing.count() + different.count() + unexpected.count() == 0) {
    return;
  }
  core::fail(core::ErrorCode::kInvalidArgument,
             "{} does not fit; was it made with another configuration?{}{}{}", what, missing.text(),
             different.text(), unexpected.text());
}

void copy_into(std::span<const NamedTensor> from, std::span<const NamedTensor> into,
               std::string_view what) {
  check_matching(plan_entries(from), into, what);
  std::map<std::string_view, const tensor::Tensor*> by_name;
  for (const NamedTensor& named : from) {
    by_name.emplace(named.name, &named.tensor);
  }
  const auto is_plain = [](const tensor::Tensor& tensor) {
    return tensor.device() == tensor::DeviceType::kCpu && tensor.is_contiguous();
  };
  for (const NamedTensor& named : into) {
    core::require(is_plain(named.tensor) && is_plain(*by_name.at(named.name)),
                  "copy_into: '{}' must be contiguous and on the CPU on both sides", named.name);
  }
  for (const NamedTensor& named : into) {
    if (named.tensor.bytes() > 0) {
      std::memcpy(named.tensor.raw(), by_name.at(named.name)->raw(),
                  static_cast<size_t>(named.tensor.bytes()));
    }
  }
}

}  // namespace switchyard::checkpoint
