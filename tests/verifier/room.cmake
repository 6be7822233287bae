# SPDX-License-Identifier: Apache-2.0
# The tables of real kernels' answers.
target_link_libraries(${TARGET} PRIVATE drydock_answer_tables)
