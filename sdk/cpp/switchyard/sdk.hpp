// SPDX-License-Identifier: Apache-2.0
// The whole C++ layer in one include. It is compiled into the plugin: no C++ type crosses the
// border.
#pragma once

#include <switchyard/balance.hpp>
#include <switchyard/call.hpp>
#include <switchyard/error.hpp>
#include <switchyard/expert.hpp>
#include <switchyard/gate.hpp>
#include <switchyard/linear_gate.hpp>
#include <switchyard/log.hpp>
#include <switchyard/optimizer.hpp>
#include <switchyard/plugin.hpp>
#include <switchyard/program.hpp>
#include <switchyard/schema.hpp>
#include <switchyard/state.hpp>
#include <switchyard/view.hpp>
