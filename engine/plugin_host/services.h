#pragma once

#include <switchyard/service/comm.h>
#include <switchyard/service/ew.h>
#include <switchyard/service/mem.h>
#include <switchyard/service/metrics.h>
#include <switchyard/service/ops.h>
#include <switchyard/service/params.h>
#include <switchyard/service/rng.h>
#include <switchyard/service/threads.h>

namespace switchyard::plugin_host {

// The tables behind sy_host::get_service(). They hold only functions and live for ever; a call's
// data is in its sy_ctx (plugin_host/call.h). There is no sy.cuda/1 on a host without CUDA.
[[nodiscard]] const sy_ops& ops_service();
[[nodiscard]] const sy_ew& ew_service();
[[nodiscard]] const sy_mem& mem_service();
[[nodiscard]] const sy_params& params_service();
[[nodiscard]] const sy_rng& rng_service();
[[nodiscard]] const sy_metrics& metrics_service();
[[nodiscard]] const sy_threads& threads_service();
[[nodiscard]] const sy_comm& comm_service();

}  // namespace switchyard::plugin_host
