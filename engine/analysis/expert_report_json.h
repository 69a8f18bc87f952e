#pragma once

#include <string>

#include "analysis/expert_report.h"

namespace switchyard::analysis {

/// One layer of a report as one line of JSON without its end; the keys are those of
/// packaging/docs/expert-reports.md.
[[nodiscard]] std::string layer_report_json(const ExpertReport& report, const LayerReport& layer);

}  // namespace switchyard::analysis
