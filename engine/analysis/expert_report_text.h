#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analysis/expert_report.h"
#include "render/terminal.h"

namespace switchyard::analysis {

/// Summarizes a layer for a terminal of `width` columns: its balance, what words and experts tell
/// about each other, domains, and the words on few and on many experts.
[[nodiscard]] std::string layer_summary_text(const ExpertReport& report, const LayerReport& layer,
                                             const render::Terminal& terminal, int width);

/// Describes one expert: shares, words, places, domains, and contexts with their words aligned.
[[nodiscard]] std::string expert_text(const ExpertPortrait& expert,
                                      const render::Terminal& terminal, int width);

/// The `count` experts that tell the most about a word, ranked by share times specialisation and
/// sorted by number.
[[nodiscard]] std::vector<int64_t> telling_experts(const LayerReport& layer, size_t count);

}  // namespace switchyard::analysis
