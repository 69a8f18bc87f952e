#pragma once

#include <string>

#include <gtest/gtest.h>

#include "core/error.h"

/// Expects core::Error of that code whose message contains `part`.
#define EXPECT_ERROR(statement, expected_code, part)                              \
  do {                                                                            \
    try {                                                                         \
      statement;                                                                  \
      ADD_FAILURE() << #statement " did not throw";                               \
    } catch (const switchyard::core::Error& e) {                                  \
      EXPECT_EQ(static_cast<int>(e.code()), static_cast<int>(expected_code));     \
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what(); \
    }                                                                             \
  } while (false)
