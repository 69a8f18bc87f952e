/* SPDX-License-Identifier: Apache-2.0 */
/* sy.comm/1: collectives over the ranks of a run; identity on one rank. Every rank must make the
 * same calls in the same order. A component that uses it has SY_CAP_COMM. */
#ifndef SWITCHYARD_SERVICE_COMM_H
#define SWITCHYARD_SERVICE_COMM_H

#include <switchyard/host.h>

#define SY_SVC_COMM "sy.comm/1"

/* Groups of ranks. */
enum {
  SY_GROUP_DATA,   /* those that hold the same parameters and other rows */
  SY_GROUP_EXPERT, /* those that share the experts of a layer */
  SY_GROUP_SHARD   /* those that share one parameter */
};

/* The functions of sy.comm/1. */
typedef struct sy_comm {
  uint32_t struct_size; /* see abi.h */
  uint32_t reserved;    /* 0 */
  /* The size of a group and this rank's place in it. [inst] */
  void (*size_rank)(sy_ctx*, int32_t group, int32_t* size, int32_t* rank);
  /* x = op over the ranks of x; op is SY_R_SUM, SY_R_MEAN or SY_R_MAX. [inst] */
  sy_status (*all_reduce)(sy_ctx*, int32_t group, int32_t op, const sy_tensor* x, sy_error*);
  /* y [size, shape of x]: every rank's x in rank order. [inst] */
  sy_status (*all_gather)(sy_ctx*, int32_t group, const sy_tensor* x, const sy_tensor* y,
                          sy_error*);
} sy_comm;

#endif
