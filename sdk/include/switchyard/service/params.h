/* SPDX-License-Identifier: Apache-2.0 */
/* sy.params/1: the tensors an instance registered in build(). */
#ifndef SWITCHYARD_SERVICE_PARAMS_H
#define SWITCHYARD_SERVICE_PARAMS_H

#include <switchyard/host.h>

#define SY_SVC_PARAMS "sy.params/1"

/* Which of a parameter's tensors. */
enum { SY_VALUE = 0, SY_GRAD = 1 };

/* The functions of sy.params/1. */
typedef struct sy_params {
  uint32_t struct_size; /* see abi.h */
  uint32_t reserved;    /* 0 */
  /* The value, or the gradient: gradients are ADDED to. Contiguous. [inst] */
  sy_status (*get)(sy_ctx*, uint32_t handle, int32_t which, sy_tensor* out, sy_error*);
  /* The gradient for a caller that adds to all of it at once, as in c = a b + beta c: *beta is 0
   * where nothing has been added in this pass, and the content means nothing then; else 1. The
   * caller must write every element. [inst] */
  sy_status (*grad_sum)(sy_ctx*, uint32_t handle, sy_tensor* out, double* beta, sy_error*);
} sy_params;

#endif
