#include "database.h"

#include <limits>

#include "fail.h"

namespace switchyard::storage {
namespace {

std::string uri_of(const std::filesystem::path& file, OpenMode mode) {
  std::string uri = "file:";
  for (const char c : std::filesystem::absolute(file).string()) {
    if (c == '?' || c == '#' || c == '%') {
      uri += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      uri += c;
    }
  }
  return mode == OpenMode::kImmutable ? uri + "?immutable=1" : uri;
}

}  // namespace

ErrorCode error_code_of(int sqlite_code) {
  switch (sqlite_code & 0xFF) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return ErrorCode::kDamaged;
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return ErrorCode::kReadOnly;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::kBusy;
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
      return ErrorCode::kInvalid;
    default:
      return ErrorCode::kIo;
  }
}

void check_sqlite(int result, sqlite3* db, std::string_view doing) {
  if (result == SQLITE_OK) {
    return;
  }
  fail(error_code_of(result), "{}: {}", doing,
       db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(result));
}

Statement::Statement(sqlite3* db, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  statement_.reset(statement);
  check_sqlite(result, db, sql);
}

bool Statement::step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) {
    return true;
  }
  if (result != SQLITE_DONE) {
    const std::string sql = sqlite3_sql(statement_.get());
    sqlite3* db = sqlite3_db_handle(statement_.get());
    const std::string words = sqlite3_errmsg(db);
    sqlite3_reset(statement_.get());
    fail(error_code_of(result), "{:.60}: {}", sql, words);
  }
  sqlite3_reset(statement_.get());
  return false;
}

void Statement::run() {
  while (step()) {
  }
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
}

int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const {
  return is_null(column) ? std::numeric_limits<double>::quiet_NaN()
                         : sqlite3_column_double(statement_.get(), column);
}

std::string Statement::text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return text == nullptr
             ? std::string()
             : std::string(reinterpret_cast<const char*>(text), static_cast<size_t>(size));
}

std::span<const uint8_t> Statement::bytes(int column) const {
  const void* blob = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return {static_cast<const uint8_t*>(blob), blob == nullptr ? 0 : static_cast<size_t>(size)};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

void Statement::bind_one(int index, int64_t value) {
  check(sqlite3_bind_int64(statement_.get(), index, value), "bind");
}

void Statement::bind_one(int index, double value) {
  check(sqlite3_bind_double(statement_.get(), index, value), "bind");
}

void Statement::bind_one(int index, std::string_view value) {
  check(sqlite3_bind_text64(statement_.get(), index, value.empty() ? "" : value.data(),
                            value.size(), SQLITE_TRANSIENT, SQLITE_UTF8),
        "bind");
}

void Statement::bind_one(int index, std::span<const uint8_t> value) {
  check(value.empty() ? sqlite3_bind_zeroblob(statement_.get(), index, 0)
                      : sqlite3_bind_blob64(statement_.get(), index, value.data(), value.size(),
                                            SQLITE_TRANSIENT),
        "bind");
}

void Statement::bind_null(int index) {
  check(sqlite3_bind_null(statement_.get(), index), "bind");
}

void Statement::check(int result, std::string_view doing) const {
  check_sqlite(result, sqlite3_db_handle(statement_.get()), doing);
}

Database::Database(const std::filesystem::path& file, OpenMode mode) : file_(file) {
  const int flags =
      mode == OpenMode::kCreate ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  sqlite3* handle = nullptr;
  const int result = sqlite3_open_v2(uri_of(file, mode).c_str(), &handle,
                                     flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(handle);
  check_sqlite(result, handle, "open " + file.string());
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, 5000);
  harden();
  if (mode != OpenMode::kCreate) {
    exec("PRAGMA query_only=ON");
  }
}

void Database::harden() {
  sqlite3* db = handle();
  check_sqlite(sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr), db, "defensive");
  check_sqlite(sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr), db, "schema");
  check_sqlite(sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr), db, "close");
  exec("PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY");
}

void Database::exec(const std::string& sql) {
  check_sqlite(sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr), handle(),
               sql.substr(0, 60));
}

Statement& Database::cached(const char* sql) {
  std::unique_ptr<Statement>& statement = cache_[sql];
  if (statement == nullptr) {
    statement = std::make_unique<Statement>(handle(), sql);
  }
  return *statement;
}

int64_t Database::integer(std::string_view sql) {
  Statement statement = prepare(sql);
  return statement.step() ? statement.integer(0) : 0;
}

std::string Database::text(std::string_view sql) {
  Statement statement = prepare(sql);
  return statement.step() ? statement.text(0) : std::string();
}

Transaction::Transaction(Database& db, Kind kind) : db_(db) {
  db_.exec(kind == Kind::kWrite ? "BEGIN IMMEDIATE" : "BEGIN");
}

Transaction::~Transaction() {
  const bool is_open = sqlite3_get_autocommit(db_.handle()) == 0;
  if (is_open) {
    sqlite3_exec(db_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

void Transaction::commit() {
  db_.exec("COMMIT");
}

}  // namespace switchyard::storage
