# Installation: <prefix>/bin/switchyard finds <prefix>/lib/switchyard/plugins under any prefix,
# so that path is the same on every distribution.
include(CMakePackageConfigHelpers)
set(SWITCHYARD_INSTALL_PLUGIN_DIR "lib/switchyard/plugins")
set(SWITCHYARD_INSTALL_CMAKE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/Switchyard")

# Component sdk: headers, manual, example, licence, and the packages of CMake and pkg-config. Their version is that of
# the ABI.
install(
  TARGETS switchyard_sdk
  EXPORT SwitchyardTargets
  COMPONENT sdk)
install(
  DIRECTORY "${PROJECT_SOURCE_DIR}/sdk/include/switchyard" "${PROJECT_SOURCE_DIR}/sdk/cpp/switchyard"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  COMPONENT sdk
  FILES_MATCHING
  PATTERN "*.h"
  PATTERN "*.hpp")
install(
  EXPORT SwitchyardTargets
  NAMESPACE Switchyard::
  DESTINATION "${SWITCHYARD_INSTALL_CMAKE_DIR}"
  COMPONENT sdk)
configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/packaging/cmake/SwitchyardConfig.cmake.in" "${PROJECT_BINARY_DIR}/SwitchyardConfig.cmake"
  INSTALL_DESTINATION "${SWITCHYARD_INSTALL_CMAKE_DIR}")
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/SwitchyardConfigVersion.cmake"
  VERSION "${SWITCHYARD_ABI_VERSION}"
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(
  FILES "${PROJECT_BINARY_DIR}/SwitchyardConfig.cmake"
        "${PROJECT_BINARY_DIR}/SwitchyardConfigVersion.cmake"
        "${PROJECT_SOURCE_DIR}/packaging/cmake/SwitchyardPlugin.cmake"
        "${PROJECT_SOURCE_DIR}/packaging/cmake/switchyard_plugin.map"
  DESTINATION "${SWITCHYARD_INSTALL_CMAKE_DIR}"
  COMPONENT sdk)

configure_file("${PROJECT_SOURCE_DIR}/packaging/cmake/switchyard-sdk.pc.in"
               "${PROJECT_BINARY_DIR}/switchyard-sdk.pc" @ONLY)
install(
  FILES "${PROJECT_BINARY_DIR}/switchyard-sdk.pc"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/pkgconfig"
  COMPONENT sdk)
install(
  FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/sdk/README.md"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/switchyard-sdk"
  COMPONENT sdk)
install(
  DIRECTORY "${PROJECT_SOURCE_DIR}/sdk/examples"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/switchyard-sdk"
  COMPONENT sdk)

# Component plugins: the gates, experts and optimizers we ship.
get_property(switchyard_plugins GLOBAL PROPERTY SWITCHYARD_PLUGINS)
if(switchyard_plugins)
  install(
    TARGETS ${switchyard_plugins}
    LIBRARY DESTINATION "${SWITCHYARD_INSTALL_PLUGIN_DIR}"
    COMPONENT plugins)
endif()

# Component engine: the library that embedders link.
install(
  TARGETS switchyard_engine
  EXPORT SwitchyardEngineTargets
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  COMPONENT engine)
install(
  EXPORT SwitchyardEngineTargets
  NAMESPACE Switchyard::
  DESTINATION "${SWITCHYARD_INSTALL_CMAKE_DIR}"
  COMPONENT engine)

# Component programs.
foreach(program IN ITEMS switchyard switchyardd switchyard-studio switchyard-validate)
  if(TARGET ${program})
    install(
      TARGETS ${program}
      RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}"
      COMPONENT programs)
  endif()
endforeach()
