#include "migrate.h"

#include <string>
#include <system_error>

namespace switchyard::storage {
namespace {

void back_up(Database& db, int64_t version) {
  const std::string backup = db.file().string() + ".v" + std::to_string(version) + ".bak";
  std::error_code ignored;
  std::filesystem::remove(backup, ignored);  // of an earlier attempt that was cut short
  db.prepare("VACUUM INTO ?").bind(std::string_view(backup)).run();
}

}  // namespace

void migrate(Database& db, const std::vector<Migration>& migrations) {
  const int64_t version = db.integer("PRAGMA user_version");
  if (version > migrations.back().version) {
    throw Error(ErrorCode::kTooNew, db.file().string() + " has schema " + std::to_string(version) +
                                        ", this program knows up to " +
                                        std::to_string(migrations.back().version) +
                                        ": it can be read here, but only be continued by a newer "
                                        "Switchyard");
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
    db.exec("PRAGMA user_version=" + std::to_string(migration.version));
    db.exec("PRAGMA application_id=" + std::to_string(kApplicationId));
    transaction.commit();
  }
}

}  // namespace switchyard::storage
