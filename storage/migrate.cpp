#include "migrate.h"

#include <string>
#include <system_error>

#include "fail.h"

namespace switchyard::storage {
namespace {

void back_up(Database& db, int64_t version) {
  const std::string backup = fmt::format("{}.v{}.bak", db.file().string(), version);
  std::error_code ignored;
  std::filesystem::remove(backup, ignored);  // from an earlier, interrupted attempt
  db.prepare("VACUUM INTO ?").bind(std::string_view(backup)).run();
}

}  // namespace

void migrate(Database& db, const std::vector<Migration>& migrations) {
  const int64_t version = db.integer("PRAGMA user_version");
  if (version > migrations.back().version) {
    fail(
        ErrorCode::kTooNew,
        "{} has schema {}, this program knows up to {}: it can be read here, but only be continued "
        "by a newer Switchyard",
        db.file().string(), version, migrations.back().version);
  }
  if (version > 0 && version < migrations.back().version) {
    back_up(db, version);
  }
  for (const Migration& migration : migrations) {
    if (migration.version <= version) {
      continue;
    }
    Transaction transaction(db, Transaction::Kind::kWrite);
    db.exec(std::string(migration.sql));
    db.exec(fmt::format("PRAGMA user_version={}", migration.version));
    db.exec(fmt::format("PRAGMA application_id={}", kApplicationId));
    transaction.commit();
  }
}

}  // namespace switchyard::storage
