/* SPDX-License-Identifier: Apache-2.0 */
/* A borrowed view of a tensor, byte for byte the layout of DLPack's DLTensor, with stricter
 * promises: byte_offset is 0, strides are never null when ndim > 0, ndim <= SY_MAX_DIMS, lanes
 * is 1. */
#ifndef SWITCHYARD_TENSOR_H
#define SWITCHYARD_TENSOR_H

#include <switchyard/abi.h>

#define SY_MAX_DIMS 8

/* Device types; the numbers are DLPack's DLDeviceType. */
enum { SY_CPU = 1, SY_CUDA = 2, SY_CUDA_HOST = 3 };

/* Type codes; the numbers are DLPack's DLDataTypeCode. */
enum { SY_INT = 0, SY_UINT = 1, SY_FLOAT = 2, SY_BFLOAT = 4, SY_BOOL = 6 };

/* The type of one element. */
typedef struct sy_dtype {
  uint8_t code;   /* SY_INT ... */
  uint8_t bits;   /* of one element: 8, 16, 32, 64 */
  uint16_t lanes; /* 1 */
} sy_dtype;

/* Frozen: may stand in plain arrays. The maker of the view owns the memory behind data, shape and
 * strides, which lives at least until the call that received the view returns. */
typedef struct sy_tensor {
  void* data;             /* first element; may be null if a dimension is 0; null: not supplied */
  int32_t device_type;    /* SY_CPU ... */
  int32_t device_id;      /* which device of that type */
  int32_t ndim;           /* 0 ... SY_MAX_DIMS */
  sy_dtype dtype;         /* of its elements */
  const int64_t* shape;   /* [ndim] */
  const int64_t* strides; /* [ndim], in elements */
  uint64_t byte_offset;   /* 0 */
} sy_tensor;

#if UINTPTR_MAX == 0xffffffffffffffffu
SY_STATIC_ASSERT(sizeof(sy_tensor) == 48, "sy_tensor is frozen");
SY_STATIC_ASSERT(offsetof(sy_tensor, shape) == 24, "sy_tensor is frozen");
SY_STATIC_ASSERT(offsetof(sy_tensor, byte_offset) == 40, "sy_tensor is frozen");
#endif

#endif
