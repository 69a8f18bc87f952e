# cmake -D BUILD=... -D SOURCE=... -D WORK=... -D PYTHON=... -D GENERATOR=... -D C_COMPILER=... -P example_test.cmake
#
# Installs the SDK component into WORK, builds the example there as a stranger would, and looks at the
# file that comes out.
cmake_minimum_required(VERSION 3.25)

function(run what)
  execute_process(
    COMMAND ${ARGN}
    RESULT_VARIABLE status
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${what} failed (${status}):\n${output}")
  endif()
endfunction()

file(REMOVE_RECURSE "${WORK}")
run("installing the SDK" "${CMAKE_COMMAND}" --install "${BUILD}" --component sdk --prefix "${WORK}/prefix")

# Without the sources at hand: a copy of the example and the installed tree must be enough.
file(COPY "${SOURCE}/sdk/examples/hash_gate" DESTINATION "${WORK}")
run("configuring the example" "${CMAKE_COMMAND}" -S "${WORK}/hash_gate" -B "${WORK}/build" -G "${GENERATOR}"
    "-DCMAKE_PREFIX_PATH=${WORK}/prefix" "-DCMAKE_C_COMPILER=${C_COMPILER}" "-DCMAKE_C_FLAGS=-Wall -Wextra -Werror"
    -DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF)
run("building the example" "${CMAKE_COMMAND}" --build "${WORK}/build")
run("checking the example's file" "${PYTHON}" "${SOURCE}/tests/abi/check_plugin_file.py"
    "${WORK}/build/gate_hash.syplugin.so")

file(GLOB_RECURSE sources RELATIVE "${SOURCE}/sdk" "${SOURCE}/sdk/include/*.h" "${SOURCE}/sdk/cpp/*.hpp")
foreach(path IN LISTS sources)
  string(REGEX REPLACE "^(include|cpp)/" "" installed "${path}")
  if(NOT EXISTS "${WORK}/prefix/include/${installed}")
    message(FATAL_ERROR "include/${installed} was not installed")
  endif()
endforeach()
