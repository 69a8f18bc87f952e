/* SPDX-License-Identifier: Apache-2.0 */
/* sy.rng/1: random numbers that are addressed, not drawn: Philox4x32-10 keyed by (run seed,
 * instance, purpose), counted by (step, microbatch, global element). The same element gets the same
 * number for any device, thread count or sharding, and again under recomputation. */
#ifndef SWITCHYARD_SERVICE_RNG_H
#define SWITCHYARD_SERVICE_RNG_H

#include <switchyard/host.h>

#define SY_SVC_RNG "sy.rng/1"

/* Distributions, with parameters a and b. */
enum {
  SY_RNG_UNIFORM,  /* in [a, b) */
  SY_RNG_NORMAL,   /* mean a, standard deviation b */
  SY_RNG_GUMBEL,   /* location a, scale b */
  SY_RNG_BERNOULLI /* 1 with probability a, else 0 */
};

/* The functions of sy.rng/1. */
typedef struct sy_rng {
  uint32_t struct_size; /* see abi.h */
  uint32_t reserved;    /* 0 */
  /* Fills y f32 [T, ...]; row i of y is global row call->token_base + i call->token_stride.
   * Different `purpose`, independent numbers. [inst] */
  sy_status (*fill)(sy_ctx*, uint32_t purpose, int32_t dist, double a, double b, const sy_tensor* y,
                    sy_error*);
  /* Key and first counter of that purpose, for a plugin's own kernels. [inst] */
  void (*philox)(sy_ctx*, uint32_t purpose, uint32_t key[2], uint32_t counter[4]);
} sy_rng;

#endif
