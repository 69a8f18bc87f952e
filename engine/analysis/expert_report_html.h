#pragma once

#include <string>

#include "analysis/expert_report.h"

namespace switchyard::analysis {

/// Renders the report as one self-contained HTML page without scripts, pictures or external fonts.
/// Expert e of layer l has the anchor "e<l>-<e>". Text from data is escaped.
[[nodiscard]] std::string expert_report_html(const ExpertReport& report);

/// Escapes text for an element or an attribute: < > & " ' become entities, control characters are
/// dropped.
[[nodiscard]] std::string html_escaped(const std::string& text);

}  // namespace switchyard::analysis
