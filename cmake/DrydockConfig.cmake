# SPDX-License-Identifier: Apache-2.0
# find_package(Drydock) gives Drydock::drydock; what it needs is inside of it.
include("${CMAKE_CURRENT_LIST_DIR}/DrydockTargets.cmake")
