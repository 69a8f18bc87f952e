#pragma once

#include <string>
#include <vector>

#include "render/svg_plot.h"
#include "sweep/sweep_results.h"

namespace switchyard::sweep {

/// Makes a [[plot]] of the sweep from the runs that are done, like figures 2 and 3 of Shazeer et
/// al. 2017.
[[nodiscard]] render::Plot make_plot(const SweepPlan& plan, size_t index,
                                     const std::vector<RunResult>& results);

/// The file name of each plot: "perplexity_vs_ops.svg", or "perplexity_vs_ops-2.svg" for the second
/// of its kind.
[[nodiscard]] std::vector<std::string> picture_names(const SweepPlan& plan);

/// The perplexity on the test split, or on the valid split if there is no test split; NaN if
/// neither is known.
[[nodiscard]] double perplexity_of(const RunResult& result);

}  // namespace switchyard::sweep
