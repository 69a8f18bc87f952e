/* SPDX-License-Identifier: Apache-2.0 */
/* Kind 3: an optimizer. Its state is host-owned tensors, which the host saves and re-shards. */
#ifndef SWITCHYARD_COMPONENT_OPTIMIZER_H
#define SWITCHYARD_COMPONENT_OPTIMIZER_H

#include <switchyard/component.h>

enum { SY_ROLE_DENSE, SY_ROLE_GATE, SY_ROLE_EXPERT, SY_ROLE_EMBED, SY_ROLE_NORM, SY_ROLE_BIAS };

/* How a state may be cut over ranks. */
enum {
  SY_SHARD_ANY,       /* elementwise: anywhere */
  SY_SHARD_KEEP_DIMS, /* statistics over dimensions, reduced over SY_GROUP_SHARD */
  SY_SHARD_WHOLE      /* not at all, but between experts: each stands alone */
};

typedef struct sy_param_info {
  uint32_t struct_size;
  uint32_t role;  /* SY_ROLE_* */
  uint32_t flags; /* SY_PF_* */
  int32_t ndim;
  const char* name;
  int64_t global[SY_MAX_DIMS], local[SY_MAX_DIMS], start[SY_MAX_DIMS];
  int32_t expert_dim;
  sy_dtype dtype;
} sy_param_info;

typedef struct sy_state_builder sy_state_builder;
struct sy_state_builder {
  uint32_t struct_size, reserved;
  /* Declares a state tensor of the parameter at hand. dim_map[i]: the parameter's dimension that
   * state dimension i follows, or -1 for size 1. [load] */
  sy_status (*state)(const sy_state_builder*, const char* name, sy_dtype, int32_t ndim,
                     const int8_t* dim_map, double init, sy_error*);
  void (*sharding)(const sy_state_builder*, uint32_t shard_need); /* [load] */
};

typedef struct sy_opt_item {
  uint32_t struct_size;
  uint32_t n_state;
  const sy_param_info* info;
  sy_tensor param, grad;   /* the local shard, contiguous */
  const sy_tensor* state;  /* in the order of declaration */
  double lr, weight_decay; /* schedule and overrides applied by the host */
  /* i32 [n], distinct and rising: the rows of param (indices of dimension 0) that have a gradient
   * in this step. grad is then [n, ...], and its row j belongs to row rows[j] of param. Not
   * supplied (ndim 0): grad has the shape of param. Never supplied without SY_CAP_GRAD_ROWS. */
  sy_tensor rows;
} sy_opt_item;

typedef struct sy_opt_step {
  uint32_t struct_size;
  uint32_t n_items;
  const sy_opt_item* const* items;
  int64_t step;        /* from 1 */
  sy_tensor grad_mult; /* f32 [1] on the device, clipping times unscaling: times every gradient */
} sy_opt_step;

typedef struct sy_optimizer_vt {
  uint32_t struct_size, reserved;
  /* Declares the state of one parameter. [load] */
  sy_status (*plan)(sy_instance*, const sy_param_info*, const sy_state_builder*, sy_error*);
  /* Updates every item. The host clears the gradients afterwards. [inst] */
  sy_status (*step)(sy_instance*, const sy_call*, const sy_opt_step*, sy_error*);
} sy_optimizer_vt;

#endif
