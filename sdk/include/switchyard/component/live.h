/* SPDX-License-Identifier: Apache-2.0 */
/* sy.live/1: settings that change while training. A component offers it, through its
 * get_extension(), if its schema marks a field SY_FF_LIVE. */
#ifndef SWITCHYARD_COMPONENT_LIVE_H
#define SWITCHYARD_COMPONENT_LIVE_H

#include <switchyard/component.h>

#define SY_EXT_LIVE "sy.live/1"

/* The functions of sy.live/1. */
typedef struct sy_live {
  uint32_t struct_size; /* see abi.h */
  uint32_t reserved;    /* 0 */
  /* Takes over a whole configuration that passed the schema and check(). Only fields marked
   * SY_FF_LIVE differ from the one before. The next call uses the new values. The configuration is
   * valid until set() returns. On failure the old values stay. Never within a step. [inst] */
  sy_status (*set)(sy_instance*, const sy_config*, sy_error*);
} sy_live;

#endif
