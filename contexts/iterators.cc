// SPDX-License-Identifier: Apache-2.0
#include "contexts/iterators.h"

#include <algorithm>
#include <string>

namespace drydock {
namespace {

// The words of iterators.def.
constexpr bool resched = true, steady = false;
constexpr IteratorArg object(uint32_t slot, std::string_view type) {
  return {8 * slot, kPtrToBtfId | kPtrMaybeNull, type};
}
constexpr IteratorArg trusted(uint32_t slot, std::string_view type) {
  return {8 * slot, kPtrToBtfId | kPtrMaybeNull | kPtrTrusted, type};
}
constexpr IteratorArg key(uint32_t slot) {
  return {8 * slot, kPtrToBuf | kPtrMaybeNull | kMemRdonly};
}
constexpr IteratorArg value(uint32_t slot) { return {8 * slot, kPtrToBuf | kPtrMaybeNull}; }

constexpr auto kIterators = std::to_array<Iterator>({
#define DRYDOCK_ITERATOR(target, scheduling, ...) {#target, scheduling, {__VA_ARGS__}},
#include "contexts/iterators.def"
#undef DRYDOCK_ITERATOR
});
static_assert(std::ranges::is_sorted(kIterators, {}, &Iterator::target));

constexpr std::string_view kPrefix = "bpf_iter_";

}  // namespace

const IteratorArg* Iterator::arg_at(uint32_t offset) const {
  for (const IteratorArg& arg : args)
    if (arg.type != 0 && arg.offset == offset) return &arg;
  return nullptr;
}

const Iterator* iterator_named(std::string_view name) {
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  auto at = std::ranges::lower_bound(kIterators, name, {}, &Iterator::target);
  return at != kIterators.end() && at->target == name ? &*at : nullptr;
}

std::span<const Iterator> all_iterators() { return kIterators; }

bool has_iterator(const Iterator& iterator, const Profile& profile) {
  return profile.btf()->find(std::string(kPrefix) + std::string(iterator.target), BtfKind::kFunc) !=
         0;
}

}  // namespace drydock
