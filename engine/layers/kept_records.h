#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/error.h"

namespace switchyard::layers {

/// A stack of records of any types. Memory is taken in blocks and reused, so that pushing allocates
/// nothing once the stack has been as large before. Threads: [inst].
class KeptRecords {
 public:
  KeptRecords() = default;
  ~KeptRecords() { clear(); }
  KeptRecords(KeptRecords&& other) noexcept { swap(other); }
  KeptRecords& operator=(KeptRecords&& other) noexcept {
    swap(other);
    other.clear();
    return *this;
  }
  KeptRecords(const KeptRecords&) = delete;
  KeptRecords& operator=(const KeptRecords&) = delete;

  [[nodiscard]] bool empty() const { return records_.empty(); }
  [[nodiscard]] size_t size() const { return records_.size(); }

  template <typename T>
  void push(T value) {
    static_assert(alignof(T) <= alignof(std::max_align_t));
    Record record = place(sizeof(T));
    new (record.value) T(std::move(value));
    record.type = &kType<T>;
    record.destroy = [](void* kept) { static_cast<T*>(kept)->~T(); };
    records_.push_back(record);
  }

  /// The last record. Throws Error(kInvalidArgument) if there is none, Error(kInternal) if it is
  /// not a T.
  template <typename T>
  [[nodiscard]] T pop() {
    require_last(&kType<T>);
    T value = std::move(*static_cast<T*>(records_.back().value));
    drop_last();
    return value;
  }
  /// Drops the last records until there are `size`.
  void truncate(size_t size) {
    while (records_.size() > size) {
      drop_last();
    }
  }
  void clear() { truncate(0); }

 private:
  // Its address identifies the type.
  template <typename T>
  static constexpr char kType = 0;

  struct Record {
    void* value = nullptr;
    const void* type = nullptr;
    void (*destroy)(void*) = nullptr;
    // Where the memory before the record ends.
    size_t block = 0;
    size_t used = 0;
  };
  struct Block {
    std::unique_ptr<std::byte[]> memory;
    size_t size = 0;
  };

  [[nodiscard]] Record place(size_t bytes);
  void require_last(const void* type) const;
  void drop_last();
  void swap(KeptRecords& other) noexcept;

  std::vector<Record> records_;
  std::vector<Block> blocks_;
  size_t block_ = 0;  // the block being filled
  size_t used_ = 0;   // bytes of it
};

}  // namespace switchyard::layers
