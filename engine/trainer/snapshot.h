#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/checkpoint_reader.h"
#include "checkpoint/contents.h"
#include "data/dataset.h"
#include "plugin_host/plugin_registry.h"
#include "trainer/learner.h"
#include "trainer/run_listener.h"
#include "trainer/trainer_state.h"

namespace switchyard::trainer {

/// A learner as a checkpoint stores it. All arguments must outlive the snapshot. Threads: [inst].
class Snapshot {
 public:
  Snapshot(Learner& learner, const data::Dataset& dataset,
           const plugin_host::PluginRegistry& plugins, RunListener& listener)
      : learner_(learner), dataset_(dataset), plugins_(plugins), listener_(listener) {}

  /// The contents of a checkpoint of this step: views of the learner's tensors, which must not
  /// change until it is written. `state` needs no components; they come from the learner.
  [[nodiscard]] checkpoint::CheckpointContents contents(int64_t step, TrainerState state,
                                                        std::string config_toml);

  /// Fills the learner and returns the rest. A learner without an optimizer reads only the model.
  /// Reports to the listener a plugin whose file differs from the checkpoint's. Throws
  /// Error(kInvalidArgument) if data, model or plugins differ, Error(kDamaged) if the checkpoint is
  /// damaged.
  TrainerState restore(const checkpoint::CheckpointReader& reader);

 private:
  [[nodiscard]] std::vector<checkpoint::PluginIdentity> plugins_in_use() const;
  [[nodiscard]] std::vector<checkpoint::NamedTensor> model_tensors();
  [[nodiscard]] std::vector<checkpoint::NamedTensor> optimizer_tensors();
  [[nodiscard]] std::vector<checkpoint::NamedTensor> carried_tensors();
  void check_data(const checkpoint::CheckpointReader& reader) const;
  void check_plugins(const checkpoint::CheckpointReader& reader) const;
  void restore_state(const checkpoint::CheckpointReader& reader, const TrainerState& state);

  Learner& learner_;
  const data::Dataset& dataset_;
  const plugin_host::PluginRegistry& plugins_;
  RunListener& listener_;
};

}  // namespace switchyard::trainer
