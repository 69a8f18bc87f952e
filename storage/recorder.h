#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "database.h"
#include "item.h"

namespace switchyard::storage {

/// Writes batches of items to the database. Threads: the writer's thread only.
class Recorder {
 public:
  Recorder(Database db, int64_t blob_budget_bytes);

  /// Writes a batch in one transaction. Items that violate a constraint are skipped and counted.
  /// Throws Error, and changes nothing, if the disk or the file fails.
  void write(std::vector<Item>& batch);

  /// Turns the database into one plain file.
  void finish();

  [[nodiscard]] int64_t rejected_items() const { return rejected_items_; }
  /// The notices since the last call.
  [[nodiscard]] std::vector<Notice> take_notices();
  /// Size of the write-ahead log, in bytes.
  [[nodiscard]] int64_t log_bytes() const;

 private:
  /// Known contents of the database; restored when a transaction fails.
  struct State {
    std::unordered_map<std::string, int64_t> metric_ids;
    std::unordered_map<std::string, Layer> layers;
    int64_t seg = 0;
    int64_t replay_until = INT64_MIN;  // the last step stored before this segment
    std::set<int64_t> mismatched_steps;
    int64_t blob_bytes = 0;
  };

  void write_rows(std::vector<Item>& batch);
  void apply(const MetaItem& item);
  void apply(const MetricItem& item);
  void apply(const StepItem& item);
  void apply(const LayerItem& item);
  void apply(ExpertItem& item);
  void apply(const SegmentItem& item);
  void apply(const SegmentEndItem& item);
  void apply(const CheckpointItem& item);
  void apply(const CheckpointDeletedItem& item);
  void apply(const EventItem& item);

  void load_state();
  int64_t metric_id(const MetricItem& item);
  void overwrite(int64_t name_id, const MetricItem& item);
  void count_mismatch(const MetricItem& item, double stored);
  int64_t config_revision(const SegmentItem& item);
  void put_blob(const ExpertItem& item, const Layer& layer);
  void put_summary(const ReducedExperts& reduced, int64_t layer);
  void thin_blobs();
  void count_in_meta(std::string_view key);
  void say(std::optional<int64_t> step, int level, std::string_view code, std::string message);

  Database db_;
  int64_t blob_budget_bytes_;
  bool is_logged_;
  State state_;
  std::map<int64_t, std::set<int64_t>> changed_metrics_;  // name id -> steps, of this transaction
  std::map<int64_t, std::set<int64_t>> changed_layers_;
  std::vector<Notice> batch_notices_;
  int64_t batch_rejected_ = 0;
  std::vector<Notice> notices_;
  int64_t rejected_items_ = 0;
};

}  // namespace switchyard::storage
