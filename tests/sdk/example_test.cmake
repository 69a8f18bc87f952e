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

run("installing the example" "${CMAKE_COMMAND}" --install "${WORK}/build" --prefix "${WORK}/prefix")
set(installed_files lib/switchyard/plugins/gate_hash.syplugin.so share/doc/switchyard-sdk/LICENSE
                    share/doc/switchyard-sdk/README.md share/doc/switchyard-sdk/examples/hash_gate/hash_gate.c
                    share/pkgconfig/switchyard-sdk.pc)
foreach(path IN LISTS installed_files)
  if(NOT EXISTS "${WORK}/prefix/${path}")
    message(FATAL_ERROR "${path} was not installed")
  endif()
endforeach()

# The versions of both packages are the one in the headers.
file(STRINGS "${SOURCE}/sdk/include/switchyard/abi.h" version REGEX "^#define SY_ABI_(MAJOR|MINOR) ")
list(TRANSFORM version REPLACE "^.* " "")
list(JOIN version "." version)
file(STRINGS "${WORK}/prefix/share/pkgconfig/switchyard-sdk.pc" stated REGEX "^Version: ")
file(GLOB_RECURSE config "${WORK}/prefix/*/SwitchyardConfig.cmake")
file(STRINGS "${config}" stated_by_cmake REGEX "Switchyard_ABI_VERSION \"${version}\"")
if(NOT stated STREQUAL "Version: ${version}" OR NOT stated_by_cmake)
  message(FATAL_ERROR "the ABI is ${version}; pkg-config says '${stated}', CMake '${stated_by_cmake}'")
endif()

file(GLOB_RECURSE sources RELATIVE "${SOURCE}/sdk" "${SOURCE}/sdk/include/*.h" "${SOURCE}/sdk/cpp/*.hpp")
foreach(path IN LISTS sources)
  string(REGEX REPLACE "^(include|cpp)/" "" installed "${path}")
  if(NOT EXISTS "${WORK}/prefix/include/${installed}")
    message(FATAL_ERROR "include/${installed} was not installed")
  endif()
endforeach()
