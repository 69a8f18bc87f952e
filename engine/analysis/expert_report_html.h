#pragma once

#include <string>

#include "analysis/expert_report.h"

namespace switchyard::analysis {

/// The whole report as one HTML page that needs nothing else: no script, no picture, no font from
/// elsewhere. Expert e of layer l has the anchor "e<l>-<e>". Whatever came from data is escaped.
[[nodiscard]] std::string expert_report_html(const ExpertReport& report);

/// Text for an element or an attribute: < > & " ' as entities, control characters left out.
[[nodiscard]] std::string html_escaped(const std::string& text);

}  // namespace switchyard::analysis
