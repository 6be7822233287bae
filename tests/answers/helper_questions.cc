// SPDX-License-Identifier: Apache-2.0
#include "answers/helper_questions.h"

#include <algorithm>

#include "contexts/iterators.h"
#include "contexts/lsm_hooks.h"
#include "contexts/program_rules.h"

namespace drydock::testing {
namespace {

constexpr std::string_view kMayBeCalled = "may be called";

uint32_t find(const Profile& profile, std::string_view name, BtfKind kind) {
  return profile.btf()->find(name, kind);
}

void add(std::vector<HelperAsker>& askers, HelperAsker asker, std::string_view target = {}) {
  const CallSite& site = asker.site;
  const ProgramRules& rules = *program_rules(site.program_type);
  bool none = static_cast<uint32_t>(site.attach_type) == 0 && !rules.attach_type_checked;
  asker.name = std::string(name_of(site.program_type)) + " " +
               (none ? "-" : std::string(name_of(site.attach_type)));
  if (!target.empty()) asker.name += " " + std::string(target);
  if (site.sleepable && !must_be_sleepable(site.program_type)) asker.name += " sleepable";
  if (site.sleepable) asker.load_flags |= kLoadSleepable;
  askers.push_back(asker);
}

// Both what is loaded plainly and, where the kernel lets it, as sleepable.
void add_both(std::vector<HelperAsker>& askers, HelperAsker asker, std::string_view target = {}) {
  asker.site.sleepable = must_be_sleepable(asker.site.program_type);
  add(askers, asker, target);
  if (asker.site.sleepable || !can_be_sleepable(asker.site.program_type, asker.site.attach_type))
    return;
  asker.site.sleepable = true;
  add(askers, asker, target);
}

void add_iterators(std::vector<HelperAsker>& askers, const Profile& profile) {
  for (const Iterator& iterator : all_iterators()) {
    std::string function = "bpf_iter_" + std::string(iterator.target);
    uint32_t id = find(profile, function, BtfKind::kFunc);
    if (id == 0) continue;
    // The names live as long as the table of iterators.
    add_both(askers,
             {.site = {.program_type = ProgramType::kTracing,
                       .attach_type = AttachType::kTraceIter,
                       .attach_func = profile.btf()->name_of(id)},
              .attach_btf_id = id,
              .load_attach = AttachType::kTraceIter},
             iterator.target);
  }
}

void add_congestion_members(std::vector<HelperAsker>& askers, const Profile& profile) {
  const Btf& btf = *profile.btf();
  uint32_t id = find(profile, "tcp_congestion_ops", BtfKind::kStruct);
  if (id == 0) return;
  auto members = btf.type(id)->members();
  for (uint32_t index = 0; index < members.size(); ++index) {
    std::string_view member = btf.name_of(members[index]);
    if (member != "init" && member != "release" && member != "ssthresh") continue;
    add(askers,
        {.site = {.program_type = ProgramType::kStructOps,
                  .attach_type = static_cast<AttachType>(index),
                  .attach_func = member,
                  .struct_ops = "tcp_congestion_ops"},
         .attach_btf_id = id,
         .load_attach = static_cast<AttachType>(index)},
        "tcp_congestion_ops." + std::string(member));
    askers.back().name = "struct_ops tcp_congestion_ops." + std::string(member);
  }
}

// A kernel function that a program is attached to, plainly and where it may be as sleepable.
void add_traced(std::vector<HelperAsker>& askers, const Profile& profile, AttachType attach,
                std::string_view function, bool sleepable_too = false) {
  uint32_t id = find(profile, function, BtfKind::kFunc);
  if (id == 0) return;
  HelperAsker asker{.site = {.program_type = ProgramType::kTracing,
                             .attach_type = attach,
                             .attach_func = profile.btf()->name_of(id)},
                    .attach_btf_id = id,
                    .load_attach = attach,
                    .trampoline = true};
  add(askers, asker, function);
  if (!sleepable_too) return;
  asker.site.sleepable = true;
  add(askers, asker, function);
}

void add_traced_functions(std::vector<HelperAsker>& askers, const Profile& profile) {
  using enum AttachType;
  add_traced(askers, profile, kTraceFentry, "bpf_fentry_test1", true);
  add_traced(askers, profile, kTraceFexit, "bpf_fentry_test1", true);
  add_traced(askers, profile, kModifyReturn, "bpf_modify_return_test");
  add_traced(askers, profile, kModifyReturn, "security_file_open");
  add_traced(askers, profile, kTraceFentry, "vfs_truncate");         // may resolve paths
  add_traced(askers, profile, kTraceFexit, "bpf_sk_storage_clone");  // may not use socket storage
}

void add_lsm(std::vector<HelperAsker>& askers, const Profile& profile, AttachType attach,
             std::string_view hook) {
  uint32_t id = find(profile, "bpf_lsm_" + std::string(hook), BtfKind::kFunc);
  if (id == 0) return;
  HelperAsker asker{.site = {.program_type = ProgramType::kLsm,
                             .attach_type = attach,
                             .attach_func = profile.btf()->name_of(id)},
                    .attach_btf_id = id,
                    .load_attach = attach,
                    .trampoline = true};
  add(askers, asker, hook);
  if (!lsm_hook(hook)->has(kLsmSleepable)) return;
  asker.site.sleepable = true;
  add(askers, asker, hook);
}

// A hook of each kind: sleepable or not, void or not, with sockets locked, fresh and neither.
void add_lsm_hooks(std::vector<HelperAsker>& askers, const Profile& profile) {
  for (std::string_view hook : {"file_open", "file_mprotect", "bprm_committed_creds", "task_free"})
    add_lsm(askers, profile, AttachType::kLsmMac, hook);
  for (std::string_view hook : {"socket_bind", "socket_post_create", "sock_graft",
                                "inet_csk_clone", "sk_alloc_security", "file_open"})
    add_lsm(askers, profile, AttachType::kLsmCgroup, hook);
}

void add_by_btf(std::vector<HelperAsker>& askers, const Profile& profile) {
  uint32_t tracepoint = find(profile, "btf_trace_sched_switch", BtfKind::kTypedef);
  add_both(askers,
           {.site = {.program_type = ProgramType::kTracing,
                     .attach_type = AttachType::kTraceRawTp,
                     .attach_func = "sched_switch"},
            .attach_btf_id = tracepoint,
            .load_attach = AttachType::kTraceRawTp});
  add_traced_functions(askers, profile);
  add_iterators(askers, profile);
  add_lsm_hooks(askers, profile);
  add_congestion_members(askers, profile);
}

}  // namespace

std::vector<HelperAsker> helper_askers(const Profile& profile) {
  std::vector<HelperAsker> askers;
  for (const ProgramRules& rules : all_program_rules()) {
    if (!has_program_type(rules.type, profile) || rules.attaches_by_btf) continue;
    std::vector<AttachType> attach_types;
    if (!rules.attach_type_checked) attach_types.push_back(AttachType{});
    for (AttachType type : all_attach_types())
      if (has(rules.attach_types, type) && has_attach_type(type, profile))
        attach_types.push_back(type);
    for (AttachType attach : attach_types)
      add_both(askers, {.site = {.program_type = rules.type, .attach_type = attach},
                        .load_attach = attach});
  }
  add_by_btf(askers, profile);
  size_t with_gpl = askers.size();
  for (size_t i = 0; i < with_gpl; ++i) {
    HelperAsker asker = askers[i];
    // LSM and struct_ops programs need a GPL licence to load at all.
    if (asker.site.program_type == ProgramType::kStructOps ||
        asker.site.program_type == ProgramType::kLsm)
      continue;
    asker.site.gpl = false;
    asker.name += " not-gpl";
    askers.push_back(asker);
  }
  return askers;
}

std::string without_helper(std::string text, HelperId id) {
  const HelperRow* row = helper_row(id);
  std::string name = (row ? "bpf_" + std::string(row->name) : id == 0 ? "bpf_unspec" : "unknown") +
                     "#" + std::to_string(id);
  for (size_t at; (at = text.find(name)) != std::string::npos;)
    text.replace(at, name.size(), "%helper");
  return text;
}

std::array<isa::Insn, 3> helper_program(const HelperAsker& asker, HelperId id) {
  ReturnRule rule = return_rule(asker.site.program_type, asker.site.attach_type);
  return {{{.code = isa::kJmp | isa::kCall, .imm = static_cast<int32_t>(id)},
           {.code = isa::kAlu64 | isa::kMov, .dst = 0, .imm = rule.range.max > 0 ? 1 : 0},
           {.code = isa::kJmp | isa::kExit}}};
}

HostQuestion helper_question(const HelperAsker& asker, std::span<const isa::Insn> insns) {
  return {.type = asker.site.program_type,
          .attach = asker.load_attach,
          .insns = insns,
          .license = asker.site.gpl ? "GPL" : "Proprietary",
          .flags = asker.load_flags,
          .attach_btf_id = asker.attach_btf_id};
}

HelperOracle helper_rows_oracle(const Profile& profile) {
  return [&profile](const HelperAsker& asker, HelperId id) -> std::string {
    HelperAvailability answer = helper_for(id, asker.site, profile);
    switch (answer.kind) {
      case HelperAvailability::Kind::kUnknownId: return "invalid func %helper";
      case HelperAvailability::Kind::kNotForProgram:
        return "program of this type cannot use helper %helper";
      case HelperAvailability::Kind::kAllowed: break;
    }
    const HelperRow& row = *answer.row;
    if (!asker.site.gpl && (row.flags & kHelperGplOnly))
      return "cannot call GPL-restricted function from non-GPL compatible program";
    if (!answer.allowed_at_hook) return "helper call is not allowed in probe";
    if (!asker.site.sleepable && (row.flags & kHelperMightSleep))
      return "helper call might sleep in a non-sleepable prog";
    return std::string(kMayBeCalled);
  };
}

HelperOracle helper_host_oracle() {
  return [](const HelperAsker& asker, HelperId id) -> std::string {
    auto insns = helper_program(asker, id);
    return without_helper(host_message(helper_question(asker, insns)), id);
  };
}

std::string about_calling(std::string_view message) {
  constexpr std::string_view kOwn[] = {"invalid func", "program of this type cannot use",
                                       "cannot call GPL-restricted", "helper call is not allowed",
                                       "helper call might sleep", "no message"};
  for (std::string_view own : kOwn)
    if (message.starts_with(own)) return std::string(message);
  return std::string(kMayBeCalled);
}

}  // namespace drydock::testing
