# SPDX-License-Identifier: Apache-2.0
# They run the command itself, on the corpus and on the loader's test objects.
add_dependencies(${TARGET} drydock_corpus drydock_test_objects drydock)
