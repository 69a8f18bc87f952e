#pragma once

#include <string>
#include <vector>

namespace switchyard::cli {

/// One thing `switchyard doctor` looked at.
struct MachineCheck {
  enum class Verdict { kGood, kNote, kProblem };

  std::string name;
  Verdict verdict = Verdict::kGood;
  std::string text;
  std::string hint;  // what to do about it
};

/// What this machine offers and what would stand in the way of a run here: processor, memory,
/// libraries, CUDA, plugins, disk. Loads no plugin.
[[nodiscard]] std::vector<MachineCheck> examine_machine();

/// The names of `wanted` that stand as words in `flags`, in their order.
[[nodiscard]] std::vector<std::string> flags_present(const std::string& flags,
                                                     const std::vector<std::string>& wanted);

}  // namespace switchyard::cli
