# SPDX-License-Identifier: Apache-2.0
# libdrydock.so: the library with every room below it inside, and only its own names visible, so that
# a program may have another libbpf or fmt beside it. The command links the rooms themselves.
file(WRITE ${CMAKE_BINARY_DIR}/generated/drydock_shared.cc "")
add_library(drydock_shared SHARED ${CMAKE_BINARY_DIR}/generated/drydock_shared.cc)
add_library(Drydock::drydock ALIAS drydock_shared)
set(EXPORTED ${CMAKE_SOURCE_DIR}/library/exported.map)
target_link_libraries(drydock_shared PRIVATE drydock_flags $<LINK_LIBRARY:WHOLE_ARCHIVE,drydock_library>)
target_link_options(drydock_shared PRIVATE LINKER:--version-script=${EXPORTED})
target_compile_features(drydock_shared INTERFACE cxx_std_23)
target_include_directories(drydock_shared INTERFACE
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include;${CMAKE_SOURCE_DIR}> $<INSTALL_INTERFACE:include>)
set_target_properties(drydock_shared PROPERTIES
  OUTPUT_NAME drydock EXPORT_NAME drydock VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  LINK_DEPENDS ${EXPORTED} LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/Drydock)
install(TARGETS drydock_shared EXPORT DrydockTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        COMPONENT library)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/drydock DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        COMPONENT library PATTERN result.h EXCLUDE)
install(FILES ${CMAKE_SOURCE_DIR}/base/result.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/drydock
        COMPONENT library)
install(EXPORT DrydockTargets NAMESPACE Drydock:: DESTINATION ${PACKAGE_DIR} COMPONENT library)
# Before 1.0 a minor version may break programs.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/DrydockConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_SOURCE_DIR}/cmake/DrydockConfig.cmake
              ${CMAKE_BINARY_DIR}/DrydockConfigVersion.cmake
        DESTINATION ${PACKAGE_DIR} COMPONENT library)
