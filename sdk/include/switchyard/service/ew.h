/* SPDX-License-Identifier: Apache-2.0 */
/* sy.ew/1: one fused pass over equally shaped tensors, written as a small program over f32
 * registers. It makes an optimizer fast on every device without a kernel of its own. */
#ifndef SWITCHYARD_SERVICE_EW_H
#define SWITCHYARD_SERVICE_EW_H

#include <switchyard/host.h>

#define SY_SVC_EW "sy.ew/1"
#define SY_EW_REGISTERS 12

enum {
  SY_EW_LOAD,   /* r[d] = io[a], the element at hand */
  SY_EW_STORE,  /* io[a] = r[d] */
  SY_EW_CONST,  /* r[d] = k[a] */
  SY_EW_SCALAR, /* r[d] = io[a][0]; io[a] has one element */
  SY_EW_ADD,    /* from here to MIN: r[d] = r[a] op r[b] */
  SY_EW_SUB,
  SY_EW_MUL,
  SY_EW_DIV,
  SY_EW_MAX,
  SY_EW_MIN,
  SY_EW_FMA,  /* r[d] += r[a] r[b] */
  SY_EW_SQRT, /* from here to SIGN: r[d] = f(r[a]) */
  SY_EW_RSQRT,
  SY_EW_EXP,
  SY_EW_LOG,
  SY_EW_TANH,
  SY_EW_ABS,
  SY_EW_SIGN,
  SY_EW_SELECT /* r[d] = r[a] > 0 ? r[b] : r[d] */
};

/* One instruction. Frozen. */
typedef struct sy_ew_ins {
  uint8_t op; /* SY_EW_* */
  uint8_t d;  /* register of the result; in STORE that of the value */
  uint8_t a;  /* register of the first operand; in the first four, an io or a constant */
  uint8_t b;  /* register of the second operand */
} sy_ew_ins;

/* The functions of sy.ew/1. */
typedef struct sy_ew {
  uint32_t struct_size; /* see abi.h */
  uint32_t reserved;    /* 0 */
  /* Runs the program for every element of io[0]; the other io are of that shape or, for SCALAR, of
   * one element. All contiguous f32. At most 256 instructions and 32 tensors.
   * The host plans code once and reuses the plan with any tensors and constants. [inst] */
  sy_status (*run)(sy_ctx*, const sy_ew_ins* code, int32_t n_code, const sy_tensor* io,
                   int32_t n_io, const float* k, int32_t n_k, sy_error*);
  /* The same for every element of matrices: io[0] is [G,P,Q]; an io that is loaded is of that shape
   * or has 1 in place of G, P or Q and repeats along that axis; STORE needs the full shape.
   * `active` f32 [G], or NULL: matrix g is left alone, at no cost, where active[g] is 0. [inst] */
  sy_status (*run_matrices)(sy_ctx*, const sy_ew_ins* code, int32_t n_code, const sy_tensor* io,
                            int32_t n_io, const float* k, int32_t n_k, const sy_tensor* active,
                            sy_error*);
  /* The same for some rows (indices of dimension 0) of some tensors: rows i32 [n], distinct. Where
   * bit i of by_row is set, io[i] is [R, ...] and the program sees its rows rows[0] ... rows[n-1]
   * alone; else io[i] is [n, ...] or, for SCALAR, one element. [inst] */
  sy_status (*run_rows)(sy_ctx*, const sy_ew_ins* code, int32_t n_code, const sy_tensor* io,
                        int32_t n_io, const float* k, int32_t n_k, const sy_tensor* rows,
                        uint32_t by_row, sy_error*);
} sy_ew;

#endif
