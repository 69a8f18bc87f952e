/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that the SDK promises, in one include. What lies in draft/ is not promised. */
#ifndef SWITCHYARD_SWITCHYARD_H
#define SWITCHYARD_SWITCHYARD_H

#include <switchyard/component/expert.h>
#include <switchyard/component/gate.h>
#include <switchyard/component/live.h>
#include <switchyard/component/optimizer.h>
#include <switchyard/plugin.h>
#include <switchyard/service/comm.h>
#include <switchyard/service/ew.h>
#include <switchyard/service/mem.h>
#include <switchyard/service/metrics.h>
#include <switchyard/service/ops.h>
#include <switchyard/service/params.h>
#include <switchyard/service/rng.h>
#include <switchyard/service/threads.h>

#endif
