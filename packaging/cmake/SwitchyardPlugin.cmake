# switchyard_add_plugin(NAME SOURCES ... [LINK ...] [CUDA_ARCHITECTURES ...] [INSTALL] [TEST]): one plugin,
# NAME.syplugin.so, that exports its entry and nothing else. Links are for static libraries: a plugin depends on the C
# and C++ runtime only.
#
# CUDA_ARCHITECTURES 90 100 goes into the stamp. INSTALL puts the file into <prefix>/lib/switchyard/plugins, where a
# switchyard of that prefix finds it. TEST adds NAME.loads, if the program switchyard is found: it must accept and
# load the file.
#
# With SWITCHYARD_PLUGIN_OUTPUT_DIRECTORY set, the file lands there; else in CMAKE_LIBRARY_OUTPUT_DIRECTORY.
function(switchyard_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "INSTALL;TEST" "" "SOURCES;LINK;CUDA_ARCHITECTURES")
  if(NOT arg_SOURCES OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "switchyard_add_plugin(${name}): give SOURCES, and nothing but SOURCES, LINK, "
                        "CUDA_ARCHITECTURES, INSTALL and TEST; got '${ARGN}'")
  endif()
  add_library(${name} MODULE ${arg_SOURCES})
  set_target_properties(
    ${name}
    PROPERTIES PREFIX ""
               SUFFIX ".syplugin.so"
               C_VISIBILITY_PRESET hidden
               CXX_VISIBILITY_PRESET hidden
               VISIBILITY_INLINES_HIDDEN ON
               POSITION_INDEPENDENT_CODE ON
               SKIP_BUILD_RPATH ON
               INSTALL_RPATH "")
  if(SWITCHYARD_PLUGIN_OUTPUT_DIRECTORY)
    set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${SWITCHYARD_PLUGIN_OUTPUT_DIRECTORY}")
  endif()
  # Unique symbols would be shared between plugins, and would keep the library from ever being unloaded.
  target_compile_options(${name} PRIVATE "$<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>")
  set(exports "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/switchyard_plugin.map")
  set_property(TARGET ${name} APPEND PROPERTY LINK_DEPENDS "${exports}")
  target_link_options(
    ${name}
    PRIVATE
    "LINKER:--version-script=${exports}"
    "LINKER:--exclude-libs,ALL"
    "LINKER:--no-undefined"
    "LINKER:--as-needed"
    "LINKER:-z,now"
    "LINKER:-z,noexecstack")
  target_link_libraries(${name} PRIVATE Switchyard::sdk ${arg_LINK})
  list(JOIN arg_CUDA_ARCHITECTURES " " architectures)
  target_compile_definitions(${name} PRIVATE "SY_CUDA_ARCHS=\"${architectures}\"")
  if(arg_INSTALL)
    install(TARGETS ${name} LIBRARY DESTINATION lib/switchyard/plugins)
  endif()
  if(arg_TEST)
    find_program(SWITCHYARD_PROGRAM switchyard HINTS "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../../../bin"
                                                "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../../../../bin")
    if(SWITCHYARD_PROGRAM)
      add_test(NAME ${name}.loads COMMAND "${SWITCHYARD_PROGRAM}" plugins --directory $<TARGET_FILE_DIR:${name}>
                                          --settings)
      set_tests_properties(${name}.loads PROPERTIES FAIL_REGULAR_EXPRESSION "refused: ")
    endif()
  endif()
endfunction()
