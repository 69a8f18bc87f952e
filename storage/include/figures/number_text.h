#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace switchyard::figures {

/// 1234567 as "1,234,567".
[[nodiscard]] std::string grouped(int64_t value);
/// Three significant digits and a suffix: 12345 as "12.3k". For speeds and counts.
[[nodiscard]] std::string compact(double value);
/// 1536 as "1.50 KiB".
[[nodiscard]] std::string bytes_text(int64_t bytes);
/// 3725 s as "1:02:05", 65 s as "1:05"; "-:--" if negative or not finite.
[[nodiscard]] std::string duration_text(double seconds);
/// A number with `digits` digits after the point.
[[nodiscard]] std::string fixed(double value, int digits);
/// A point in time as "2026-01-31 12:34:56Z".
[[nodiscard]] std::string utc_text(int64_t utc_ns);
/// A point in time in ISO 8601 with milliseconds: "2026-01-31T12:34:56.789Z".
[[nodiscard]] std::string iso_time(int64_t utc_ns);

/// A table with aligned columns; the first row is its header. The columns in `right` are
/// right-aligned.
[[nodiscard]] std::string table_text(const std::vector<std::vector<std::string>>& rows,
                                     const std::vector<size_t>& right);

}  // namespace switchyard::figures
