#pragma once

struct sqlite3;

namespace switchyard::storage {

/// Adds to a connection of this library (the module libswitchyard_sqlite does it for the sqlite3
/// shell):
///   sy_blob_each(blob, enc)   table-valued: one row (expert, value) per float32 of an expert blob
///   sy_bin(blob, n [, enc])   blob of n float32: sums of neighbouring values
/// enc is the column of that name, 0 by default. Returns a SQLite result code.
int register_functions(sqlite3* db);

}  // namespace switchyard::storage
