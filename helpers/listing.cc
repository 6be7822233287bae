// SPDX-License-Identifier: Apache-2.0
#include "helpers/listing.h"

#include <algorithm>

#include "contexts/program_rules.h"
#include "helpers/allowlists.h"
#include "helpers/helper_ids.h"

namespace drydock {
namespace {

std::string memory_text(const HelperArg& arg) {
  std::string text = arg.type & kMemUninit  ? "out memory"
                     : arg.type & kMemWrite ? "in-out memory"
                                            : "memory";
  if (arg.type & kMemFixedSize) text += " of " + std::to_string(arg.size);
  return text;
}

std::string dynptr_text(ArgType type) {
  if (type & kMemUninit) return "new dynptr";
  return type & kObjRelease ? "released dynptr" : "dynptr";
}

std::string pointer_to(std::string_view btf_type) {
  return btf_type.empty() ? "kernel object" : "struct " + std::string(btf_type);
}

std::string base_text(const HelperArg& arg) {
  switch (base_type(arg.type)) {
    case kArgConstMapPtr: return "map";
    case kArgPtrToMapKey: return "key";
    case kArgPtrToMapValue: return arg.type & kMemUninit ? "out value" : "value";
    case kArgPtrToMem: return memory_text(arg);
    case kArgPtrToArena: return "arena";
    case kArgConstSize: return "size";
    case kArgConstSizeOrZero: return "size or 0";
    case kArgConstAllocSizeOrZero: return "constant size or 0";
    case kArgPtrToCtx: return "ctx";
    case kArgAnything:
    case kArgNumber: return "number";
    case kArgPtrToSpinLock: return "spin lock";
    case kArgPtrToSockCommon: return "sock_common";
    case kArgPtrToSocket: return "socket";
    case kArgPtrToBtfId: return pointer_to(arg.btf_type);
    case kArgPtrToRingbufMem: return "ring buffer record";
    case kArgPtrToBtfIdSockCommon: return "struct sock_common or socket";
    case kArgPtrToPercpuBtfId: return "per-CPU variable";
    case kArgPtrToFunc: return "callback";
    case kArgPtrToStack: return "stack";
    case kArgPtrToConstStr: return "constant string";
    case kArgPtrToTimer: return "timer";
    case kArgKptrXchgDest: return "kptr field";
    case kArgPtrToDynptr: return dynptr_text(arg.type);
    default: return "?";
  }
}

std::string return_text(const HelperRow& row) {
  std::string text;
  switch (base_type(row.ret)) {
    case kRetInteger: return "number";
    case kRetVoid: return "nothing";
    case kRetPtrToMapValue: text = "value"; break;
    case kRetPtrToSocket: text = "socket"; break;
    case kRetPtrToTcpSock: text = "tcp_sock"; break;
    case kRetPtrToSockCommon: text = "sock_common"; break;
    case kRetPtrToMem: text = row.ret & kMemRingbuf ? "ring buffer record" : "memory"; break;
    case kRetPtrToMemOrBtfId: text = "per-CPU variable"; break;
    case kRetPtrToBtfId: text = pointer_to(row.ret_btf_type); break;
    default: break;
  }
  return row.ret & kPtrMaybeNull ? text + " or null" : text;
}

// The attach types under which a program type can be loaded; one 0 where it looks at none.
std::vector<AttachType> attach_types_of(const ProgramRules& rules, const Profile& profile) {
  std::vector<AttachType> types;
  if (!rules.attach_type_checked) types.push_back(AttachType{});
  for (AttachType type : all_attach_types())
    if (has(rules.attach_types, type) && has_attach_type(type, profile)) types.push_back(type);
  return types;
}

bool may_call(HelperId id, const ProgramRules& rules, const Profile& profile) {
  // What a grant asks of the target is met by one of these.
  constexpr std::string_view kTargets[] = {"", "bpf_iter_tcp", "bpf_lsm_sock_graft"};
  for (AttachType attach : attach_types_of(rules, profile))
    for (std::string_view target : kTargets)
      for (std::string_view struct_ops : {"", "tcp_congestion_ops"}) {
        CallSite site{.program_type = rules.type,
                      .attach_type = attach,
                      .attach_func = target,
                      .struct_ops = struct_ops,
                      .sleepable = true};
        if (helper_for(id, site, profile).kind == HelperAvailability::Kind::kAllowed) return true;
      }
  return false;
}

}  // namespace

std::vector<HelperListing> list_helpers(const Profile& profile) {
  std::vector<HelperListing> listing;
  for (HelperId id = 1; id < helper_count(); ++id) {
    HelperListing helper{.row = helper_row(id)};
    for (const ProgramRules& rules : all_program_rules())
      if (has_program_type(rules.type, profile) && may_call(id, rules, profile))
        helper.callers.push_back(rules.type);
    if (!helper.callers.empty()) listing.push_back(std::move(helper));
  }
  return listing;
}

std::vector<HelperListing> list_helpers(const Profile& profile, const CallSite& site) {
  std::vector<HelperListing> listing;
  for (HelperId id = 1; id < helper_count(); ++id) {
    HelperAvailability answer = helper_for(id, site, profile);
    if (answer.kind == HelperAvailability::Kind::kAllowed && answer.allowed_at_hook)
      listing.push_back({.row = answer.row, .callers = {site.program_type}});
  }
  return listing;
}

bool is_emulated(HelperId id) {
  return helper_function(id) != nullptr || id == helper_id::tail_call;
}

std::string prototype_text(const HelperRow& row) {
  std::string text = return_text(row) + " (";
  for (size_t i = 0; i < row.args.size() && row.args[i].type != kArgNone; ++i) {
    if (i > 0) text += ", ";
    text += base_text(row.args[i]);
    if (row.args[i].type & kPtrMaybeNull) text += " or null";
  }
  return text + ")";
}

std::string flags_text(const HelperRow& row) {
  std::string text;
  for (auto [flag, word] : {std::pair{kHelperGplOnly, "gpl"},
                            {kHelperMightSleep, "may sleep"},
                            {kHelperPacketAccess, "takes packet pointers"},
                            {kHelperChangesPacketData, "moves the packet"},
                            {kHelperFastcall, "fastcall"}})
    if (row.flags & flag) text += (text.empty() ? "" : ", ") + std::string(word);
  return text;
}

}  // namespace drydock
