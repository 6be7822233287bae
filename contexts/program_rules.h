// SPDX-License-Identifier: Apache-2.0
// What a kernel knows of each program type apart from its context and its helpers: which
// expected_attach_type BPF_PROG_LOAD takes, what the program may return, whether it may sleep,
// load packet bytes, reach into packets directly; the capabilities it takes; the names of the ELF
// sections that libbpf loads as it.
//
// Kernel's counterpart: bpf_prog_load_check_attach(), check_return_code(),
// may_access_direct_pkt_data() and their like, each a switch over program types. Here a row has
// it all.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "contexts/context_rows.h"
#include "contexts/lsm_hooks.h"
#include "kernel/profile.h"
#include "kernel/uapi.h"

namespace drydock {

/// Direct access through packet pointers.
enum class PacketAccess : uint8_t {
  kNone,
  kRead,
  kReadWrite,
  kOptionValue,  // bpf_sockopt's buffer: read and write, and any helper may be given it
};

struct ProgramRules {
  ProgramType type{};
  AttachSet attach_types = 0;                 // the meaningful ones
  bool attach_type_checked = false;           // BPF_PROG_LOAD takes no other than these
  bool attach_type_zero_only = false;         // BPF_PROG_LOAD takes only 0
  std::optional<AttachType> zero_means = {};  // what a 0 is taken for at load
  PacketAccess packet = PacketAccess::kNone;
  bool load_absolute = false;    // BPF_LD_ABS and BPF_LD_IND
  bool net_admin = false;        // needs CAP_NET_ADMIN
  bool perfmon = false;          // needs CAP_PERFMON
  bool unprivileged = false;     // needs no CAP_BPF (where that is allowed at all)
  bool attaches_by_btf = false;  // takes attach_btf_id
  std::string_view config = {};  // kernel option without which the type does not exist
  std::string_view since = {};   // first release, where younger than 5.10
};

/// nullptr for kUnspec and unknown types.
const ProgramRules* program_rules(ProgramType type);
/// In the order of their values.
std::span<const ProgramRules> all_program_rules();

/// Whether a kernel of that profile has the program type (attach type) at all.
bool has_program_type(ProgramType type, const Profile& profile);
bool has_attach_type(AttachType type, const Profile& profile);

/// expected_attach_type as BPF_PROG_LOAD stores it (0 stands for another value in some types).
AttachType stored_attach_type(ProgramType type, AttachType given);
/// Whether BPF_PROG_LOAD takes it (after stored_attach_type); else EINVAL without a log.
bool accepts_attach_type(ProgramType type, AttachType stored, const Profile& profile);
/// The same for the newest kernel.
bool accepts_attach_type(ProgramType type, AttachType stored);

/// May the program be loaded with BPF_F_SLEEPABLE? (Tracing and LSM have further conditions of
/// their target.) A syscall program has to be.
bool can_be_sleepable(ProgramType type, AttachType attach, const Profile& profile);
bool must_be_sleepable(ProgramType type);

/// The kernel guards such programs against running inside themselves (and so uses the guarded
/// variants of task storage helpers). struct_ops programs: when they have a private stack.
bool checks_recursion(ProgramType type, AttachType attach, bool private_stack);

/// May r0 be anything at exit, must it be in a range, or does the target decide?
struct ReturnRule {
  enum class Kind {
    kAnything,     // not looked at
    kRange,        // `range`
    kLsmHook,      // lsm_return_range() of the hook; a void hook: anything. 32 bits are compared
    kLsmCgroup,    // 0 to 1; for a void hook 1
    kStructOps,    // void member: nothing; pointer member: 0 or an owned pointer; else anything
    kUnsupported,  // the kernel answers ENOTSUPP
  } kind = Kind::kAnything;
  ReturnRange range = {};
  // The range whose use ties the program to its attach type (cgroup_skb/egress: 2 to 3).
  std::optional<ReturnRange> binds_attach_type = {};
};
ReturnRule return_rule(ProgramType type, AttachType attach);
/// The same as this kernel has it; without a profile, the newest.
ReturnRule return_rule(ProgramType type, AttachType attach, const Profile& profile);

/// An ELF section name that libbpf knows.
struct SectionRule {
  std::string_view name;  // "cgroup/bind4", "kprobe+"
  ProgramType type{};
  std::optional<AttachType> attach_type = {};
  bool sleepable = false;
  bool frags = false;  // XDP program that knows packets of several buffers
  bool by_btf = false;
  bool attach_optional = false;
};
std::span<const SectionRule> all_sections();

}  // namespace drydock
