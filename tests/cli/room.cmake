# SPDX-License-Identifier: Apache-2.0
add_dependencies(${TARGET} drydock_corpus)
