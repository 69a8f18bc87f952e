# cmake -D COMPILER=... -D STANDARD=c11|c++20 -D SOURCE=... -D SOURCE_DIR=... -P compile_headers.cmake
set(language c)
if(STANDARD MATCHES "\\+\\+")
  set(language c++)
endif()
execute_process(
  COMMAND
    "${COMPILER}" -x ${language} -std=${STANDARD} -Wall -Wextra -pedantic -Wshadow -Werror -fsyntax-only
    "-I${SOURCE_DIR}/sdk/include" "-I${SOURCE_DIR}/sdk/cpp" "${SOURCE}"
  RESULT_VARIABLE status
  ERROR_VARIABLE messages)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${COMPILER} -std=${STANDARD} does not take the headers:\n${messages}")
endif()
