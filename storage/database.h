#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <storage/error.h>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <sqlite3.h>

namespace switchyard::storage {

/// The Error code for a SQLite result code, plain or extended.
[[nodiscard]] ErrorCode error_code_of(int sqlite_code);

/// Throws Error "<doing>: <SQLite's message>" unless `result` is SQLITE_OK.
void check_sqlite(int result, sqlite3* db, std::string_view doing);

/// A prepared statement. Parameters count from 1 and columns from 0, as in SQLite.
class Statement {
 public:
  Statement(sqlite3* db, std::string_view sql);

  /// Binds all parameters in order and discards the previous row. Takes integers, doubles (NaN
  /// becomes NULL), text, bytes and optionals (an empty one becomes NULL).
  template <typename... Values>
  Statement& bind(const Values&... values) {
    reset();
    int index = 0;
    (bind_one(++index, values), ...);
    return *this;
  }

  /// Moves to the next row; false after the last one.
  bool step();
  /// Runs a statement that returns no rows to its end and releases its locks.
  void run();
  void reset();

  [[nodiscard]] int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;  // NaN for NULL
  [[nodiscard]] std::string text(int column) const;
  /// Valid until the next step().
  [[nodiscard]] std::span<const uint8_t> bytes(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  void bind_one(int index, int64_t value);
  void bind_one(int index, int value) { bind_one(index, int64_t{value}); }
  void bind_one(int index, double value);
  void bind_one(int index, std::string_view value);
  void bind_one(int index, std::span<const uint8_t> value);
  void bind_one(int index, const std::vector<uint8_t>& value) {
    bind_one(index, std::span<const uint8_t>(value));
  }
  template <typename T>
  void bind_one(int index, const std::optional<T>& value) {
    if (value.has_value()) {
      bind_one(index, *value);
    } else {
      bind_null(index);
    }
  }
  void bind_null(int index);
  void check(int result, std::string_view doing) const;

  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

enum class OpenMode {
  kCreate,     // read and write; created if missing
  kReadOnly,   // read, while others may write
  kImmutable,  // read, where nobody can be writing: takes no locks
};

/// A connection with the settings that all connections here share: a busy timeout of 5 s, no memory
/// mapping, an untrusted schema. Threads: one at a time.
class Database {
 public:
  Database(const std::filesystem::path& file, OpenMode mode);

  void exec(const std::string& sql);
  [[nodiscard]] Statement prepare(std::string_view sql) { return Statement(handle(), sql); }
  /// A prepared statement, kept for the next call with the same literal.
  [[nodiscard]] Statement& cached(const char* sql);
  /// The first column of the only row of `sql`; 0 or "" when there is no row.
  [[nodiscard]] int64_t integer(std::string_view sql);
  [[nodiscard]] std::string text(std::string_view sql);
  /// The number of rows that the last statement changed.
  [[nodiscard]] int64_t changes() const { return sqlite3_changes64(handle()); }
  [[nodiscard]] int64_t last_row_id() const { return sqlite3_last_insert_rowid(handle()); }
  [[nodiscard]] sqlite3* handle() const { return handle_.get(); }
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

 private:
  void harden();

  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  std::filesystem::path file_;
  std::unique_ptr<sqlite3, Close> handle_;
  std::unordered_map<const char*, std::unique_ptr<Statement>> cache_;
};

/// A transaction that rolls back unless it is committed.
class Transaction {
 public:
  enum class Kind { kRead, kWrite };
  Transaction(Database& db, Kind kind);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& db_;
};

}  // namespace switchyard::storage
