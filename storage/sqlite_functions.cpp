#include "sqlite_functions.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <vector>

// In the library, where SQLITE_CORE is defined, this is sqlite3.h; in the loadable module it is the
// host's table of functions.
#include <sqlite3ext.h>

#include "expert_codec.h"

SQLITE_EXTENSION_INIT1

namespace switchyard::storage {
namespace {

enum Column { kExpert = 0, kValue = 1, kBlob = 2, kEnc = 3 };

struct BlobCursor {
  sqlite3_vtab_cursor base;
  std::vector<float>* values;
  int64_t row;
};

/// The float32 values of a blob; empty if it cannot be decoded.
std::optional<std::vector<float>> values_of(sqlite3_value* blob, int64_t encoding) {
  const auto* data = static_cast<const uint8_t*>(sqlite3_value_blob(blob));
  const std::span bytes(data, data == nullptr ? 0 : sqlite3_value_bytes(blob));
  if (encoding == static_cast<int64_t>(Encoding::kRaw)) {
    return decode(bytes, static_cast<int64_t>(bytes.size() / sizeof(float)), encoding);
  }
  return decode_unsized(bytes, encoding);
}

int connect(sqlite3* db, void*, int, const char* const*, sqlite3_vtab** table, char**) {
  const int result = sqlite3_declare_vtab(
      db, "CREATE TABLE x(expert INTEGER, value REAL, blob HIDDEN, enc HIDDEN)");
  if (result != SQLITE_OK) {
    return result;
  }
  *table = new (std::nothrow) sqlite3_vtab{};
  return *table == nullptr ? SQLITE_NOMEM : sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
}

int disconnect(sqlite3_vtab* table) {
  delete table;
  return SQLITE_OK;
}

int best_index(sqlite3_vtab*, sqlite3_index_info* info) {
  int argument = 0;
  for (const int column : {kBlob, kEnc}) {
    for (int i = 0; i < info->nConstraint; ++i) {
      const auto& constraint = info->aConstraint[i];
      if (constraint.iColumn != column || constraint.op != SQLITE_INDEX_CONSTRAINT_EQ) {
        continue;
      }
      if (constraint.usable == 0) {
        return SQLITE_CONSTRAINT;  // usable only after the table that holds the blob
      }
      info->aConstraintUsage[i].argvIndex = ++argument;
      info->aConstraintUsage[i].omit = 1;
      break;
    }
  }
  info->estimatedCost = 1000.0;
  return SQLITE_OK;
}

int open_cursor(sqlite3_vtab*, sqlite3_vtab_cursor** cursor) {
  auto* blob = new (std::nothrow) BlobCursor{};
  if (blob == nullptr) {
    return SQLITE_NOMEM;
  }
  *cursor = &blob->base;
  return SQLITE_OK;
}

BlobCursor& cursor_of(sqlite3_vtab_cursor* base) {
  return *reinterpret_cast<BlobCursor*>(base);
}

int close_cursor(sqlite3_vtab_cursor* base) {
  BlobCursor* cursor = &cursor_of(base);
  delete cursor->values;
  delete cursor;
  return SQLITE_OK;
}

int filter(sqlite3_vtab_cursor* base, int, const char*, int count, sqlite3_value** arguments) {
  BlobCursor& cursor = cursor_of(base);
  delete cursor.values;
  cursor.values = nullptr;
  cursor.row = 0;
  if (count == 0) {
    return SQLITE_OK;
  }
  try {
    auto values = values_of(arguments[0], count > 1 ? sqlite3_value_int64(arguments[1]) : 0);
    if (!values) {
      base->pVtab->zErrMsg = sqlite3_mprintf("sy_blob_each: the blob does not match its encoding");
      return SQLITE_ERROR;
    }
    cursor.values = new std::vector<float>(std::move(*values));
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  }
  return SQLITE_OK;
}

int next(sqlite3_vtab_cursor* base) {
  ++cursor_of(base).row;
  return SQLITE_OK;
}

int is_at_end(sqlite3_vtab_cursor* base) {
  const BlobCursor& cursor = cursor_of(base);
  return cursor.values == nullptr || cursor.row >= static_cast<int64_t>(cursor.values->size());
}

int column(sqlite3_vtab_cursor* base, sqlite3_context* context, int index) {
  const BlobCursor& cursor = cursor_of(base);
  if (index == kExpert) {
    sqlite3_result_int64(context, cursor.row);
  } else if (index == kValue) {
    sqlite3_result_double(context, (*cursor.values)[static_cast<size_t>(cursor.row)]);
  }
  return SQLITE_OK;
}

int row_id(sqlite3_vtab_cursor* base, sqlite3_int64* id) {
  *id = cursor_of(base).row;
  return SQLITE_OK;
}

sqlite3_module blob_each_module() {
  sqlite3_module module{};
  module.xConnect = connect;  // no xCreate: the table always exists
  module.xBestIndex = best_index;
  module.xDisconnect = disconnect;
  module.xOpen = open_cursor;
  module.xClose = close_cursor;
  module.xFilter = filter;
  module.xNext = next;
  module.xEof = is_at_end;
  module.xColumn = column;
  module.xRowid = row_id;
  return module;
}

const sqlite3_module kBlobEach = blob_each_module();

void bin(sqlite3_context* context, int count, sqlite3_value** arguments) {
  try {
    const auto values = values_of(arguments[0], count > 2 ? sqlite3_value_int64(arguments[2]) : 0);
    const int64_t bins = sqlite3_value_int64(arguments[1]);
    if (!values || bins < 1 || bins > static_cast<int64_t>(values->size())) {
      sqlite3_result_error(
          context, "sy_bin(blob, n [, enc]): n must lie between 1 and the number of values", -1);
      return;
    }
    const Bytes sums = encode(bin_sums(*values, bins), Encoding::kRaw);
    sqlite3_result_blob64(context, sums.data(), sums.size(), SQLITE_TRANSIENT);
  } catch (const std::bad_alloc&) {
    sqlite3_result_error_nomem(context);
  }
}

}  // namespace

int register_functions(sqlite3* db) {
  constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  for (const int arguments : {2, 3}) {
    const int result = sqlite3_create_function_v2(db, "sy_bin", arguments, kFlags, nullptr, bin,
                                                  nullptr, nullptr, nullptr);
    if (result != SQLITE_OK) {
      return result;
    }
  }
  return sqlite3_create_module_v2(db, "sy_blob_each", &kBlobEach, nullptr, nullptr);
}

}  // namespace switchyard::storage

#ifndef SQLITE_CORE
/// Entry point of the loadable module libswitchyard_sqlite.
extern "C" __attribute__((visibility("default"))) int sqlite3_switchyardsqlite_init(
    sqlite3* db, char**, const sqlite3_api_routines* api) {
  SQLITE_EXTENSION_INIT2(api);
  return switchyard::storage::register_functions(db);
}
#endif
