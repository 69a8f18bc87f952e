#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "database.h"

namespace switchyard::storage {

constexpr int64_t kApplicationId = 0x53594344;  // "SYCD"

/// One step of the schema.
struct Migration {
  int64_t version;  // of the schema after this step
  std::string_view sql;
};

/// The migrations in storage/migrations, in order.
[[nodiscard]] std::vector<Migration> run_migrations();

/// Brings `db` to the newest version, one transaction per step. A database that already has a
/// version is first copied to `<file>.v<version>.bak`. Does nothing if `db` is up to date.
/// Throws Error(kTooNew) if `db` is newer than the last migration.
void migrate(Database& db, const std::vector<Migration>& migrations);

}  // namespace switchyard::storage
