#pragma once

#include <string>
#include <vector>

namespace switchyard::cli {

/// A check of `switchyard doctor`.
struct MachineCheck {
  enum class Verdict { kGood, kNote, kProblem };

  std::string name;
  Verdict verdict = Verdict::kGood;
  std::string text;
  std::string hint;  // how to mend it; may be empty
};

/// Examines what this machine offers and what would keep a run from working here: processor,
/// memory, libraries, CUDA, plugins, disk. Loads no plugin.
[[nodiscard]] std::vector<MachineCheck> examine_machine();

/// The names in `wanted` that occur as words in `flags`, in the order of `wanted`.
[[nodiscard]] std::vector<std::string> flags_present(const std::string& flags,
                                                     const std::vector<std::string>& wanted);

}  // namespace switchyard::cli
