/* SPDX-License-Identifier: Apache-2.0 */
/* Kind 2: a group of experts of one kind and shape. A layer may hold several groups. */
#ifndef SWITCHYARD_COMPONENT_EXPERT_H
#define SWITCHYARD_COMPONENT_EXPERT_H

#include <switchyard/component.h>

/* The rows of a group's experts in one batch, and their results. */
typedef struct sy_expert_io {
  uint32_t struct_size; /* see abi.h */
  uint32_t reserved;    /* 0 */
  sy_tensor x;          /* [rows, d_in], sorted by expert */
  /* i32 [n_local + 1]: rows of expert e are offsets[e] ... offsets[e+1]; ranges may be empty; rows
   * past the last offset are garbage. */
  sy_tensor offsets;
  sy_tensor y;                 /* [rows, d_out]: write. In backward: not supplied */
  sy_tensor dy;                /* [rows, d_out]; backward only */
  sy_tensor dx;                /* [rows, d_in]: write; backward only */
  const int32_t* host_offsets; /* offsets on the host, or NULL if they were not read back */
} sy_expert_io;

/* The functions of an expert group. */
typedef struct sy_expert_vt {
  uint32_t struct_size; /* see abi.h */
  uint32_t reserved;    /* 0 */
  /* Writes y, each expert from its own rows of x. [inst] */
  sy_status (*forward)(sy_instance*, const sy_call*, const sy_expert_io*, sy_error*);
  /* Writes dx and adds to the gradients of the parameters. Follows the forward call of the same
   * batch, or its recomputation. [inst] */
  sy_status (*backward)(sy_instance*, const sy_call*, const sy_expert_io*, sy_error*);
  /* Multiply-and-adds of one row's forward pass, and bytes kept per row for backward.
   * Optional. [inst] */
  sy_status (*cost)(sy_instance*, double* madds_per_row, double* saved_bytes_per_row, sy_error*);
} sy_expert_vt;

#endif
