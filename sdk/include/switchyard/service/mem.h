/* SPDX-License-Identifier: Apache-2.0 */
/* sy.mem/1: working memory. Every buffer belongs to the host and lies on call->device. */
#ifndef SWITCHYARD_SERVICE_MEM_H
#define SWITCHYARD_SERVICE_MEM_H

#include <switchyard/host.h>

#define SY_SVC_MEM "sy.mem/1"
#define SY_MAX_SAVED 16 /* slots 0 ... 15 */

/* The functions of sy.mem/1. */
typedef struct sy_mem {
  uint32_t struct_size; /* see abi.h */
  uint32_t reserved;    /* 0 */
  /* A contiguous, uninitialised buffer until the call returns. [inst] */
  sy_status (*scratch)(sy_ctx*, sy_dtype, int32_t ndim, const int64_t* shape, sy_tensor* out,
                       sy_error*);
  /* The same, kept until the backward call that belongs to this forward call returns. [inst] */
  sy_status (*save)(sy_ctx*, uint32_t slot, sy_dtype, int32_t ndim, const int64_t* shape,
                    sy_tensor* out, sy_error*);
  /* In backward: what forward kept in that slot. SY_E_NOTFOUND where it kept nothing. [inst] */
  sy_status (*saved)(sy_ctx*, uint32_t slot, sy_tensor* out, sy_error*);
} sy_mem;

#endif
