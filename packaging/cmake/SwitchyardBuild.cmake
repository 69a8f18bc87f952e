# How our own code is compiled and where it lands in the build tree.
include(GNUInstallDirs)

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib/static")
set(SWITCHYARD_PLUGIN_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib/switchyard/plugins")
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)
set(CMAKE_INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")

find_package(Threads REQUIRED)
find_package(fmt REQUIRED) # texts of programs and errors

# Linked PRIVATE by every target of ours, so that an embedder never inherits it.
add_library(switchyard_build INTERFACE)
add_library(switchyard::build ALIAS switchyard_build)
target_compile_features(switchyard_build INTERFACE cxx_std_20 c_std_11)
target_compile_options(
  switchyard_build INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wno-missing-field-initializers>
                             $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor;-Wimplicit-fallthrough>)

# GCC 12 sees overlapping copies in "text" + std::string where there are none (its bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(switchyard_build INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()

# Kernels: loops the compiler may vectorize, with fused multiply-adds and without errno. NaN and Inf keep
# their meaning, and sums keep their order.
set(SWITCHYARD_KERNEL_OPTIONS -O3;-ffp-contract=fast;-fno-math-errno;-fno-trapping-math)

# switchyard_engine_library(NAME SOURCES ... [KERNELS ...] [LINK ...]): one folder of the engine.
# KERNELS are sources compiled with SWITCHYARD_KERNEL_OPTIONS. Includes are written from engine/.
function(switchyard_engine_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;KERNELS;LINK;PRIVATE_LINK")
  add_library(switchyard_${name} STATIC)
  add_library(switchyard::${name} ALIAS switchyard_${name})
  target_sources(switchyard_${name} PRIVATE ${arg_SOURCES} ${arg_KERNELS})
  set_source_files_properties(${arg_KERNELS} PROPERTIES COMPILE_OPTIONS "${SWITCHYARD_KERNEL_OPTIONS}")
  target_include_directories(switchyard_${name} PUBLIC "${PROJECT_SOURCE_DIR}/engine")
  target_link_libraries(switchyard_${name} PUBLIC ${arg_LINK} PRIVATE switchyard::build ${arg_PRIVATE_LINK})
endfunction()

# switchyard_test(NAME SOURCES ... [LINK ...] [LABELS ...]): one GoogleTest program, one ctest case per
# TEST; LABELS default to "unit".
function(switchyard_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;LINK;LABELS")
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_LINK} GTest::gtest GTest::gmock GTest::gtest_main switchyard::build)
  # The code under test is optimized as it ships. Compiling the tests themselves with -O1 takes half as long.
  target_compile_options(${name} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O1;-g1>)
  gtest_discover_tests(
    ${name}
    DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
endfunction()
