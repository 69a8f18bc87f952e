/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of a component: a schema, from which the command line, the studio's forms and
 * the checks are made, and the values that passed it. */
#ifndef SWITCHYARD_CONFIG_H
#define SWITCHYARD_CONFIG_H

#include <switchyard/abi.h>

/* Types of a field. */
enum { SY_T_BOOL, SY_T_INT, SY_T_FLOAT, SY_T_STRING, SY_T_CHOICE, SY_T_INT_LIST, SY_T_FLOAT_LIST };

/* Flags of a field. */
enum {
  SY_FF_ADVANCED = 1, /* a form hides it at first */
  SY_FF_LIVE = 2,     /* may change while training, through sy.live/1 */
  SY_FF_SHAPE = 4     /* changes the number or the shape of parameters */
};

/* One setting. Strings that do not apply are "". */
typedef struct sy_field {
  uint32_t struct_size;       /* see abi.h */
  uint32_t type;              /* SY_T_* */
  const char* key;            /* as in the configuration file */
  const char* label;          /* for people, as in a form */
  const char* help;           /* one or two sentences */
  const char* unit;           /* "s", or "" */
  const char* section;        /* groups fields in a form */
  double def;                 /* default of a number; of a bool 0 or 1 */
  double min;                 /* of a number, and of every entry of a list */
  double max;                 /* the same; -infinity and infinity: no bound */
  double step;                /* of a form's arrows; 0: none */
  const char* def_str;        /* default of STRING, CHOICE and lists ("1024, 512") */
  const char* const* choices; /* NULL-terminated; CHOICE only */
  const char* enabled_if;     /* "other_key=value", or NULL */
  uint32_t flags;             /* SY_FF_* */
  uint32_t reserved;          /* 0 */
} sy_field;

/* Values by key: defaults filled in, types and ranges checked against the schema. A key that the
 * schema lacks gives 0, 0.0, "" and an empty list. */
typedef struct sy_config sy_config;
struct sy_config {
  uint32_t struct_size; /* see abi.h */
  uint32_t reserved;    /* 0 */
  /* The value of an INT or BOOL. [any] */
  int64_t (*i64)(const sy_config*, const char* key);
  /* The value of a FLOAT. [any] */
  double (*f64)(const sy_config*, const char* key);
  /* The value of a STRING or CHOICE, valid until the call returns that got the config. [any] */
  const char* (*str)(const sy_config*, const char* key);
  /* The value of a list: writes at most cap numbers, returns the full length. [any] */
  int32_t (*list)(const sy_config*, const char* key, double* out, int32_t cap);
};

#endif
