#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analysis/expert_report.h"
#include "render/terminal.h"

namespace switchyard::analysis {

/// A layer as a whole: balance, what words and experts tell of each other, domains, words on few
/// and on many experts. Lines for a terminal of `width` columns.
[[nodiscard]] std::string layer_summary_text(const ExpertReport& report, const LayerReport& layer,
                                             const render::Terminal& terminal, int width);

/// One expert: shares, words, places, domains, and its contexts with the words under each other.
[[nodiscard]] std::string expert_text(const ExpertPortrait& expert,
                                      const render::Terminal& terminal, int width);

/// The at most `count` experts that tell the most of a word, by share times specialisation; by
/// number.
[[nodiscard]] std::vector<int64_t> telling_experts(const LayerReport& layer, size_t count);

}  // namespace switchyard::analysis
