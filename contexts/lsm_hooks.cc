// SPDX-License-Identifier: Apache-2.0
#include "contexts/lsm_hooks.h"

#include <algorithm>
#include <array>
#include <string>

#include "kernel/features.h"

namespace drydock {
namespace {

// The words of lsm_hooks.def.
constexpr uint32_t none = 0, sleepable = kLsmSleepable, disabled = kLsmDisabled,
                   untrusted = kLsmUntrusted, boolean = kLsmBoolean, current_task = kLsmCurrentTask,
                   locked_sock = kLsmLockedSock, fresh_sock = kLsmFreshSock;

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

// Flags that some kernels do not know, of one hook or ("") of all that no line before names. A flag
// of no line has always been there. Which stable release brought a correction is not known: the
// oldest one is named that was seen to have it.
struct Period {
  LsmHookFlag flag;
  std::string_view hook, since, until;
};
constexpr Period kPeriods[] = {
    {kLsmSleepable, "bprm_committed_creds", "5.10", ""},
    {kLsmSleepable, "inet_conn_established", "5.11", "6.18 6.12.94"},
    {kLsmSleepable, "task_to_inode", "5.11", "6.18 6.12.94 6.1.191"},
    {kLsmSleepable, "bpf_prog_free", "6.16", "6.18"},
    {kLsmSleepable, "inode_post_removexattr", "6.13", ""},
    {kLsmSleepable, "inode_removexattr", "6.13", ""},
    {kLsmSleepable, "path_chmod", "6.3", ""},
    {kLsmSleepable, "path_chown", "6.3", ""},
    {kLsmSleepable, "path_link", "6.3", ""},
    {kLsmSleepable, "path_mkdir", "6.3", ""},
    {kLsmSleepable, "path_rename", "6.3", ""},
    {kLsmSleepable, "path_rmdir", "6.3", ""},
    {kLsmSleepable, "path_symlink", "6.3", ""},
    {kLsmSleepable, "path_truncate", "6.3", ""},
    {kLsmSleepable, "path_unlink", "6.3", ""},
    {kLsmSleepable, "bdev_alloc_security", "7.0", ""},
    {kLsmSleepable, "bdev_setintegrity", "7.0", ""},
    {kLsmSleepable, "", "5.11", ""},
    {kLsmDisabled, "file_alloc_security", "7.0", ""},
    {kLsmDisabled, "xfrm_decode_session", "7.0 6.12.96 6.1.192", ""},
    {kLsmDisabled, "", "6.1", ""},
    {kLsmUntrusted, "bdev_alloc_security", "7.0", ""},
    {kLsmUntrusted, "bdev_free_security", "7.0", ""},
    {kLsmUntrusted, "", "6.2", ""},
    {kLsmBoolean, "", "6.12", ""},
    {kLsmCurrentTask, "", "6.0", ""},
    {kLsmLockedSock, "", "6.1", ""},
    {kLsmFreshSock, "", "6.1", ""},
};

}  // namespace

const LsmHook* lsm_hook(std::string_view name) {
  constexpr std::string_view kPrefix = "bpf_lsm_";
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  auto at = std::ranges::lower_bound(kByName, name, {}, [](uint16_t i) { return kHooks[i].name; });
  return at != kByName.end() && kHooks[*at].name == name ? &kHooks[*at] : nullptr;
}

bool has_lsm_hook(const LsmHook& hook, const Profile& profile) {
  return profile.btf()->find("bpf_lsm_" + std::string(hook.name), BtfKind::kFunc) != 0;
}

std::span<const LsmHook> all_lsm_hooks() { return kHooks; }

bool LsmHook::has(LsmHookFlag flag, const Profile& profile) const {
  if (flag == kLsmDisabled)
    if (auto takes = profile.probed().lsm(name, "lsm")) return !*takes;
  if (flag == kLsmSleepable)
    if (auto takes = profile.probed().lsm(name, "lsm.s")) return *takes;
  if (!ever_has(flag)) return false;
  for (const Period& period : kPeriods)
    if (period.flag == flag && (period.hook.empty() || period.hook == name))
      return within(profile.version(), period.since, period.until);
  return true;
}

std::optional<ReturnRange> lsm_return_range(const LsmHook& hook, const Profile& profile) {
  if (hook.is_void || !profile.has(Feature::kLsmReturnRanges)) return std::nullopt;
  return hook.has(kLsmBoolean, profile) ? ReturnRange{0, 1} : ReturnRange{-kLargestErrno, 0};
}

}  // namespace drydock
