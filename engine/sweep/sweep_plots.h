#pragma once

#include <string>
#include <vector>

#include "render/svg_plot.h"
#include "sweep/sweep_results.h"

namespace switchyard::sweep {

/// A [[plot]] of the sweep with the runs that are done: figures 2 and 3 of Shazeer et al. 2017.
[[nodiscard]] render::Plot make_plot(const SweepPlan& plan, size_t index,
                                     const std::vector<RunResult>& results);

/// The file of each plot: "perplexity_vs_ops.svg", "perplexity_vs_ops-2.svg" for the second of a
/// kind.
[[nodiscard]] std::vector<std::string> picture_names(const SweepPlan& plan);

/// Of the test split, or of the valid split where there is no test split; NaN if neither is known.
[[nodiscard]] double perplexity_of(const RunResult& result);

}  // namespace switchyard::sweep
