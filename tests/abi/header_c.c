/* The C headers compile as C11 with pedantic warnings, and a C plugin can be stamped. */
#include <switchyard/draft/call.h>
#include <switchyard/draft/cuda.h>
#include <switchyard/engine.h>
#include <switchyard/switchyard.h>

SY_STAMP("org.example.header", "1.0.0", "Example", 1u << SY_KIND_GATE, SY_CAP_DETERMINISTIC, "");

int sy_header_c(const sy_ops* ops);
int sy_header_c(const sy_ops* ops) {
  return SY_HAS_FN(ops, sy_ops, gemm) && sy_stamp_.size == sizeof(sy_stamp);
}
