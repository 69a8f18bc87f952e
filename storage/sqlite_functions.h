#pragma once

struct sqlite3;

namespace switchyard::storage {

/// Registers these functions with a connection. The module libswitchyard_sqlite does the same for
/// the sqlite3 shell.
///
///   sy_blob_each(blob, enc)   table-valued: one row (expert, value) per float32 of an expert blob
///   sy_bin(blob, n [, enc])   blob of n float32: sums of neighbouring values
///
/// enc is the column of that name; its default is 0. Returns a SQLite result code.
int register_functions(sqlite3* db);

}  // namespace switchyard::storage
