// SPDX-License-Identifier: Apache-2.0
#include "contexts/lsm_hooks.h"

#include <algorithm>
#include <array>

namespace drydock {
namespace {

// The words of lsm_hooks.def.
constexpr uint32_t none = 0, sleepable = kLsmSleepable, disabled = kLsmDisabled,
                   untrusted = kLsmUntrusted, boolean = kLsmBoolean,
                   current_task = kLsmCurrentTask, locked_sock = kLsmLockedSock,
                   fresh_sock = kLsmFreshSock, allocation = kLsmAllocation;

constexpr auto kHooks = std::to_array<LsmHook>({
#define DRYDOCK_LSM_HOOK(name, returns, flags) \
  {#name, std::string_view(#returns) == "void", (flags)},
#include "contexts/lsm_hooks.def"
#undef DRYDOCK_LSM_HOOK
});

using Index = std::array<uint16_t, kHooks.size()>;

// Rows by name, for a binary search; the rows themselves keep the kernel's order.
constexpr Index kByName = [] {
  Index index{};
  for (size_t i = 0; i < index.size(); ++i) index[i] = static_cast<uint16_t>(i);
  std::ranges::sort(index, {}, [](uint16_t i) { return kHooks[i].name; });
  return index;
}();

static_assert(std::ranges::adjacent_find(kByName, {}, [](uint16_t i) { return kHooks[i].name; }) ==
                  kByName.end(),
              "a hook has two rows");

constexpr int32_t kLargestErrno = 4095;

}  // namespace

const LsmHook* lsm_hook(std::string_view name) {
  constexpr std::string_view kPrefix = "bpf_lsm_";
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  auto at = std::ranges::lower_bound(kByName, name, {}, [](uint16_t i) { return kHooks[i].name; });
  return at != kByName.end() && kHooks[*at].name == name ? &kHooks[*at] : nullptr;
}

std::span<const LsmHook> all_lsm_hooks() { return kHooks; }

std::optional<ReturnRange> lsm_return_range(const LsmHook& hook) {
  if (hook.is_void) return std::nullopt;
  return hook.has(kLsmBoolean) ? ReturnRange{0, 1} : ReturnRange{-kLargestErrno, 0};
}

}  // namespace drydock
