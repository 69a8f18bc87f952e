#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/file_system.h"

namespace switchyard::tests {

/// Thrown by a FaultFileSystem where the process is "killed".
struct Killed {};

/// The fault that meets one call to a FaultFileSystem.
enum class Fault { kNone, kError, kErrorFromThenOn, kKill };

/// The fate of names that were not durable at a power loss.
enum class LostNames { kAll, kNone };

/// A file system in memory that knows what a disk would keep: the data of a file and the names in a
/// directory outlive lose_power() only as they were when they were last synced. It can fail, or
/// "kill" its caller, at any one call. A fault strikes before the call has an effect, but for a
/// write that is killed, which gets half way. After a sync that failed, that file's data never
/// becomes durable, though later syncs claim so, as on Linux. Holds one directory, "/run", at
/// first.
class FaultFileSystem final : public core::FileSystem {
 public:
  FaultFileSystem();

  /// The `nth` call from now on, from 1, meets the fault; `error` is an errno value.
  void arm(int64_t nth, Fault fault, int error = 0);
  /// Whether the fault has struck since arm().
  [[nodiscard]] bool has_struck() const { return has_struck_; }
  void disarm() { fault_ = Fault::kNone; }
  /// Goes on after a kill, with all that was written.
  void restart();
  /// Goes on with what was durable. With LostNames::kNone the names stay as they were last, and
  /// only data is lost.
  void lose_power(LostNames lost);

  void set_capacity(int64_t bytes) { capacity_ = bytes; }
  void set_largest_transfer(int64_t bytes) { largest_transfer_ = bytes; }
  /// Every other open, read and write returns EINTR first.
  void set_interrupts(bool on) { interrupts_ = on; }
  /// Whether RenameMode::kExchange works.
  void set_exchange(bool on) { has_exchange_ = on; }
  /// The content of a file, to be changed without the caller's knowledge.
  [[nodiscard]] std::string& content(const Path& path);
  /// The number of calls so far, and of descriptors that are open.
  [[nodiscard]] int64_t num_calls() const { return num_calls_; }
  [[nodiscard]] size_t num_open() const { return open_.size(); }

  int64_t open(const Path& path, core::OpenMode mode) override;
  int64_t write(int descriptor, const void* data, int64_t bytes) override;
  int64_t read_at(int descriptor, void* data, int64_t bytes, int64_t offset) override;
  int64_t size(int descriptor) override;
  int64_t sync(int descriptor) override;
  int64_t close(int descriptor) override;
  int64_t rename(const Path& from, const Path& to, core::RenameMode mode) override;
  int64_t make_directory(const Path& path) override;
  int64_t remove_file(const Path& path) override;
  int64_t remove_directory(const Path& path) override;
  int64_t list(const Path& path, std::vector<core::DirectoryEntry>& entries) override;
  int64_t free_bytes(const Path& path) override;

 private:
  struct Node;
  using NodePtr = std::shared_ptr<Node>;

  [[nodiscard]] int64_t meet_fault();
  [[nodiscard]] bool is_interrupted();
  [[nodiscard]] NodePtr find(const Path& path) const;
  [[nodiscard]] NodePtr parent(const Path& path) const;
  [[nodiscard]] static int64_t bytes_in(const Node& node);
  static void forget(Node& node, LostNames lost);

  NodePtr root_;
  std::map<int, NodePtr> open_;
  int next_descriptor_ = 3;
  int64_t num_calls_ = 0;
  int64_t strikes_at_ = 0;
  Fault fault_ = Fault::kNone;
  int error_ = 0;
  bool has_struck_ = false;
  bool is_dead_ = false;
  bool interrupts_ = false;
  bool was_interrupted_ = false;
  bool has_exchange_ = true;
  int64_t capacity_ = int64_t{1} << 40;
  int64_t largest_transfer_ = int64_t{1} << 40;
};

}  // namespace switchyard::tests
