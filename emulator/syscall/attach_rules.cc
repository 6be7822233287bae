// SPDX-License-Identifier: Apache-2.0
#include "emulator/syscall/attach_rules.h"

#include <algorithm>
#include <cerrno>

#include "contexts/program_rules.h"

namespace drydock::syscall_impl {
namespace {

using P = ProgramType;

// Program types whose attach types PROG_ATTACH and LINK_CREATE tell apart by themselves; the rest
// (kprobes, perf events, sched_cls, netfilter) has rules of its own below.
constexpr P kByAttachType[] = {P::kCgroupSkb,    P::kCgroupSock,    P::kCgroupSockAddr,
                               P::kSockOps,      P::kCgroupDevice,  P::kSkMsg,
                               P::kSkSkb,        P::kLircMode2,     P::kFlowDissector,
                               P::kCgroupSysctl, P::kCgroupSockopt, P::kTracing,
                               P::kLsm,          P::kSkLookup,      P::kXdp};
// More than one program type has them, or they are no type of PROG_ATTACH.
constexpr AttachType kXdpOnly = AttachType::kXdp;

constexpr P kOfCgroups[] = {P::kCgroupSkb,    P::kCgroupSock,   P::kCgroupSockAddr, P::kSockOps,
                            P::kCgroupDevice, P::kCgroupSysctl, P::kCgroupSockopt};

bool is_one_of(AttachType type, std::initializer_list<AttachType> set) {
  return std::ranges::find(set, type) != set.end();
}

}  // namespace

ProgramType program_type_of(AttachType type) {
  using A = AttachType;
  if (is_one_of(type, {A::kTcxIngress, A::kTcxEgress, A::kNetkitPrimary, A::kNetkitPeer}))
    return P::kSchedCls;
  for (P candidate : kByAttachType) {
    if (candidate == P::kXdp && type != kXdpOnly) continue;
    const ProgramRules* rules = program_rules(candidate);
    if (rules && has(rules->attach_types, type)) return candidate;
  }
  return P::kUnspec;
}

bool attaches_to_cgroup(AttachType type) {
  return type == AttachType::kLsmCgroup ||
         std::ranges::count(kOfCgroups, program_type_of(type)) > 0;
}

int64_t check_attach_type(const ProgramObject& program, AttachType type, bool net_admin) {
  using A = AttachType;
  const A expected = program.input.expected_attach_type;
  auto only = [](bool good) -> int64_t { return good ? 0 : -EINVAL; };
  switch (program.input.type) {
    case P::kCgroupSock:
    case P::kCgroupSockAddr:
    case P::kCgroupSockopt:
    case P::kSkLookup: return only(type == expected);
    case P::kCgroupSkb: return net_admin ? only(program_type_of(type) == P::kCgroupSkb) : -EPERM;
    case P::kExt: return 0;
    case P::kNetfilter: return only(type == A::kNetfilter);
    case P::kPerfEvent:
    case P::kTracepoint: return only(type == A::kPerfEvent);
    case P::kKprobe: {
      auto multi = {A::kTraceKprobeMulti, A::kTraceKprobeSession, A::kTraceUprobeMulti,
                    A::kTraceUprobeSession};
      if (is_one_of(expected, multi)) return only(type == expected);
      return only(type == A::kPerfEvent || is_one_of(type, multi));
    }
    case P::kSchedCls: return only(program_type_of(type) == P::kSchedCls);
    default: return only(program_type_of(type) == program.input.type);
  }
}

}  // namespace drydock::syscall_impl
