// SPDX-License-Identifier: Apache-2.0
#include "helpers/callers.h"

#include <algorithm>

#include "contexts/iterators.h"
#include "contexts/lsm_hooks.h"
#include "contexts/program_rules.h"

namespace drydock {
namespace {

constexpr uint32_t kLoadSleepable = 1u << 4;

uint32_t find(const Profile& profile, std::string_view name, BtfKind kind) {
  return profile.btf()->find(name, kind);
}

// The name of a kind of program, `target` being what sets it apart from others of its attach type.
std::string caller_name(const CallSite& site, std::string_view target) {
  if (site.program_type == ProgramType::kStructOps)
    return "struct_ops " + std::string(site.struct_ops) + "." + std::string(site.attach_func);
  const ProgramRules& rules = *program_rules(site.program_type);
  bool none = static_cast<uint32_t>(site.attach_type) == 0 && !rules.attach_type_checked;
  std::string name = std::string(name_of(site.program_type)) + " " +
                     (none ? "-" : std::string(name_of(site.attach_type)));
  if (!target.empty()) name += " " + std::string(target);
  if (site.sleepable && !must_be_sleepable(site.program_type)) name += " sleepable";
  return name;
}

void add(std::vector<Caller>& callers, Caller caller, std::string_view target = {}) {
  caller.name = caller_name(caller.site, target);
  if (caller.site.sleepable) caller.load_flags |= kLoadSleepable;
  callers.push_back(caller);
}

// Both what is loaded plainly and, where the kernel lets it, as sleepable.
void add_both(std::vector<Caller>& callers, Caller caller, const Profile& profile,
              std::string_view target = {}) {
  caller.site.sleepable = must_be_sleepable(caller.site.program_type);
  add(callers, caller, target);
  if (caller.site.sleepable ||
      !can_be_sleepable(caller.site.program_type, caller.site.attach_type, profile))
    return;
  caller.site.sleepable = true;
  add(callers, caller, target);
}

void add_iterators(std::vector<Caller>& callers, const Profile& profile) {
  for (const Iterator& iterator : all_iterators()) {
    std::string function = "bpf_iter_" + std::string(iterator.target);
    uint32_t id = find(profile, function, BtfKind::kFunc);
    if (id == 0) continue;
    // The names live as long as the table of iterators.
    add_both(callers,
             {.site = {.program_type = ProgramType::kTracing,
                       .attach_type = AttachType::kTraceIter,
                       .attach_func = profile.btf()->name_of(id)},
              .attach_btf_id = id,
              .load_attach = AttachType::kTraceIter},
             profile, iterator.target);
  }
}

void add_congestion_members(std::vector<Caller>& callers, const Profile& profile) {
  const Btf& btf = *profile.btf();
  uint32_t id = find(profile, "tcp_congestion_ops", BtfKind::kStruct);
  if (id == 0) return;
  auto members = btf.type(id)->members();
  for (uint32_t index = 0; index < members.size(); ++index) {
    std::string_view member = btf.name_of(members[index]);
    if (member != "init" && member != "release" && member != "ssthresh") continue;
    add(callers,
        {.site = {.program_type = ProgramType::kStructOps,
                  .attach_type = static_cast<AttachType>(index),
                  .attach_func = member,
                  .struct_ops = "tcp_congestion_ops"},
         .attach_btf_id = id,
         .load_attach = static_cast<AttachType>(index)},
        member);
  }
}

// A kernel function that a program is attached to, plainly and where it may be as sleepable.
void add_traced(std::vector<Caller>& callers, const Profile& profile, AttachType attach,
                std::string_view function, bool sleepable_too = false) {
  uint32_t id = find(profile, function, BtfKind::kFunc);
  if (id == 0) return;
  Caller caller{.site = {.program_type = ProgramType::kTracing,
                         .attach_type = attach,
                         .attach_func = profile.btf()->name_of(id)},
                .attach_btf_id = id,
                .load_attach = attach,
                .trampoline = true};
  add(callers, caller, function);
  if (!sleepable_too) return;
  caller.site.sleepable = true;
  add(callers, caller, function);
}

void add_traced_functions(std::vector<Caller>& callers, const Profile& profile) {
  using enum AttachType;
  add_traced(callers, profile, kTraceFentry, "bpf_fentry_test1", true);
  add_traced(callers, profile, kTraceFexit, "bpf_fentry_test1", true);
  add_traced(callers, profile, kModifyReturn, "bpf_modify_return_test");
  add_traced(callers, profile, kModifyReturn, "security_file_open");
  add_traced(callers, profile, kTraceFentry, "vfs_truncate");         // may resolve paths
  add_traced(callers, profile, kTraceFexit, "bpf_sk_storage_clone");  // may not use socket storage
}

void add_lsm(std::vector<Caller>& callers, const Profile& profile, AttachType attach,
             std::string_view hook) {
  uint32_t id = find(profile, "bpf_lsm_" + std::string(hook), BtfKind::kFunc);
  if (id == 0) return;
  Caller caller{.site = {.program_type = ProgramType::kLsm,
                         .attach_type = attach,
                         .attach_func = profile.btf()->name_of(id)},
                .attach_btf_id = id,
                .load_attach = attach,
                .trampoline = true};
  add(callers, caller, hook);
  if (!lsm_hook(hook)->ever_has(kLsmSleepable)) return;
  caller.site.sleepable = true;
  add(callers, caller, hook);
}

// A hook of each kind: sleepable or not, void or not, with sockets locked, fresh and neither.
void add_lsm_hooks(std::vector<Caller>& callers, const Profile& profile) {
  for (std::string_view hook : {"file_open", "file_mprotect", "bprm_committed_creds", "task_free"})
    add_lsm(callers, profile, AttachType::kLsmMac, hook);
  for (std::string_view hook : {"socket_bind", "socket_post_create", "sock_graft", "inet_csk_clone",
                                "sk_alloc_security", "file_open"})
    add_lsm(callers, profile, AttachType::kLsmCgroup, hook);
}

void add_by_btf(std::vector<Caller>& callers, const Profile& profile) {
  uint32_t tracepoint = find(profile, "btf_trace_sched_switch", BtfKind::kTypedef);
  add_both(callers,
           {.site = {.program_type = ProgramType::kTracing,
                     .attach_type = AttachType::kTraceRawTp,
                     .attach_func = "sched_switch"},
            .attach_btf_id = tracepoint,
            .load_attach = AttachType::kTraceRawTp},
           profile);
  add_traced_functions(callers, profile);
  add_iterators(callers, profile);
  add_lsm_hooks(callers, profile);
  add_congestion_members(callers, profile);
}

}  // namespace

// What the kernel's function is called where it sets the program apart.
static std::string_view target_of(const CallSite& site) {
  auto behind = [&](std::string_view prefix) {
    std::string_view name = site.attach_func;
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    return name;
  };
  switch (site.attach_type) {
    case AttachType::kTraceRawTp: return {};  // one tracepoint stands for all
    case AttachType::kTraceIter: return behind("bpf_iter_");
    case AttachType::kLsmMac:
    case AttachType::kLsmCgroup: return behind("bpf_lsm_");
    default: return site.attach_func;
  }
}

const ProbedCaller* probed_caller(const CallSite& site, const Profile& profile) {
  const auto& callers = profile.probed().callers;
  if (callers.empty() || site.extends_program || !program_rules(site.program_type)) return nullptr;
  auto at = callers.find(caller_name(site, target_of(site)));
  return at == callers.end() ? nullptr : &at->second;
}

std::vector<Caller> all_callers(const Profile& profile, bool unknown_too) {
  std::vector<Caller> callers;
  for (const ProgramRules& rules : all_program_rules()) {
    if (rules.attaches_by_btf || !(unknown_too || has_program_type(rules.type, profile))) continue;
    std::vector<AttachType> attach_types;
    if (!rules.attach_type_checked) attach_types.push_back(AttachType{});
    for (AttachType type : all_attach_types())
      if (has(rules.attach_types, type) && (unknown_too || has_attach_type(type, profile)))
        attach_types.push_back(type);
    for (AttachType attach : attach_types)
      add_both(callers,
               {.site = {.program_type = rules.type, .attach_type = attach}, .load_attach = attach},
               profile);
  }
  add_by_btf(callers, profile);
  for (Caller& caller : callers) caller.site.probed = probed_caller(caller.site, profile);
  size_t with_gpl = callers.size();
  for (size_t i = 0; i < with_gpl; ++i) {
    Caller caller = callers[i];
    // LSM and struct_ops programs need a GPL licence to load at all.
    if (caller.site.program_type == ProgramType::kStructOps ||
        caller.site.program_type == ProgramType::kLsm)
      continue;
    caller.site.gpl = false;
    caller.name += " not-gpl";
    callers.push_back(caller);
  }
  return callers;
}

}  // namespace drydock
