#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "database.h"

namespace switchyard::storage {

constexpr int64_t kApplicationId = 0x53594344;  // "SYCD"

struct Migration {
  int64_t version;  // of the schema after it
  std::string_view sql;
};

/// The files of storage/migrations, in order.
[[nodiscard]] std::vector<Migration> run_migrations();

/// Brings `db` to the last version, one transaction per step. A database that already has a version
/// is first copied to `<file>.v<version>.bak`. Does nothing when it is up to date.
/// Throws Error(kTooNew) when it is newer than the last migration.
void migrate(Database& db, const std::vector<Migration>& migrations);

}  // namespace switchyard::storage
