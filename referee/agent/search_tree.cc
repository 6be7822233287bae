// SPDX-License-Identifier: Apache-2.0
// Four functions of elfutils' private library that the static libelf of Debian 13 asks for and does
// not bring: trees of tsearch(3). Only these functions look into a tree, whose first word is its
// root. One thread uses them, so they need no lock. Weak: where libelf has its own, those are used.
#include <search.h>

extern "C" {

using Compare = int (*)(const void*, const void*);

[[gnu::weak]] void eu_search_tree_init(void** tree) { *tree = nullptr; }
[[gnu::weak]] void eu_search_tree_fini(void** tree, void (*free_node)(void*)) {
  tdestroy(*tree, free_node);
  *tree = nullptr;
}
[[gnu::weak]] void* eu_tsearch(const void* key, void** tree, Compare compare) {
  return tsearch(key, tree, compare);
}
[[gnu::weak]] void* eu_tdelete(const void* key, void** tree, Compare compare) {
  return tdelete(key, tree, compare);
}

}  // extern "C"
