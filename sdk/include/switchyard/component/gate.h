/* SPDX-License-Identifier: Apache-2.0 */
/* Kind 1: a gate chooses experts for tokens, or tokens for experts, and weighs the choices. */
#ifndef SWITCHYARD_COMPONENT_GATE_H
#define SWITCHYARD_COMPONENT_GATE_H

#include <switchyard/component.h>

/* Who chooses. */
enum {
  SY_TOKEN_CHOICE = 0, /* tokens choose experts: ids holds experts, [tokens, k_max] */
  SY_EXPERT_CHOICE = 1 /* experts choose tokens: ids holds tokens, [experts, capacity] */
};

/* How much a gate chooses. The host zeroes it before info(). */
typedef struct sy_gate_info {
  uint32_t struct_size; /* see abi.h */
  uint32_t layout;      /* SY_TOKEN_CHOICE or SY_EXPERT_CHOICE */
  int32_t k_max;        /* most experts per token, 1 ... n_experts; with token choice, the slots */
  uint32_t reserved;    /* 0 */
  double k_mean; /* experts per token on average; 0: k_max. With expert choice it sets capacity */
} sy_gate_info;

/* One batch. */
typedef struct sy_gate_in {
  uint32_t struct_size; /* see abi.h */
  int32_t n_experts;    /* experts to choose from */
  sy_tensor x;          /* [tokens, d_in]; tokens may be 0 */
  sy_tensor mask;       /* u8 [tokens], 0 = padding; data NULL: all are real */
  sy_tensor token_ids;  /* i32 [tokens] vocabulary ids; data NULL: not supplied */
  /* i32 [tokens] number of each token's stream in the batch, from 0; data NULL: not supplied. The
   * tokens of a stream follow each other in the order of the rows, and may pass from one text into
   * the next. */
  sy_tensor sequence;
  /* Columns of ids with expert choice, 0 with token choice: in training tokens k_mean / n_experts,
   * rounded down but at least 1, in evaluation the number of tokens. */
  int64_t capacity;
} sy_gate_in;

/* The choice, allocated and zeroed by the host. */
typedef struct sy_gate_out {
  uint32_t struct_size; /* see abi.h */
  uint32_t reserved;    /* 0 */
  /* i32, the shape of the layout; -1 = empty slot; no pair of a token and an expert twice. */
  sy_tensor ids;
  sy_tensor weights; /* f32, shape of ids; 0 in an empty slot */
  /* These three are of the batch of all ranks of SY_GROUP_DATA; the gate sums them itself. */
  sy_tensor importance; /* f32 [experts], sum of the weights of each expert */
  sy_tensor load;       /* f32 [experts], (smooth) number of tokens of each expert */
  sy_tensor aux_loss;   /* f32 [1], already multiplied by its coefficients */
} sy_gate_out;

/* Gradients in and out of backward(). */
typedef struct sy_gate_grad {
  uint32_t struct_size; /* see abi.h */
  uint32_t reserved;    /* 0 */
  sy_tensor dweights;   /* f32, shape of weights: dL/dweights of the task loss */
  sy_tensor daux;       /* f32 [1]: dL/daux_loss, usually 1 */
  sy_tensor dx;         /* f32 [tokens, d_in]: ADD into it */
  /* dL/dimportance, f32 [experts], which the host asks in addition to daux; data NULL: zero. */
  sy_tensor dimportance;
  /* The same for load. A gate whose load is a hard count has no gradient for it. */
  sy_tensor dload;
} sy_gate_grad;

/* The functions of a gate. */
typedef struct sy_gate_vt {
  uint32_t struct_size; /* see abi.h */
  uint32_t reserved;    /* 0 */
  /* Fills *info. The same for the life of an instance. [load] */
  sy_status (*info)(sy_instance*, sy_gate_info*, sy_error*);
  /* Chooses: writes every tensor of *out. [inst] */
  sy_status (*forward)(sy_instance*, const sy_call*, const sy_gate_in*, const sy_gate_out*,
                       sy_error*);
  /* Adds to dx and to the gradients of the parameters those that this rank's rows cause; their sum
   * over ranks is the whole. *out is as forward() left it. [inst] */
  sy_status (*backward)(sy_instance*, const sy_call*, const sy_gate_in*, const sy_gate_out*,
                        const sy_gate_grad*, sy_error*);
  /* After the optimizer's step. Optional. [inst] */
  sy_status (*step_end)(sy_instance*, const sy_call*, sy_error*);
} sy_gate_vt;

#endif
