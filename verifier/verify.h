// SPDX-License-Identifier: Apache-2.0
// The question and the answer: would this kernel load this program?
//
// verify() is a pure function of its arguments. It knows no ELF, no descriptors of the host and no
// emulator; what the program refers to by descriptor (maps, BTF objects, a target program) is
// looked up through FdTable, which the emulated bpf(2) implements.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "contexts/reg_type.h"
#include "isa/insn.h"
#include "kernel/btf.h"
#include "kernel/profile.h"
#include "kernel/uapi.h"
#include "maps/map_info.h"

namespace drydock {

// prog_flags of the UAPI.
inline constexpr uint32_t kProgStrictAlignment = 1u << 0, kProgAnyAlignment = 1u << 1,
                          kProgTestRndHi32 = 1u << 2, kProgTestStateFreq = 1u << 3,
                          kProgSleepable = 1u << 4, kProgXdpHasFrags = 1u << 5,
                          kProgXdpDevBoundOnly = 1u << 6, kProgTestRegInvariants = 1u << 7,
                          kProgTokenFd = 1u << 16;

// log_level of the UAPI: bits.
inline constexpr uint32_t kLogLevel1 = 1, kLogLevel2 = 2, kLogStats = 4, kLogFixed = 8;

/// func_info and line_info records, as the UAPI lays them out.
struct FuncInfo {
  uint32_t insn_off = 0, type_id = 0;
};
struct LineInfo {
  uint32_t insn_off = 0, file_name_off = 0, line_off = 0, line_col = 0;
  uint32_t line() const { return line_col >> 10; }
  uint32_t column() const { return line_col & 0x3ff; }
};

/// What a program that another one attaches to (freplace; fentry and fexit of a BPF program) must
/// tell of itself.
struct TargetProgram {
  uint32_t id = 0;
  ProgramType type{};
  AttachType expected_attach_type{};
  uint32_t attach_btf_id = 0;
  std::shared_ptr<const Btf> btf;
  std::vector<FuncInfo> func_info;    // of its subprograms, in order
  std::vector<bool> func_is_global;   // linkage global and not unreliable
  std::vector<bool> func_unreliable;  // the verifier could not rely on its argument types
  // The same of each subprogram; empty: as the whole program.
  std::vector<bool> func_changes_pkt_data, func_might_sleep, func_is_exception_callback;
  bool sleepable = false, gpl = false, tail_call_reachable = false, changes_pkt_data = false,
       extended = false, is_tracing = false, might_sleep = false;
  // The freplace target's effective program type and context rules, when it is an extension itself.
  std::optional<ProgramType> saved_target_type;
};

/// Looks up what instructions and attributes name by descriptor.
class FdTable {
 public:
  virtual ~FdTable() = default;
  /// The map behind a descriptor; on failure the errno (EBADF: no such fd, EINVAL: not a map).
  virtual std::shared_ptr<const MapInfo> map(int fd, int* err) = 0;
  virtual std::shared_ptr<const Btf> btf(int fd, int* err) = 0;
};

struct ProgramInput {
  std::vector<isa::Insn> insns;
  ProgramType type{};
  AttachType expected_attach_type{};
  uint32_t flags = 0;  // kProg*
  std::string name;
  std::string license;             // as given; GPL compatibility is the verifier's to decide
  std::shared_ptr<const Btf> btf;  // the program's own, or null
  std::vector<FuncInfo> func_info;
  std::vector<LineInfo> line_info;
  uint32_t attach_btf_id = 0;
  std::shared_ptr<const Btf> attach_btf;  // vmlinux, a module's, or the target program's
  std::shared_ptr<const TargetProgram> target;
  std::vector<int> fd_array;  // descriptors that instructions index (kPseudoMapIdx, kfunc modules)
  bool fd_array_continuous = false;  // attr.fd_array_cnt was given: every entry must be valid
  bool dev_bound = false;
};

/// Capabilities of whoever loads.
struct Capabilities {
  bool bpf = true, perfmon = true, net_admin = true, sys_admin = true;
};

struct Limits {
  uint64_t wall_clock_ms = 0;  // 0: none
  uint64_t memory_bytes = 0;   // 0: none
};

struct Options {
  uint32_t log_level = 0;         // UAPI bits
  uint64_t log_size = 16u << 20;  // bytes; the log keeps its end unless kLogFixed
  Capabilities capabilities;
  Limits limits;
  /// Possible CPUs of the machine, which bpf_get_smp_processor_id() stays below. 0: as many as the
  /// profile says.
  uint32_t possible_cpus = 0;
  bool check_invariants = false;  // assert them after every state update
};

struct Statistics {
  uint64_t insns_processed = 0;
  uint32_t total_states = 0, peak_states = 0, max_states_per_insn = 0, mark_read = 0;
  std::vector<uint32_t> stack_depths;  // bytes, one a subprogram, as "stack depth 8+16" prints
  uint64_t duration_ns = 0;
};

enum class VerdictKind { kAccepted, kRejected, kMalformed, kUnsupported, kInternalError };

/// Why a program was rejected, for people. Renderings are at the edge (cli/).
struct Diagnostic {
  uint32_t insn = 0;               // index of the instruction at fault; ~0u for none
  std::string insn_text;           // its disassembly
  std::string message;             // the kernel's final line
  std::vector<std::string> lines;  // all lines the kernel printed for it, oldest first
  std::string file;                // from BTF line info; "" when there is none
  uint32_t line = 0, column = 0;
  std::string source;                                          // the source line
  std::vector<std::pair<std::string, std::string>> registers;  // "R1", "map_value(...)": those read
  std::vector<uint32_t> path;  // instructions of the branch that led there, oldest first
  std::string hint;            // "" when we have none
};

/// What a run of the program needs of the analysis: one a instruction that needs it.
struct RunAnnotation {
  uint32_t insn = 0;
  bool probe_load = false;  // may fault: yields 0
  bool arena = false;
  RegType pointer_type = kNotInit;  // what the memory access goes through
  uint32_t btf_id = 0;
};

struct Verdict {
  VerdictKind kind = VerdictKind::kInternalError;
  int err = 0;                 // positive errno
  std::string message;         // the kernel's final error line; "" when accepted
  std::string log;             // as asked by Options::log_level, the kernel's text
  bool log_truncated = false;  // ENOSPC
  Statistics statistics;
  std::optional<Diagnostic> diagnostic;
  std::vector<RunAnnotation> annotations;
  std::vector<uint32_t> unreachable_insns;  // never walked: dead code, which a kernel would remove
  // Summaries that other programs' checks use.
  std::vector<std::shared_ptr<const MapInfo>> used_maps;
  bool changes_pkt_data = false, might_sleep = false, tail_call_reachable = false;
  std::vector<bool> func_unreliable, func_changes_pkt_data, func_might_sleep,
      func_is_exception_callback;
  std::vector<uint32_t> subprog_starts;
};

/// Verifies. Deterministic: the same arguments give the same verdict, text and counts.
Verdict verify(const ProgramInput& program, const Profile& profile, FdTable& fds,
               const Options& options = {});

/// Whether a licence string is one of those the kernel takes as GPL compatible.
bool license_is_gpl_compatible(std::string_view license);

}  // namespace drydock
