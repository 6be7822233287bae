# SPDX-License-Identifier: Apache-2.0
# The default profile is assembled into the library from its file.
set(DRYDOCK_PROFILE_618 ${CMAKE_SOURCE_DIR}/kernel/profiles/6.18.profile)
set_source_files_properties(${CMAKE_SOURCE_DIR}/kernel/embedded_profiles.cc PROPERTIES
  COMPILE_DEFINITIONS DRYDOCK_PROFILE_618="${DRYDOCK_PROFILE_618}"
  OBJECT_DEPENDS ${DRYDOCK_PROFILE_618})
