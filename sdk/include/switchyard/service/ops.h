/* SPDX-License-Identifier: Apache-2.0 */
/* sy.ops/1: arithmetic on tensors, with one meaning on CPU and CUDA, asynchronous on call->stream.
 *
 * Tensors are f32 unless stated; indices are i32. Inputs and outputs may be strided views unless a
 * function says "contiguous". An output may be the same tensor as an input of a pointwise function
 * (unary, binary, affine, act, act_grad, softmax, softmax_grad), and may not overlap it otherwise.
 */
#ifndef SWITCHYARD_SERVICE_OPS_H
#define SWITCHYARD_SERVICE_OPS_H

#include <switchyard/host.h>

#define SY_SVC_OPS "sy.ops/1"

/* Modes of grouped_gemm. offsets [G+1] cut the N rows into G consecutive groups, empty ones
 * allowed. */
enum {
  SY_GG_FWD = 0,   /* a [N,K], b [G,K,M]  ->  c [N,M]:   c_g = alpha a_g b_g   + beta c_g */
  SY_GG_DGRAD = 1, /* a [N,M], b [G,K,M]  ->  c [N,K]:   c_g = alpha a_g b_g^T + beta c_g */
  SY_GG_WGRAD = 2  /* a [N,K], b [N,M]    ->  c [G,K,M]: c_g = alpha a_g^T b_g + beta c_g */
};
enum {
  SY_U_EXP,
  SY_U_LOG,
  SY_U_SQRT,
  SY_U_RSQRT,
  SY_U_ABS,
  SY_U_NEG,
  SY_U_SIGMOID,
  SY_U_TANH,
  SY_U_SOFTPLUS,
  SY_U_NORM_CDF, /* Phi, the cumulative distribution of N(0,1) */
  SY_U_NORM_PDF  /* phi, its density */
};
enum { SY_B_ADD, SY_B_SUB, SY_B_MUL, SY_B_DIV, SY_B_MAX, SY_B_MIN, SY_B_LT, SY_B_GE };
enum { SY_A_RELU, SY_A_GELU, SY_A_SILU, SY_A_TANH, SY_A_SIGMOID };
enum { SY_R_SUM, SY_R_MEAN, SY_R_MAX, SY_R_SUMSQ };

/* The functions of sy.ops/1; all are [inst]. */
typedef struct sy_ops {
  uint32_t struct_size; /* see abi.h */
  uint32_t reserved;    /* 0 */
  /* c = alpha op(a) op(b) + beta c, for 2-D tensors with unit stride in the last dimension; ta, tb:
   * 1 transposes. With beta 0 the old content of c is not read. */
  sy_status (*gemm)(sy_ctx*, int32_t ta, int32_t tb, double alpha, const sy_tensor* a,
                    const sy_tensor* b, double beta, const sy_tensor* c, sy_error*);
  /* One product per group (SY_GG_*). offsets i32 [G+1] contiguous; rows past offsets[G] are left
   * alone. In WGRAD an empty group gives beta c_g. The weights b of FWD and DGRAD may be bf16. */
  sy_status (*grouped_gemm)(sy_ctx*, int32_t mode, const sy_tensor* offsets, double alpha,
                            const sy_tensor* a, const sy_tensor* b, double beta, const sy_tensor* c,
                            sy_error*);
  /* y = f(x), same shape. */
  sy_status (*unary)(sy_ctx*, int32_t op, const sy_tensor* x, const sy_tensor* y, sy_error*);
  /* y = a op b; a and b broadcast to y as in NumPy. LT and GE give 1 or 0. ADD and MUL of three i32
   * tensors work modulo 2^32. */
  sy_status (*binary)(sy_ctx*, int32_t op, const sy_tensor* a, const sy_tensor* b,
                      const sy_tensor* y, sy_error*);
  /* y = mul x + add, same shape; also copies i32 and converts between f32 and i32 or bf16, and from
   * u8 to f32. */
  sy_status (*affine)(sy_ctx*, const sy_tensor* x, double mul, double add, const sy_tensor* y,
                      sy_error*);
  /* y = activation(x). */
  sy_status (*act)(sy_ctx*, int32_t kind, const sy_tensor* x, const sy_tensor* y, sy_error*);
  /* dx = dy activation'(x). For RELU, x may be the activation's output instead of its input. */
  sy_status (*act_grad)(sy_ctx*, int32_t kind, const sy_tensor* x, const sy_tensor* dy,
                        const sy_tensor* dx, sy_error*);
  /* y = reduce(x over `axis`) + beta y; y has x's shape without that axis. axis -1 reduces
   * everything into y [1]. */
  sy_status (*reduce)(sy_ctx*, int32_t op, const sy_tensor* x, int32_t axis, double beta,
                      const sy_tensor* y, sy_error*);
  /* y = softmax of x over the last axis. A row of only -inf gives 0. */
  sy_status (*softmax)(sy_ctx*, const sy_tensor* x, const sy_tensor* y, sy_error*);
  /* dx_i = y_i (dy_i - sum_j y_j dy_j) over the last axis. */
  sy_status (*softmax_grad)(sy_ctx*, const sy_tensor* y, const sy_tensor* dy, const sy_tensor* dx,
                            sy_error*);
  /* The k largest of each row of x [T,E], falling; ties go to the lower index. values [T,k],
   * indices i32 [T,k]. */
  sy_status (*topk)(sy_ctx*, const sy_tensor* x, int32_t k, const sy_tensor* values,
                    const sy_tensor* indices, sy_error*);
  /* y[t,j] = x[t, idx[t,j]]; idx -1 gives 0. x [T,E], idx i32 [T,k], y [T,k]. */
  sy_status (*take)(sy_ctx*, const sy_tensor* x, const sy_tensor* idx, const sy_tensor* y,
                    sy_error*);
  /* y[t, idx[t,j]] += x[t,j]; idx -1 is skipped. The reverse of take. */
  sy_status (*put_add)(sy_ctx*, const sy_tensor* x, const sy_tensor* idx, const sy_tensor* y,
                       sy_error*);
  /* y[i,:] = x[rows[i],:]; rows i32 [n]; -1 gives a row of 0. */
  sy_status (*gather_rows)(sy_ctx*, const sy_tensor* x, const sy_tensor* rows, const sy_tensor* y,
                           sy_error*);
  /* y[rows[i],:] += x[i,:] in rising i, whatever the number of threads. */
  sy_status (*scatter_add_rows)(sy_ctx*, const sy_tensor* x, const sy_tensor* rows,
                                const sy_tensor* y, sy_error*);
  /* counts[i] = number of entries of idx equal to i; -1 is ignored. counts f32 or i32 [E]. */
  sy_status (*bincount)(sy_ctx*, const sy_tensor* idx, const sy_tensor* counts, sy_error*);
  /* y = v. y f32 or i32. */
  sy_status (*fill)(sy_ctx*, double v, const sy_tensor* y, sy_error*);
  /* n += the number of NaN and Inf in x. n i32 [1]. */
  sy_status (*count_nonfinite)(sy_ctx*, const sy_tensor* x, const sy_tensor* n, sy_error*);
  /* rows[g,i] = mean over j of x[g,i,j]^2 and columns[g,j] = mean over i, in one pass over x.
   * x [G,P,Q] with P, Q >= 1, rows [G,P], columns [G,Q], all contiguous. */
  sy_status (*mean_squares)(sy_ctx*, const sy_tensor* x, const sy_tensor* rows,
                            const sy_tensor* columns, sy_error*);
  /* y = 0, 1, 2, ... in row-major order. y f32 or i32. */
  sy_status (*iota)(sy_ctx*, const sy_tensor* y, sy_error*);
  /* y = condition != 0 ? a : b, bit for bit; the three broadcast to y as in NumPy. condition u8,
   * i32 or f32; a, b and y all f32 or all i32. y may be a or b. */
  sy_status (*where)(sy_ctx*, const sy_tensor* condition, const sy_tensor* a, const sy_tensor* b,
                     const sy_tensor* y, sy_error*);
  /* y += weight CV^2(x), the balance loss of importance or load. CV^2 = Var / Mean^2 with the
   * population variance, and 0 for x = 0. x [n] with n >= 1, y [1], contiguous. */
  sy_status (*squared_variation)(sy_ctx*, const sy_tensor* x, double weight, const sy_tensor* y,
                                 sy_error*);
  /* dx = dy weight dCV^2/dx. x and dx [n], dy [1], contiguous; dx may be x. */
  sy_status (*squared_variation_grad)(sy_ctx*, const sy_tensor* x, double weight,
                                      const sy_tensor* dy, const sy_tensor* dx, sy_error*);
} sy_ops;

#endif
