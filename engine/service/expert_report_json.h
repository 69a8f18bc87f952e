#pragma once

#include <string>

#include "service/expert_report.h"

namespace switchyard::service {

/// One layer of a report as one line of JSON without its end; the keys are those of
/// packaging/docs/expert-reports.md.
[[nodiscard]] std::string layer_report_json(const ExpertReport& report, const LayerReport& layer);

}  // namespace switchyard::service
