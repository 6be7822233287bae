// SPDX-License-Identifier: Apache-2.0
// Every hook of the security framework asked which programs it takes: plain, sleepable, for a
// cgroup, and what each may return.
#pragma once

#include <functional>
#include <string>

#include "answers/host_bpf.h"
#include "contexts/lsm_hooks.h"
#include "kernel/profile.h"
#include "kernel/uapi.h"

namespace drydock::testing {

struct LsmQuestion {
  std::string_view hook;
  AttachType attach{};
  bool sleepable = false;
  int32_t returns = 0;
};

using LsmOracle = std::function<bool(const LsmQuestion&)>;

/// One line a kind of program, with the returned values that are good: "lsm_mac: -4095 -1 0".
std::string ask_about_hook(const LsmHook& hook, const LsmOracle& oracle);

LsmOracle lsm_rows_oracle(const Profile& profile);
/// What one says who is given a small program for each question: host() or a verifier.
LsmOracle lsm_oracle(const Profile& profile, Asked asked);

/// Whether the running kernel loads LSM programs (it needs trampolines).
bool lsm_can_be_asked(const Profile& profile);

}  // namespace drydock::testing
