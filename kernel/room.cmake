# SPDX-License-Identifier: Apache-2.0
# Every file of kernel/profiles/ is assembled into the library under its own name.
file(GLOB DRYDOCK_PROFILES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/kernel/profiles/*.profile)
list(SORT DRYDOCK_PROFILES COMPARE NATURAL)
set(PROFILE_BYTES "")
set(PROFILE_NAMES "")
set(PROFILE_ROWS "")
foreach(PROFILE ${DRYDOCK_PROFILES})
  get_filename_component(NAME ${PROFILE} NAME)
  string(REGEX REPLACE "\\.profile$" "" NAME ${NAME})
  string(MAKE_C_IDENTIFIER "drydock_profile_${NAME}" SYMBOL)
  string(APPEND PROFILE_BYTES "DRYDOCK_EMBED(\"${SYMBOL}\", \"${PROFILE}\")\n")
  string(APPEND PROFILE_NAMES "extern \"C\" const std::byte ${SYMBOL}_begin[], ${SYMBOL}_end[];\n")
  string(APPEND PROFILE_ROWS "    {\"${NAME}\", {${SYMBOL}_begin, ${SYMBOL}_end}},\n")
endforeach()
configure_file(${CMAKE_SOURCE_DIR}/kernel/embedded_profiles.cc.in
               ${CMAKE_BINARY_DIR}/generated/embedded_profiles.cc @ONLY)
set_source_files_properties(${CMAKE_BINARY_DIR}/generated/embedded_profiles.cc PROPERTIES
  OBJECT_DEPENDS "${DRYDOCK_PROFILES}")
target_sources(drydock_kernel PRIVATE ${CMAKE_BINARY_DIR}/generated/embedded_profiles.cc)
