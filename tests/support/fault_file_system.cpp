#include "tests/support/fault_file_system.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace switchyard::tests {

using core::OpenMode;
using core::RenameMode;

struct FaultFileSystem::Node {
  bool is_directory = false;
  std::string data;
  std::string durable_data;
  bool is_sync_broken = false;
  std::map<std::string, NodePtr> names;
  std::map<std::string, NodePtr> durable_names;
};

FaultFileSystem::FaultFileSystem() : root_(std::make_shared<Node>()) {
  root_->is_directory = true;
  auto run = std::make_shared<Node>();
  run->is_directory = true;
  root_->names["run"] = run;
  root_->durable_names["run"] = run;
}

void FaultFileSystem::arm(int64_t nth, Fault fault, int error) {
  strikes_at_ = num_calls_ + nth;
  fault_ = fault;
  error_ = error;
  has_struck_ = false;
}

void FaultFileSystem::restart() {
  is_dead_ = false;
  fault_ = Fault::kNone;
  open_.clear();
}

void FaultFileSystem::lose_power(LostNames lost) {
  restart();
  forget(*root_, lost);
}

void FaultFileSystem::forget(Node& node, LostNames lost) {
  node.data = node.durable_data;
  node.is_sync_broken = false;
  (lost == LostNames::kAll ? node.names : node.durable_names) =
      lost == LostNames::kAll ? node.durable_names : node.names;
  for (const auto& [name, child] : node.names) {
    forget(*child, lost);
  }
}

std::string& FaultFileSystem::content(const Path& path) {
  const NodePtr node = find(path);
  if (node == nullptr || node->is_directory) {
    throw std::logic_error("no file " + path.string());
  }
  return node->data;
}

// 0, or the error of this call. A dead process has no effects: its destructors run on nothing.
int64_t FaultFileSystem::meet_fault() {
  if (is_dead_) {
    return -EIO;
  }
  ++num_calls_;
  const bool is_due =
      fault_ == Fault::kErrorFromThenOn ? num_calls_ >= strikes_at_ : num_calls_ == strikes_at_;
  if (fault_ == Fault::kNone || !is_due) {
    return 0;
  }
  has_struck_ = true;
  if (fault_ == Fault::kKill) {
    is_dead_ = true;
    throw Killed{};
  }
  return -error_;
}

bool FaultFileSystem::is_interrupted() {
  was_interrupted_ = interrupts_ && !was_interrupted_;
  return was_interrupted_;
}

FaultFileSystem::NodePtr FaultFileSystem::find(const Path& path) const {
  NodePtr at = root_;
  for (const Path& part : path.lexically_normal().relative_path()) {
    if (part.empty() || part == ".") {
      continue;
    }
    const auto found = at->names.find(part.string());
    if (found == at->names.end()) {
      return nullptr;
    }
    at = found->second;
  }
  return at;
}

FaultFileSystem::NodePtr FaultFileSystem::parent(const Path& path) const {
  return find(path.parent_path());
}

int64_t FaultFileSystem::bytes_in(const Node& node) {
  auto bytes = static_cast<int64_t>(node.data.size());
  for (const auto& [name, child] : node.names) {
    bytes += bytes_in(*child);
  }
  return bytes;
}

int64_t FaultFileSystem::open(const Path& path, OpenMode mode) {
  if (const int64_t error = meet_fault(); error != 0) {
    return error;
  }
  if (is_interrupted()) {
    return -EINTR;
  }
  NodePtr node = find(path);
  if (mode == OpenMode::kCreateNew) {
    const NodePtr directory = parent(path);
    if (directory == nullptr || node != nullptr) {
      return node != nullptr ? -EEXIST : -ENOENT;
    }
    node = std::make_shared<Node>();
    directory->names[path.filename().string()] = node;
  }
  if (node == nullptr) {
    return -ENOENT;
  }
  if (mode == OpenMode::kDirectory && !node->is_directory) {
    return -ENOTDIR;
  }
  open_[next_descriptor_] = node;
  return next_descriptor_++;
}

int64_t FaultFileSystem::write(int descriptor, const void* data, int64_t bytes) {
  Node& node = *open_.at(descriptor);
  const auto* at = static_cast<const char*>(data);
  try {
    if (const int64_t error = meet_fault(); error != 0) {
      return error;
    }
  } catch (const Killed&) {
    node.data.append(at, static_cast<size_t>(bytes / 2));
    throw;
  }
  if (is_interrupted()) {
    return -EINTR;
  }
  const int64_t room = capacity_ - bytes_in(*root_);
  const int64_t taken = std::min({bytes, largest_transfer_, room});
  if (taken <= 0) {
    return -ENOSPC;
  }
  node.data.append(at, static_cast<size_t>(taken));
  return taken;
}

int64_t FaultFileSystem::read_at(int descriptor, void* data, int64_t bytes, int64_t offset) {
  if (const int64_t error = meet_fault(); error != 0) {
    return error;
  }
  if (is_interrupted()) {
    return -EINTR;
  }
  const std::string& from = open_.at(descriptor)->data;
  const int64_t left = std::max<int64_t>(0, static_cast<int64_t>(from.size()) - offset);
  const int64_t given = std::min({bytes, largest_transfer_, left});
  if (given > 0) {
    std::memcpy(data, from.data() + offset, static_cast<size_t>(given));
  }
  return given;
}

int64_t FaultFileSystem::size(int descriptor) {
  if (const int64_t error = meet_fault(); error != 0) {
    return error;
  }
  const Node& node = *open_.at(descriptor);
  return node.is_directory ? -EINVAL : static_cast<int64_t>(node.data.size());
}

int64_t FaultFileSystem::sync(int descriptor) {
  Node& node = *open_.at(descriptor);
  if (const int64_t error = meet_fault(); error != 0) {
    node.is_sync_broken = !node.is_directory;
    return error;
  }
  if (!node.is_sync_broken) {
    node.durable_data = node.data;
    node.durable_names = node.names;
  }
  return 0;
}

int64_t FaultFileSystem::close(int descriptor) {
  open_.erase(descriptor);
  return meet_fault();
}

int64_t FaultFileSystem::rename(const Path& from, const Path& to, RenameMode mode) {
  if (const int64_t error = meet_fault(); error != 0) {
    return error;
  }
  const NodePtr node = find(from);
  const NodePtr target = find(to);
  const NodePtr old_parent = parent(from);
  const NodePtr new_parent = parent(to);
  if (node == nullptr || new_parent == nullptr) {
    return -ENOENT;
  }
  if (mode == RenameMode::kExchange) {
    if (!has_exchange_ || target == nullptr) {
      return has_exchange_ ? -ENOENT : -EINVAL;
    }
    old_parent->names[from.filename().string()] = target;
    new_parent->names[to.filename().string()] = node;
    return 0;
  }
  if (target != nullptr && (mode == RenameMode::kNoReplace || target->is_directory)) {
    return -EEXIST;
  }
  old_parent->names.erase(from.filename().string());
  new_parent->names[to.filename().string()] = node;
  return 0;
}

int64_t FaultFileSystem::make_directory(const Path& path) {
  if (const int64_t error = meet_fault(); error != 0) {
    return error;
  }
  if (find(path) != nullptr) {
    return -EEXIST;
  }
  const NodePtr above = parent(path);
  if (above == nullptr) {
    return -ENOENT;
  }
  auto node = std::make_shared<Node>();
  node->is_directory = true;
  above->names[path.filename().string()] = std::move(node);
  return 0;
}

int64_t FaultFileSystem::remove_file(const Path& path) {
  if (const int64_t error = meet_fault(); error != 0) {
    return error;
  }
  const NodePtr node = find(path);
  if (node == nullptr || node->is_directory) {
    return node == nullptr ? -ENOENT : -EISDIR;
  }
  parent(path)->names.erase(path.filename().string());
  return 0;
}

int64_t FaultFileSystem::remove_directory(const Path& path) {
  if (const int64_t error = meet_fault(); error != 0) {
    return error;
  }
  const NodePtr node = find(path);
  if (node == nullptr || !node->is_directory) {
    return node == nullptr ? -ENOENT : -ENOTDIR;
  }
  if (!node->names.empty()) {
    return -ENOTEMPTY;
  }
  parent(path)->names.erase(path.filename().string());
  return 0;
}

int64_t FaultFileSystem::list(const Path& path, std::vector<core::DirectoryEntry>& entries) {
  if (const int64_t error = meet_fault(); error != 0) {
    return error;
  }
  const NodePtr node = find(path);
  if (node == nullptr || !node->is_directory) {
    return node == nullptr ? -ENOENT : -ENOTDIR;
  }
  for (const auto& [name, child] : node->names) {
    entries.push_back({.name = name, .is_directory = child->is_directory});
  }
  return 0;
}

int64_t FaultFileSystem::free_bytes(const Path&) {
  if (const int64_t error = meet_fault(); error != 0) {
    return error;
  }
  return std::max<int64_t>(0, capacity_ - bytes_in(*root_));
}

}  // namespace switchyard::tests
