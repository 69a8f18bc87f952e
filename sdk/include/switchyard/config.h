/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of a component: a schema that the command line, the studio's forms and the
 * checks are all made from, and the values that passed it. */
#ifndef SWITCHYARD_CONFIG_H
#define SWITCHYARD_CONFIG_H

#include <switchyard/abi.h>

enum { SY_T_BOOL, SY_T_INT, SY_T_FLOAT, SY_T_STRING, SY_T_CHOICE, SY_T_INT_LIST, SY_T_FLOAT_LIST };

enum {
  SY_FF_ADVANCED = 1,
  SY_FF_LIVE = 2, /* may change while training, through sy.live/1 */
  SY_FF_SHAPE = 4 /* changes parameters */
};

typedef struct sy_field {
  uint32_t struct_size;
  uint32_t type; /* SY_T_* */
  const char *key, *label, *help, *unit, *section;
  /* Numbers; bools use def 0 or 1; min and max bound every entry of a list. */
  double def, min, max, step;
  const char* def_str;        /* STRING, CHOICE; lists as "1024, 512" */
  const char* const* choices; /* NULL-terminated; CHOICE only */
  const char* enabled_if;     /* "other_key=value", or NULL */
  uint32_t flags;             /* SY_FF_* */
  uint32_t reserved;
} sy_field;

/* Values by key: defaults filled in, types and ranges checked against the schema. A key that the
 * schema lacks gives 0, 0.0, "" and an empty list. */
typedef struct sy_config sy_config;
struct sy_config {
  uint32_t struct_size, reserved;
  int64_t (*i64)(const sy_config*, const char* key);     /* [any] also BOOL */
  double (*f64)(const sy_config*, const char* key);      /* [any] */
  const char* (*str)(const sy_config*, const char* key); /* [any] valid until create() returns */
  /* Writes at most cap numbers, returns the full length. [any] */
  int32_t (*list)(const sy_config*, const char* key, double* out, int32_t cap);
};

#endif
