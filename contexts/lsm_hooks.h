// SPDX-License-Identifier: Apache-2.0
// What a kernel lets BPF do at each hook of the security framework: one row a hook in
// lsm_hooks.def. Kernel's counterpart: the id sets of its BPF LSM.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/profile.h"

namespace drydock {

enum LsmHookFlag : uint32_t {
  kLsmSleepable = 1u << 0,    // a sleepable program may attach
  kLsmDisabled = 1u << 1,     // no program may attach
  kLsmUntrusted = 1u << 2,    // pointer arguments are not trusted
  kLsmBoolean = 1u << 3,      // returns 0 or 1
  kLsmCurrentTask = 1u << 4,  // lsm_cgroup runs for the current task, whatever the arguments
  kLsmLockedSock = 1u << 5,   // lsm_cgroup may set and get options of the (locked) socket
  kLsmFreshSock = 1u << 6,    // the same, of a socket nobody else has yet
};

struct LsmHook {
  std::string_view name;  // "socket_bind"
  bool is_void = false;
  uint32_t flags = 0;

  /// In that kernel, and in any kernel.
  bool has(LsmHookFlag flag, const Profile& profile) const;
  bool ever_has(LsmHookFlag flag) const { return flags & flag; }
};

/// The hook of that name, with or without the "bpf_lsm_" that its BTF function has; nullptr when
/// no row has it.
const LsmHook* lsm_hook(std::string_view name);

/// Whether that kernel has the hook: its BTF declares the function.
bool has_lsm_hook(const LsmHook& hook, const Profile& profile);

/// All hooks, in the kernel's order.
std::span<const LsmHook> all_lsm_hooks();

/// The values a program at that hook may return; nullopt for anything (a void hook; a kernel that
/// does not look).
struct ReturnRange {
  int32_t min = 0, max = 0;
  bool operator==(const ReturnRange&) const = default;
};
std::optional<ReturnRange> lsm_return_range(const LsmHook& hook, const Profile& profile);

}  // namespace drydock
