/* SPDX-License-Identifier: Apache-2.0 */
/* How a call fails: a code that the caller can act on, and a text in the caller's own buffer.
 * Nothing is allocated and nothing is thrown across the border. */
#ifndef SWITCHYARD_STATUS_H
#define SWITCHYARD_STATUS_H

#include <switchyard/abi.h>

typedef int32_t sy_status;

enum {
  SY_OK = 0,
  SY_E_INVALID = 1,     /* an argument or a configuration value breaks a stated rule */
  SY_E_UNSUPPORTED = 2, /* this host, device or build cannot do it */
  SY_E_NOMEM = 3,       /* host or device memory ran out */
  SY_E_NOTFOUND = 4,    /* a name, file or handle does not exist */
  SY_E_STATE = 5,       /* right call, wrong time */
  SY_E_NUMERIC = 6,     /* NaN or Inf where a finite number must be */
  SY_E_DEVICE = 7,      /* the accelerator reported a failure */
  SY_E_IO = 8,          /* a file or the disk failed */
  SY_E_CANCELLED = 9,   /* the caller asked to stop */
  SY_E_ABI = 10,        /* the two sides do not speak the same contract */
  SY_E_EXCEPTION = 11,  /* an exception was caught at the border */
  SY_E_INTERNAL = 12,   /* a bug on the reporting side */
  SY_E_PEER = 13,       /* another rank was lost or is stuck */
  SY_E_DAMAGED = 14     /* stored bytes are not what was written */
};

/* The caller's buffer for a message: UTF-8, always terminated when cap > 0, cut where it is full.
 * May be NULL in every call. */
typedef struct sy_error {
  uint32_t struct_size; /* see abi.h */
  uint32_t cap;         /* bytes behind `text`, terminator included */
  char* text;           /* the buffer */
} sy_error;

#endif
