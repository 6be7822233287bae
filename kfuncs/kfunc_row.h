// SPDX-License-Identifier: Apache-2.0
// A row for each kfunc: its flags, the set it is registered with, which releases and configs have
// it. A set says where its kfuncs may be called: kfunc hooks (groups of program types that share
// one list) and a filter of the caller. The verifier, the emulator, `drydock list` and the docs
// read the same rows.
//
// What a kfunc takes and returns is not in the row: the kernel's BTF says it, parameter names
// included, and the verifier reads it there as the kernel does.
//
// A kfunc may be in several sets (scx_bpf_dsq_move), so a row is a (name, set) pair.
//
// Kernel's counterpart: BTF_ID_FLAGS() in a BTF_KFUNCS_START() set, register_btf_kfunc_id_set(),
// btf_kfunc_id_set_contains(). A profile that brings the kernel's own .BTF_ids has the last word on
// which functions are kfuncs and with which flags; the rows add where they may be called.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "helpers/helper_row.h"
#include "kernel/profile.h"

namespace drydock {

/// KF_* flags, bit-identical to the kernel's.
enum KfuncFlag : uint32_t {
  kKfAcquire = 1u << 0,      // returns a reference that must be released
  kKfRelease = 1u << 1,      // releases the reference it is given
  kKfRetNull = 1u << 2,      // may return NULL
  kKfKptrGet = 1u << 3,      // takes the address of a kptr in a map (until 6.3)
  kKfTrustedArgs = 1u << 4,  // pointers must be trusted and not NULL
  kKfSleepable = 1u << 5,
  kKfDestructive = 1u << 6,  // CAP_SYS_BOOT
  kKfRcu = 1u << 7,          // pointers must be trusted or RCU protected
  kKfIterNew = 1u << 8,
  kKfIterNext = 1u << 9,
  kKfIterDestroy = 1u << 10,
  kKfRcuProtected = 1u << 11,  // only inside an RCU read section
  kKfFastcall = 1u << 12,      // clobbers r0 and its arguments only
  kKfArenaRet = 1u << 13,
  kKfArenaArg1 = 1u << 14,
  kKfArenaArg2 = 1u << 15,
  kKfImplicitArgs = 1u << 16,  // the verifier supplies the last arguments
};

enum class KfuncSetId : uint8_t {
#define DRYDOCK_KFUNC_SET(id, ...) id,
#include "kfuncs/sets.def"
#undef DRYDOCK_KFUNC_SET
  kCount
};

/// Program types that share a list of kfuncs. kCommon holds for all.
enum class KfuncHook : uint8_t {
  kCommon,
  kXdp,
  kTc,
  kStructOps,
  kTracing,
  kSyscall,
  kCgroup,
  kSchedAct,
  kSkSkb,
  kSocketFilter,
  kLwt,
  kNetfilter,
  kKprobe,
  kNone,
};
using KfuncHooks = uint32_t;  // bit n: hook n

struct KfuncRow {
  std::string_view name;
  KfuncSetId set{};
  uint32_t flags = 0;             // KfuncFlag
  std::string_view since, until;  // releases; "": always, or still
  std::string_view config;        // options that must be enabled, separated by blanks
};

struct KfuncSet {
  KfuncSetId id{};
  std::string_view name;
  KfuncHooks hooks = 0;
  std::string_view module;  // that has the kfuncs where the option is m; "" for never
  std::string_view config;  // option of the whole set
  /// Whether the caller is refused although the hook is right; nullptr: never.
  bool (*refuses)(const KfuncRow& row, const CallSite& site, const Profile& profile) = nullptr;
};

/// All rows, by name and then set; those of one name are neighbours.
std::span<const KfuncRow> all_kfunc_rows();
std::span<const KfuncRow> kfunc_rows_named(std::string_view name);
const KfuncSet& kfunc_set(KfuncSetId id);
std::string_view name_of(KfuncHook hook);
/// Text of flags as the kernel's source has them: "KF_ACQUIRE | KF_RET_NULL".
std::string_view kfunc_flag_name(KfuncFlag flag);

/// The hook whose list a program type uses in that kernel; kNone when it has none of its own.
KfuncHook kfunc_hook_of(ProgramType type, const Profile& profile);

/// How a kernel answers a program of that kind that calls that function.
struct KfuncAvailability {
  enum class Kind {
    kAllowed,
    kNotAllowed,  // "calling kernel function %s is not allowed": no kfunc, or not for this caller
    kNoRow,       // the kernel has it as a kfunc and no row of ours does: not modelled
  } kind = Kind::kNotAllowed;
  const KfuncRow* row = nullptr;
  uint32_t flags = 0;
};
/// `btf` is the profile's vmlinux BTF or one of its modules', `func_id` a FUNC in it.
KfuncAvailability kfunc_for(const Btf& btf, uint32_t func_id, const CallSite& site,
                            const Profile& profile);

/// KF_* flags of a function as programs of that type see it: those of the sets of their hook,
/// whomever these refuse. nullopt: in none of them.
std::optional<uint32_t> kfunc_flags_seen(const Btf& btf, uint32_t func_id, ProgramType type,
                                         const Profile& profile);

/// A kfunc of a kernel, for the listings.
struct KfuncListing {
  std::string_view name;
  const Btf* btf = nullptr;
  uint32_t func_id = 0;
  uint32_t flags = 0;
  KfuncHooks hooks = 0;               // union over its sets; filters apart
  std::vector<const KfuncRow*> rows;  // empty: no row has it
};
/// Every kfunc of the profile (vmlinux and the modules it has), by name.
std::vector<KfuncListing> list_kfuncs(const Profile& profile);
/// The listing's kfuncs that a caller may call.
std::vector<KfuncListing> list_kfuncs(const Profile& profile, const CallSite& site);

/// Emulates the kfunc. Arguments are r1 to r5; the result is r0.
using KfuncFunction = uint64_t (*)(Machine& machine, std::span<const uint64_t, 5> args);
/// The emulation of a kfunc, or nullptr where it is not modelled yet (`unsupported`).
KfuncFunction kfunc_function(std::string_view name);

}  // namespace drydock
