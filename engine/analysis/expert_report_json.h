#pragma once

#include <string>

#include "analysis/expert_report.h"

namespace switchyard::analysis {

/// Renders one layer of a report as a line of JSON, without the line end.
/// packaging/docs/expert-reports.md lists the keys.
[[nodiscard]] std::string layer_report_json(const ExpertReport& report, const LayerReport& layer);

}  // namespace switchyard::analysis
