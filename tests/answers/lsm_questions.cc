// SPDX-License-Identifier: Apache-2.0
#include "answers/lsm_questions.h"

namespace drydock::testing {
namespace {

constexpr int32_t kReturned[] = {-4096, -4095, -1, 0, 1, 2};

uint32_t function_of(std::string_view hook, const Profile& profile) {
  return profile.btf()->find("bpf_lsm_" + std::string(hook), BtfKind::kFunc);
}

bool may_return(const LsmHook& hook, AttachType attach, int32_t value, const Profile& profile) {
  if (attach == AttachType::kLsmCgroup) return value == 1 || (value == 0 && !hook.is_void);
  auto range = lsm_return_range(hook, profile);
  return !range || (value >= range->min && value <= range->max);
}

}  // namespace

std::string ask_about_hook(const LsmHook& hook, const LsmOracle& oracle) {
  std::string text;
  for (auto [attach, sleepable, label] :
       {std::tuple{AttachType::kLsmMac, false, "lsm"},
        std::tuple{AttachType::kLsmMac, true, "lsm.s"},
        std::tuple{AttachType::kLsmCgroup, false, "lsm_cgroup"}}) {
    std::string good;
    for (int32_t value : kReturned)
      if (oracle({hook.name, attach, sleepable, value})) good += " " + std::to_string(value);
    if (!good.empty()) text += std::string(label) + " may return" + good + "\n";
  }
  return text.empty() ? "nothing\n" : text;
}

LsmOracle lsm_rows_oracle(const Profile& profile) {
  return [&profile](const LsmQuestion& q) {
    const LsmHook* hook = lsm_hook(q.hook);
    if (function_of(q.hook, profile) == 0 || hook->has(kLsmDisabled, profile)) return false;
    if (q.sleepable && !hook->has(kLsmSleepable, profile)) return false;
    return may_return(*hook, q.attach, q.returns, profile);
  };
}

LsmOracle lsm_oracle(const Profile& profile, Asked asked) {
  return [&profile, asked = std::move(asked)](const LsmQuestion& q) {
    uint32_t function = function_of(q.hook, profile);
    if (function == 0) return false;
    const isa::Insn insns[] = {{.code = isa::kAlu64 | isa::kMov, .dst = 0, .imm = q.returns},
                               {.code = isa::kJmp | isa::kExit}};
    return asked({.type = ProgramType::kLsm,
                  .attach = q.attach,
                  .insns = insns,
                  .flags = q.sleepable ? kLoadSleepable : 0,
                  .attach_btf_id = function});
  };
}

bool lsm_can_be_asked(const Profile& profile) {
  return lsm_oracle(profile, host())({"file_open", AttachType::kLsmMac, false, 0});
}

}  // namespace drydock::testing
