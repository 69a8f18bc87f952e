/* SPDX-License-Identifier: Apache-2.0 */
/* DRAFT of more values in sy_call. No host sends them yet. */
#ifndef SWITCHYARD_DRAFT_CALL_H
#define SWITCHYARD_DRAFT_CALL_H

#include <switchyard/host.h>

/* A flag of sy_call: device work is being recorded into a graph. Needs SY_CAP_CAPTURABLE. */
enum { SY_F_CAPTURING = 8 };

/* A value of sy_call.save_policy: keep only what is dear to compute again. */
enum { SY_SAVE_SELECTIVE = 1 };

#endif
