/* SPDX-License-Identifier: Apache-2.0 */
/* Kind 3: an optimizer. Its state is tensors of the host, which saves and re-shards them. */
#ifndef SWITCHYARD_COMPONENT_OPTIMIZER_H
#define SWITCHYARD_COMPONENT_OPTIMIZER_H

#include <switchyard/component.h>

/* The part that a parameter plays in a model. */
enum { SY_ROLE_DENSE, SY_ROLE_GATE, SY_ROLE_EXPERT, SY_ROLE_EMBED, SY_ROLE_NORM, SY_ROLE_BIAS };

/* How a state may be cut over ranks. */
enum {
  SY_SHARD_ANY,       /* elementwise: anywhere */
  SY_SHARD_KEEP_DIMS, /* statistics over dimensions, reduced over SY_GROUP_SHARD */
  SY_SHARD_WHOLE      /* not at all, but between experts: each stands alone */
};

/* One parameter. On one rank local = global and start = 0. */
typedef struct sy_param_info {
  uint32_t struct_size;        /* see abi.h */
  uint32_t role;               /* SY_ROLE_* */
  uint32_t flags;              /* SY_PF_* */
  int32_t ndim;                /* number of dimensions */
  const char* name;            /* "moe.experts0.w0": its key in checkpoints */
  int64_t global[SY_MAX_DIMS]; /* shape over all ranks */
  int64_t local[SY_MAX_DIMS];  /* shape of this rank's shard */
  int64_t start[SY_MAX_DIMS];  /* where the shard begins */
  int32_t expert_dim;          /* the dimension that counts experts, or -1 */
  sy_dtype dtype;              /* of its elements */
} sy_param_info;

/* Where plan() declares the state of one parameter. */
typedef struct sy_state_builder sy_state_builder;
struct sy_state_builder {
  uint32_t struct_size; /* see abi.h */
  uint32_t reserved;    /* 0 */
  /* Declares an f32 state tensor of the parameter at hand. dim_map[i]: the parameter's dimension
   * that state dimension i follows, or -1 for size 1. Every element starts as `init`. [load] */
  sy_status (*state)(const sy_state_builder*, const char* name, sy_dtype, int32_t ndim,
                     const int8_t* dim_map, double init, sy_error*);
  /* Says how the states may be cut: SY_SHARD_*. [load] */
  void (*sharding)(const sy_state_builder*, uint32_t shard_need);
};

/* One parameter in one step. */
typedef struct sy_opt_item {
  uint32_t struct_size;      /* see abi.h */
  uint32_t n_state;          /* number of states */
  const sy_param_info* info; /* the parameter */
  sy_tensor param;           /* the local shard, contiguous: update it */
  sy_tensor grad;            /* f32, shape of param (but see rows), contiguous */
  const sy_tensor* state;    /* n_state of them, in the order of declaration */
  double lr;                 /* learning rate; schedule and overrides are applied */
  double weight_decay;       /* the host's own, or 0: the component's setting holds */
  /* i32 [n], distinct and rising: the rows of param (indices of dimension 0) that have a gradient
   * in this step. grad is then [n, ...], and its row j belongs to row rows[j] of param. Not
   * supplied (ndim 0): grad has the shape of param. Never supplied without SY_CAP_GRAD_ROWS. */
  sy_tensor rows;
} sy_opt_item;

/* One step. */
typedef struct sy_opt_step {
  uint32_t struct_size;            /* see abi.h */
  uint32_t n_items;                /* number of items */
  const sy_opt_item* const* items; /* [n_items] */
  int64_t step;                    /* from 1 */
  sy_tensor grad_mult; /* f32 [1] on the device, clipping times unscaling: times every gradient */
} sy_opt_step;

/* The functions of an optimizer. */
typedef struct sy_optimizer_vt {
  uint32_t struct_size; /* see abi.h */
  uint32_t reserved;    /* 0 */
  /* Declares the state of one parameter. [load] */
  sy_status (*plan)(sy_instance*, const sy_param_info*, const sy_state_builder*, sy_error*);
  /* Updates every item. The host clears the gradients afterwards. [inst] */
  sy_status (*step)(sy_instance*, const sy_call*, const sy_opt_step*, sy_error*);
} sy_optimizer_vt;

#endif
