// SPDX-License-Identifier: Apache-2.0
// A row for each helper: prototype, flags, licence, where it may be called and the function that
// emulates it. The verifier, the emulator, `drydock list` and the docs read the same row.
// Kernel's counterpart: struct bpf_func_proto plus the get_func_proto() of each program type.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/profile.h"
#include "kernel/type_flags.h"
#include "kernel/uapi.h"

namespace drydock {

class Machine;  // helpers/machine.h

using HelperId = uint32_t;

// Argument kinds: a base in the low bits, TypeFlags above.
using ArgType = uint32_t;
inline constexpr ArgType kArgNone = 0;  // the helper takes fewer arguments
inline constexpr ArgType kArgConstMapPtr = 1;
inline constexpr ArgType kArgPtrToMapKey = 2;
inline constexpr ArgType kArgPtrToMapValue = 3;
inline constexpr ArgType kArgPtrToMem =
    4;  // size in the next argument, or kMemFixedSize + arg_size
inline constexpr ArgType kArgPtrToArena = 5;
inline constexpr ArgType kArgConstSize = 6;
inline constexpr ArgType kArgConstSizeOrZero = 7;
inline constexpr ArgType kArgPtrToCtx = 8;
inline constexpr ArgType kArgAnything = 9;
inline constexpr ArgType kArgPtrToSpinLock = 10;
inline constexpr ArgType kArgPtrToSockCommon = 11;
inline constexpr ArgType kArgPtrToSocket = 12;
inline constexpr ArgType kArgPtrToBtfId = 13;
inline constexpr ArgType kArgPtrToRingbufMem = 14;
inline constexpr ArgType kArgConstAllocSizeOrZero = 15;
inline constexpr ArgType kArgPtrToBtfIdSockCommon = 16;
inline constexpr ArgType kArgPtrToPercpuBtfId = 17;
inline constexpr ArgType kArgPtrToFunc = 18;
inline constexpr ArgType kArgPtrToStack = 19;
inline constexpr ArgType kArgPtrToConstStr = 20;
inline constexpr ArgType kArgPtrToTimer = 21;
inline constexpr ArgType kArgKptrXchgDest = 22;
inline constexpr ArgType kArgPtrToDynptr = 23;
inline constexpr ArgType kArgNumber = 24;  // no pointer, whoever loads
inline constexpr ArgType kArgUninitMem = kArgPtrToMem | kMemUninit | kMemWrite;

using ReturnType = uint32_t;
inline constexpr ReturnType kRetInteger = 0;
inline constexpr ReturnType kRetVoid = 1;
inline constexpr ReturnType kRetPtrToMapValue = 2;
inline constexpr ReturnType kRetPtrToSocket = 3;
inline constexpr ReturnType kRetPtrToTcpSock = 4;
inline constexpr ReturnType kRetPtrToSockCommon = 5;
inline constexpr ReturnType kRetPtrToMem = 6;
inline constexpr ReturnType kRetPtrToMemOrBtfId = 7;
inline constexpr ReturnType kRetPtrToBtfId = 8;

/// Flags of a helper row.
enum HelperFlag : uint32_t {
  kHelperGplOnly = 1u << 0,
  kHelperPacketAccess = 1u << 1,       // may be given packet pointers
  kHelperChangesPacketData = 1u << 2,  // invalidates packet pointers (bpf_helper_changes_pkt_data)
  kHelperMightSleep = 1u << 3,
  kHelperFastcall = 1u << 4,  // clobbers r0 and its arguments only
  kHelperRetFixedPtrNotReadOnly = 1u << 5,
};

struct HelperArg {
  ArgType type = kArgNone;
  uint32_t size = 0;  // kMemFixedSize: bytes
  std::string_view btf_type =
      {};  // kArgPtrToBtfId: the kernel struct's name ("" : see the row's check)
};

/// What a helper is called with: enough to answer "may it be called here?".
struct CallSite {
  ProgramType program_type{};
  AttachType attach_type{};           // expected_attach_type
  std::string_view attach_func = {};  // LSM hook, traced function, bpf_iter_X, struct_ops member
  std::string_view struct_ops = {};   // struct_ops: the kernel struct ("tcp_congestion_ops")
  bool sleepable = false;
  bool gpl = true;
  bool perfmon = true;                   // CAP_PERFMON
  bool bpf_capable = true;               // CAP_BPF
  bool sys_admin = true;                 // CAP_SYS_ADMIN
  bool extends_program = false;          // the traced function is another BPF program's
  const ProbedCaller* probed = nullptr;  // what the kernel itself said of such a program
};

/// Emulates the helper. Arguments are r1 to r5; the result is r0.
using HelperFunction = uint64_t (*)(Machine& machine, std::span<const uint64_t, 5> args);

struct HelperRow {
  HelperId id = 0;
  std::string_view name;  // without "bpf_"
  std::array<HelperArg, 5> args = {};
  ReturnType ret = kRetInteger;
  std::string_view ret_btf_type = {};  // kRetPtrToBtfId: the kernel struct's name
  uint32_t flags = 0;
  std::string_view since = {};    // first release ("5.10"), from the reference data
  std::string_view variant = {};  // name of this prototype where the helper has several
};

/// The row of a helper id, or nullptr for an id that no row has. `helper_count()` is one past the
/// last id (the kernel's __BPF_FUNC_MAX_ID of the newest known kernel).
const HelperRow* helper_row(HelperId id);
const HelperRow* helper_named(std::string_view name);
HelperId helper_count();

/// How a kernel answers a program of that kind that calls that helper. The prototype can differ
/// from the row's (another return or argument type in some program types): `row` points to the
/// variant that holds.
struct HelperAvailability {
  enum class Kind {
    kAllowed,
    kUnknownId,     // "invalid func %s#%d"
    kNotForProgram  // "program of this type cannot use helper %s#%d"
  } kind = Kind::kNotForProgram;
  const HelperRow* row = nullptr;
  // Some helpers refuse some hooks all the same, after the licence was looked at:
  // "helper call is not allowed in probe".
  bool allowed_at_hook = true;
};
HelperAvailability helper_for(HelperId id, const CallSite& site, const Profile& profile);

/// Every prototype that differs from its helper's row.
std::span<const HelperRow* const> helper_variants();

/// The emulation of a helper, or nullptr where it is not modelled yet (`unsupported`).
HelperFunction helper_function(HelperId id);

}  // namespace drydock
