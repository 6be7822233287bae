// SPDX-License-Identifier: Apache-2.0
#include "contexts/program_rules.h"

#include <algorithm>
#include <array>

#include "kernel/features.h"

namespace drydock {
namespace {

using enum ProgramType;
using A = AttachType;

constexpr AttachSet kSockAddrHooks = attached(
    {A::kCgroupInet4Bind, A::kCgroupInet6Bind, A::kCgroupInet4Connect, A::kCgroupInet6Connect,
     A::kCgroupUdp4Sendmsg, A::kCgroupUdp6Sendmsg, A::kCgroupUdp4Recvmsg, A::kCgroupUdp6Recvmsg,
     A::kCgroupInet4Getpeername, A::kCgroupInet6Getpeername, A::kCgroupInet4Getsockname,
     A::kCgroupInet6Getsockname, A::kCgroupUnixConnect, A::kCgroupUnixSendmsg,
     A::kCgroupUnixRecvmsg, A::kCgroupUnixGetpeername, A::kCgroupUnixGetsockname});

// Tunnels may read the packet; only lwt_xmit may write it.
constexpr ProgramRules tunnel(ProgramType type, PacketAccess packet) {
  return {.type = type, .packet = packet, .net_admin = true, .config = "CONFIG_NET"};
}

// clang-format off
constexpr auto kRules = std::to_array<ProgramRules>({
    {.type = kSocketFilter, .load_absolute = true, .unprivileged = true, .config = "CONFIG_NET"},
    {.type = kKprobe,
     .attach_types = attached({A::kTraceKprobeMulti, A::kTraceUprobeMulti, A::kTraceKprobeSession,
                               A::kTraceUprobeSession, A::kPerfEvent}),
     .perfmon = true, .config = "CONFIG_BPF_EVENTS"},
    {.type = kSchedCls,
     .attach_types = attached({A::kTcxIngress, A::kTcxEgress, A::kNetkitPrimary, A::kNetkitPeer}),
     .packet = PacketAccess::kReadWrite, .load_absolute = true, .net_admin = true,
     .config = "CONFIG_NET"},
    {.type = kSchedAct, .packet = PacketAccess::kReadWrite, .load_absolute = true,
     .net_admin = true, .config = "CONFIG_NET"},
    {.type = kTracepoint, .attach_types = attached({A::kPerfEvent}), .perfmon = true,
     .config = "CONFIG_BPF_EVENTS"},
    {.type = kXdp, .attach_types = attached({A::kXdp, A::kXdpDevmap, A::kXdpCpumap}),
     .packet = PacketAccess::kReadWrite, .net_admin = true, .config = "CONFIG_NET"},
    {.type = kPerfEvent, .attach_types = attached({A::kPerfEvent}), .perfmon = true,
     .config = "CONFIG_BPF_EVENTS"},
    {.type = kCgroupSkb, .attach_types = attached({A::kCgroupInetIngress, A::kCgroupInetEgress}),
     .attach_type_checked = true, .packet = PacketAccess::kRead, .unprivileged = true,
     .config = "CONFIG_CGROUP_BPF"},
    {.type = kCgroupSock,
     .attach_types = attached({A::kCgroupInetSockCreate, A::kCgroupInetSockRelease,
                               A::kCgroupInet4PostBind, A::kCgroupInet6PostBind}),
     .attach_type_checked = true, .zero_means = A::kCgroupInetSockCreate, .net_admin = true,
     .config = "CONFIG_CGROUP_BPF"},
    tunnel(kLwtIn, PacketAccess::kRead),
    tunnel(kLwtOut, PacketAccess::kRead),
    tunnel(kLwtXmit, PacketAccess::kReadWrite),
    {.type = kSockOps, .attach_types = attached({A::kCgroupSockOps}), .net_admin = true,
     .config = "CONFIG_NET"},
    {.type = kSkSkb,
     .attach_types = attached({A::kSkSkbStreamParser, A::kSkSkbStreamVerdict, A::kSkSkbVerdict}),
     .packet = PacketAccess::kReadWrite, .net_admin = true, .config = "CONFIG_NET"},
    {.type = kCgroupDevice, .attach_types = attached({A::kCgroupDevice}), .net_admin = true,
     .config = "CONFIG_CGROUP_BPF"},
    {.type = kSkMsg, .attach_types = attached({A::kSkMsgVerdict}),
     .packet = PacketAccess::kReadWrite, .net_admin = true, .config = "CONFIG_NET"},
    {.type = kRawTracepoint, .perfmon = true, .config = "CONFIG_BPF_EVENTS"},
    {.type = kCgroupSockAddr, .attach_types = kSockAddrHooks, .attach_type_checked = true,
     .net_admin = true, .config = "CONFIG_CGROUP_BPF"},
    tunnel(kLwtSeg6local, PacketAccess::kRead),
    {.type = kLircMode2, .attach_types = attached({A::kLircMode2}),
     .config = "CONFIG_BPF_LIRC_MODE2"},
    {.type = kSkReuseport,
     .attach_types = attached({A::kSkReuseportSelect, A::kSkReuseportSelectOrMigrate}),
     .attach_type_checked = true, .zero_means = A::kSkReuseportSelect,
     .packet = PacketAccess::kRead, .config = "CONFIG_INET"},
    {.type = kFlowDissector, .attach_types = attached({A::kFlowDissector}),
     .packet = PacketAccess::kRead, .net_admin = true, .config = "CONFIG_NET"},
    {.type = kCgroupSysctl, .attach_types = attached({A::kCgroupSysctl}), .net_admin = true,
     .config = "CONFIG_CGROUP_BPF"},
    {.type = kRawTracepointWritable, .perfmon = true, .config = "CONFIG_BPF_EVENTS"},
    {.type = kCgroupSockopt,
     .attach_types = attached({A::kCgroupGetsockopt, A::kCgroupSetsockopt}),
     .attach_type_checked = true, .packet = PacketAccess::kOptionValue, .net_admin = true,
     .config = "CONFIG_CGROUP_BPF"},
    {.type = kTracing,
     .attach_types = attached({A::kTraceRawTp, A::kTraceFentry, A::kTraceFexit, A::kModifyReturn,
                               A::kTraceIter}),
     .perfmon = true, .attaches_by_btf = true, .config = "CONFIG_BPF_EVENTS"},
    {.type = kStructOps, .attach_types = attached({A::kStructOps}), .perfmon = true,
     .attaches_by_btf = true, .config = "CONFIG_BPF_JIT"},
    {.type = kExt, .attach_type_zero_only = true, .net_admin = true, .perfmon = true,
     .attaches_by_btf = true, .config = "CONFIG_BPF_JIT"},
    {.type = kLsm, .attach_types = attached({A::kLsmMac, A::kLsmCgroup}), .perfmon = true,
     .attaches_by_btf = true, .config = "CONFIG_BPF_LSM"},
    {.type = kSkLookup, .attach_types = attached({A::kSkLookup}), .attach_type_checked = true,
     .config = "CONFIG_INET"},
    {.type = kSyscall, .attach_type_zero_only = true, .since = "5.14"},
    {.type = kNetfilter, .attach_types = attached({A::kNetfilter}), .attach_type_checked = true,
     .net_admin = true, .config = "CONFIG_NETFILTER_BPF_LINK", .since = "6.4"},
});
// clang-format on

constexpr bool in_order() {
  for (size_t i = 0; i < kRules.size(); ++i)
    if (static_cast<size_t>(kRules[i].type) != i + 1) return false;
  return true;
}
static_assert(in_order(), "rule i is of program type i + 1");

// Attach types that a kernel of 5.10 did not have yet, by their first release.
struct AttachSince {
  AttachType first;
  Release release;
};
constexpr AttachSince kAttachSince[] = {
    {A::kSkSkbVerdict, {5, 13, 0}},       {A::kSkReuseportSelect, {5, 14, 0}},
    {A::kPerfEvent, {5, 15, 0}},          {A::kTraceKprobeMulti, {5, 18, 0}},
    {A::kLsmCgroup, {6, 0, 0}},           {A::kStructOps, {6, 4, 0}},
    {A::kTcxIngress, {6, 6, 0}},          {A::kCgroupUnixConnect, {6, 7, 0}},
    {A::kTraceKprobeSession, {6, 10, 0}}, {A::kTraceUprobeSession, {6, 13, 0}},
};

// Programs that may be loaded as sleepable; an empty set: whatever they attach to.
struct MaySleep {
  ProgramType type;
  AttachSet attach_types = 0;
  std::string_view since = {}, until = {};
};
constexpr MaySleep kMaySleep[] = {
    {kTracing, attached({A::kTraceFentry, A::kTraceFexit, A::kModifyReturn})},
    {kTracing, attached({A::kTraceIter}), "5.16"},
    {kTracing, attached({A::kTraceRawTp}), "7.1"},
    {kLsm, attached({A::kLsmMac})},
    {kLsm, attached({A::kLsmCgroup}), "6.0", "6.19"},
    {kKprobe, 0, "6.0"},  // uprobes; where it attaches is known later
    {kStructOps, 0, "6.2"},
    {kSyscall},
    {kRawTracepoint, 0, "7.1"},
    {kTracepoint, 0, "7.1"},
};

constexpr ReturnRule range(int32_t min, int32_t max) {
  return {.kind = ReturnRule::Kind::kRange, .range = {min, max}};
}

constexpr ReturnRule of_kind(ReturnRule::Kind kind) { return {.kind = kind}; }

// A hook that answers, and cannot deny.
constexpr AttachSet kAnswersOnly =
    attached({A::kCgroupUdp4Recvmsg, A::kCgroupUdp6Recvmsg, A::kCgroupUnixRecvmsg,
              A::kCgroupInet4Getpeername, A::kCgroupInet6Getpeername, A::kCgroupUnixGetpeername,
              A::kCgroupInet4Getsockname, A::kCgroupInet6Getsockname, A::kCgroupUnixGetsockname});

constexpr AttachSet kBindHooks = attached({A::kCgroupInet4Bind, A::kCgroupInet6Bind});

ReturnRule sock_addr_rule(AttachType attach) {
  if (has(kAnswersOnly, attach)) return range(1, 1);
  // Bit 1 of a bind hook's answer: no CAP_NET_BIND_SERVICE needed.
  if (has(kBindHooks, attach)) return range(0, 3);
  return range(0, 1);
}

ReturnRule tracing_rule(AttachType attach) {
  switch (attach) {
    case A::kTraceFentry:
    case A::kTraceFexit: return range(0, 0);
    case A::kTraceRawTp:
    case A::kModifyReturn: return {};
    case A::kTraceIter: return range(0, 1);
    default: return of_kind(ReturnRule::Kind::kUnsupported);
  }
}

// clang-format off
constexpr auto kSections = [] {
  constexpr uint32_t plain = 0, sleepable = 1, frags = 2, btf = 4, optional = 8;
  constexpr std::optional<AttachType> none;
  using enum AttachType;
  using P = ProgramType;
  auto row = [](std::string_view name, ProgramType type, std::optional<AttachType> attach,
                uint32_t flags) {
    return SectionRule{name, type, attach, bool(flags & sleepable), bool(flags & frags),
                       bool(flags & btf), bool(flags & optional)};
  };
  (void)plain;
  return std::to_array<SectionRule>({
#define DRYDOCK_SECTION(name, type, attach, flags) row(name, P::type, attach, flags),
#include "contexts/sections.def"
#undef DRYDOCK_SECTION
  });
}();
// clang-format on

}  // namespace

const ProgramRules* program_rules(ProgramType type) {
  auto index = static_cast<size_t>(type);
  return index >= 1 && index <= kRules.size() ? &kRules[index - 1] : nullptr;
}

std::span<const ProgramRules> all_program_rules() { return kRules; }

bool has_program_type(ProgramType type, const Profile& profile) {
  const ProgramRules* rules = program_rules(type);
  if (!rules) return false;
  if (!within(profile.version(), rules->since, "")) return false;
  return rules->config.empty() || profile.config_enabled(rules->config);
}

bool has_attach_type(AttachType type, const Profile& profile) {
  Release needed{};
  for (const AttachSince& row : kAttachSince)
    if (type >= row.first) needed = row.release;
  return !name_of(type).empty() && profile.version() >= needed;
}

// A kernel older than all attach types of a program type does not look at them.
static bool no_attach_type_known(const ProgramRules& rules, const Profile& profile) {
  return std::ranges::none_of(all_attach_types(), [&](AttachType attach) {
    return has(rules.attach_types, attach) && has_attach_type(attach, profile);
  });
}

AttachType stored_attach_type(ProgramType type, AttachType given) {
  const ProgramRules* rules = program_rules(type);
  bool zero = static_cast<uint32_t>(given) == 0;
  return zero && rules && rules->zero_means ? *rules->zero_means : given;
}

bool accepts_attach_type(ProgramType type, AttachType stored, const Profile& profile) {
  const ProgramRules* rules = program_rules(type);
  if (!rules) return false;
  if (rules->attach_type_zero_only) return static_cast<uint32_t>(stored) == 0;
  if (rules->attaches_by_btf) return true;  // the verifier's to say
  if (auto said = profile.probed().attach(name_of(type), name_of(stored))) return *said;
  if (!rules->attach_type_checked || no_attach_type_known(*rules, profile)) return true;
  return has(rules->attach_types, stored) && has_attach_type(stored, profile);
}

bool accepts_attach_type(ProgramType type, AttachType stored) {
  const ProgramRules* rules = program_rules(type);
  if (!rules) return false;
  if (rules->attach_type_zero_only) return static_cast<uint32_t>(stored) == 0;
  return !rules->attach_type_checked || has(rules->attach_types, stored);
}

bool can_be_sleepable(ProgramType type, AttachType attach, const Profile& profile) {
  for (const MaySleep& row : kMaySleep)
    if (row.type == type && (row.attach_types == 0 || has(row.attach_types, attach)) &&
        within(profile.version(), row.since, row.until))
      return true;
  return false;
}

bool must_be_sleepable(ProgramType type) { return type == kSyscall; }

bool checks_recursion(ProgramType type, AttachType attach, bool private_stack) {
  switch (type) {
    case kTracing: return attach != A::kTraceIter;
    case kStructOps: return private_stack;
    case kLsm:
    case kSyscall: return false;
    default: return true;
  }
}

ReturnRule return_rule(ProgramType type, AttachType attach) {
  switch (type) {
    case kCgroupSockAddr: return sock_addr_rule(attach);
    case kCgroupSkb: {
      if (attach != A::kCgroupInetEgress) return range(0, 1);
      ReturnRule rule = range(0, 3);
      rule.binds_attach_type = ReturnRange{2, 3};
      return rule;
    }
    case kCgroupSock:
    case kSockOps:
    case kCgroupDevice:
    case kCgroupSysctl:
    case kCgroupSockopt: return range(0, 1);
    case kTracing: return tracing_rule(attach);
    case kKprobe:
      return attach == A::kTraceKprobeSession || attach == A::kTraceUprobeSession ? range(0, 1)
                                                                                  : ReturnRule{};
    case kSkLookup:                       // SK_DROP, SK_PASS
    case kNetfilter: return range(0, 1);  // NF_DROP, NF_ACCEPT
    case kLsm:
      return of_kind(attach == A::kLsmCgroup ? ReturnRule::Kind::kLsmCgroup
                                             : ReturnRule::Kind::kLsmHook);
    case kStructOps: return of_kind(ReturnRule::Kind::kStructOps);
    default: return {};
  }
}

ReturnRule return_rule(ProgramType type, AttachType attach, const Profile& profile) {
  const bool bind = type == kCgroupSockAddr && has(kBindHooks, attach);
  if (bind && !profile.has(Feature::kBindSkipsCapability)) return range(0, 1);
  return return_rule(type, attach);
}

std::span<const SectionRule> all_sections() { return kSections; }

}  // namespace drydock
