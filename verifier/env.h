// SPDX-License-Identifier: Apache-2.0
// One verification: the program, what is known of each instruction and subprogram, the state being
// walked, the states explored, the log. One Env a call of verify(); the ideas that work on it
// stand in a file each (docs/verifier.md) as functions that take an Env&.
//
// Kernel's counterpart: struct bpf_verifier_env.
#pragma once

#include <fmt/core.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "contexts/context.h"
#include "helpers/helper_row.h"
#include "kernel/btf_fields.h"
#include "verifier/check.h"
#include "verifier/checkpoint.h"
#include "verifier/kfunc_special.h"
#include "verifier/log.h"
#include "verifier/state.h"
#include "verifier/verify.h"

namespace drydock::verifier {

inline constexpr uint32_t kMaxUsedMaps = 64, kMaxUsedBtfs = 64, kMaxSubprogs = 256;
inline constexpr uint32_t kMaxVarOffset = 1u << 29;  // largest variable offset of a pointer
inline constexpr uint32_t kMaxVarSize = 1u << 29;    // largest size argument
inline constexpr uint64_t kMaxInsnsProcessed = 1'000'000;
inline constexpr uint32_t kMaxPendingBranches = 8192;

/// What is known of one instruction.
struct InsnFacts {
  // Loads and stores: what kind of pointer it goes through, the same on every path (kNotInit: not
  // reached yet).
  RegType ptr_type = kNotInit;
  // LD_IMM64 of a map (value): index into used_maps, offset into the value.
  uint32_t map_index = 0, map_offset = 0;
  // LD_IMM64 of a kernel variable (kPseudoBtfId).
  RegType btf_var_type = kNotInit;
  const Btf* btf_var_btf = nullptr;
  uint32_t btf_var_id = 0, btf_var_mem_size = 0;
  // Helper calls with a map: the one map it always gets, or poisoned when paths differ.
  const MapInfo* call_map = nullptr;
  bool call_map_poisoned = false, call_map_unpriv = false;
  uint64_t map_key_state = 0;  // constant key tracking (tail calls): see helper_call
  // bpf_loop call: whether callback and flags are the same on every path.
  bool loop_seen = false, loop_inlinable = false;
  uint32_t loop_subprog = 0;
  const StructMeta* struct_meta = nullptr;  // bpf_obj_new and friends
  uint64_t obj_new_size = 0, insert_offset = 0;
  uint32_t ctx_field_size = 0;
  bool ctx_untranslated = false;  // of the context where there is no field: check_fixups()
  bool nospec = false, nospec_result = false;
  bool zero_extends = false;
  bool storage_get_atomic = false;
  bool is_iter_next = false;
  bool percpu_alloc_call = false;
  uint8_t alu_state = 0;
  uint32_t alu_limit = 0;
  bool fastcall_pattern = false;  // belongs to a spill/fill pair around a fastcall call
  uint8_t fastcall_spills = 0;    // calls: such pairs around it
  uint8_t arg_prog = 0;
  bool needs_zext = false;
  // Set once, before the walk.
  bool jump_point = false;        // history is recorded here
  bool prune_point = false;       // states are compared here
  bool force_checkpoint = false;  // and always kept
  bool calls_callback = false;
  bool seen = false;  // walked at least once
  uint32_t scc = 0;   // strongly connected component of the CFG; 0: none
  uint16_t live_regs_before = 0;
};

struct SubprogArg {
  ArgType type = kArgNone;
  uint32_t mem_size = 0;
  uint32_t btf_id = 0;
};

struct Subprogram {
  uint32_t start = 0;  // first instruction
  uint32_t linfo_index = 0;
  uint32_t postorder_start = 0;
  uint16_t stack_depth = 0, stack_extra = 0;
  int16_t fastcall_stack_off = 0;
  bool has_tail_call = false, tail_call_reachable = false, has_ld_abs = false;
  bool is_callback = false, is_async_callback = false, is_exception_callback = false;
  bool args_cached = false, keep_fastcall_stack = false;
  bool changes_pkt_data = false, might_sleep = false, might_throw = false;
  enum class PrivateStack : uint8_t {
    kUnknown,
    kNo,
    kAdaptive
  } private_stack = PrivateStack::kUnknown;
  std::vector<SubprogArg> args;
  // From func_info.
  bool is_global = false, unreliable = false, called = false;
  uint32_t linkage = 0;
  uint64_t insns_walked = 0;  // on paths that began here
  bool removed = false;       // dead code, dropped after the walk (fixups.h)
};

struct KfuncProto;  // kfunc_proto.h

/// A kfunc that the program calls, resolved by (BTF id, offset of the module in fd_array).
struct KfuncDesc {
  uint32_t func_id = 0;
  int16_t offset = 0;  // 0: vmlinux
  const Btf* btf = nullptr;
  uint32_t proto_id = 0;
  std::string_view name;
  SpecialKfunc special = SpecialKfunc::kNone;
  // Worked out when the call is first reached, since they hang on the attach target.
  std::shared_ptr<const KfuncProto> proto;
  std::optional<bool> allowed;
  uint32_t flags = 0;  // KF_*
};

/// A branch to be explored later.
struct PendingBranch {
  std::unique_ptr<State> state;
  uint32_t insn = 0, prev_insn = 0;
  uint64_t log_position = 0;
};

struct StructOpsRow;    // struct_ops.h
class StackLiveness;    // liveness.h
class StackUse;         // stack_use.h
class KnownRegisters;   // known_registers.h
struct LoopComponents;  // loops.h: strongly connected components under exploration
struct Backtrack;       // precision.h

class Env {
 public:
  Env(const ProgramInput& input, const Profile& profile, FdTable& fds, const Options& options);
  ~Env();
  Env(const Env&) = delete;
  Env& operator=(const Env&) = delete;

  // What is asked.
  const ProgramInput& program;
  const Profile& profile;
  FdTable& fds;
  const Options& options;

  // The program being worked on: `code` starts as program.insns.
  std::vector<isa::Insn> code;
  std::vector<InsnFacts> facts;      // one an instruction
  std::vector<Subprogram> subprogs;  // by start; real ones only
  std::vector<std::shared_ptr<const MapInfo>> used_maps;
  std::vector<std::shared_ptr<const Btf>> used_btfs;
  std::vector<KfuncDesc> kfuncs;                                   // sorted by (func_id, offset)
  std::unordered_map<int, std::shared_ptr<const Btf>> kfunc_btfs;  // by offset into fd_array
  // Structs with special fields, by the BTF they are of (the program's, or a map's); filled as
  // they are asked for: graph.h.
  mutable std::unordered_map<const Btf*, std::vector<StructMeta>> struct_metas;
  int exception_callback_subprog = 0;
  int max_stack_depth = 0;  // of any chain of calls that was looked at
  uint32_t hidden_subprogs = 0;

  // Attach target, resolved by attach_target.cc.
  struct Attach {
    const BtfType* func_proto = nullptr;  // of the hook, null for none
    const Btf* btf = nullptr;
    uint32_t btf_id = 0;
    std::string func_name;  // "security_..." hook, traced function, tracepoint
    bool valid_access = false;
    bool raw_tracepoint = false;  // context slots follow a btf_trace_* typedef
    // Arguments whose register type the hook fixes (iterators, struct_ops).
    struct ContextArg {
      uint32_t offset = 0;  // of the slot in the context
      RegType type = kNotInit;
      const Btf* btf = nullptr;  // null: vmlinux
      uint32_t btf_id = 0;
      bool refcounted = false;  // the program owns a reference at entry
      uint32_t ref_obj_id = 0;  // that reference, once acquired
    };
    std::vector<ContextArg> args;
    const StructOpsRow* struct_ops = nullptr;
    uint32_t struct_ops_member_offset = 0;
  } attach;
  /// Expected attach type whose rules apply: an extension takes its target's.
  AttachType attach_type{};
  /// The program type whose rules apply: that of an extension's target, else its own.
  ProgramType type = ProgramType::kUnspec;
  bool gpl_compatible = false;
  bool sleepable = false;  // the whole program

  // What the loader may do.
  bool allow_ptr_leaks = true, allow_uninit_stack = true, bpf_capable = true;
  bool bypass_spec_v1 = true, bypass_spec_v4 = true;
  bool strict_alignment = false, test_state_freq = false, test_reg_invariants = false;
  bool explore_alu_limits = false;
  BoundsRules bounds_rules;   // of the profile's features
  bool read_marks = false;    // liveness by marks of reads: read_marks.h
  bool loop_entries = false;  // loops told by their entries: loop_entries.h

  // The walk.
  uint32_t insn_idx = 0, prev_insn_idx = 0;
  SlotPool slots;                // of all states' stacks; goes last
  std::unique_ptr<State> state;  // the current one
  std::vector<PendingBranch> pending;
  std::vector<CheckpointList> explored;  // by hash of instruction and frame
  CheckpointList free_list;              // evicted, paths below still open
  RecyclingPool<State> spare_states;
  RecyclingPool<Checkpoint> spare_checkpoints;
  HistoryEntry* current_history = nullptr;
  uint32_t id_gen = 0;
  uint32_t pass_count = 0;  // walks begun (main, then global functions)
  bool seen_direct_write = false, seen_exception = false;
  std::shared_ptr<StackLiveness> liveness;  // these two: null where a kernel has another
  std::shared_ptr<StackUse> stack_use;
  std::shared_ptr<LoopComponents> loops;
  std::shared_ptr<Backtrack> backtrack;
  uint32_t cfg_max_postorder = 0;
  std::vector<uint32_t> postorder;              // instructions, grouped by subprogram
  std::vector<uint32_t> callees_first;          // subprograms (kernels that refuse recursion early)
  std::shared_ptr<const KnownRegisters> known;  // null where kernels do not look ahead

  // Counters, as the kernel's statistics line prints them.
  uint64_t insns_processed = 0, prev_insns_processed = 0;
  uint64_t jumps_processed = 0, prev_jumps_processed = 0;
  uint32_t max_states_per_insn = 0, total_states = 0, peak_states = 0, longest_mark_read = 0;
  uint32_t free_list_size = 0, explored_states_size = 0, num_backedges = 0;

  // The log and what it printed last.
  Log log;
  const LineInfo* prev_line_info = nullptr;
  uint64_t prev_log_pos = 0, prev_insn_print_pos = 0;
  uint32_t scratched_regs = ~0u;
  uint64_t scratched_slots = ~uint64_t{0};

  // Constants as registers, for comparisons with immediates.
  std::array<Register, 2> fake_regs;

  /// Appends to the log, formatted as fmt does, when there is a log.
  template <class... Args>
  void verbose(fmt::format_string<Args...> format, Args&&... args) {
    if (log.enabled()) log.append(fmt::format(format, std::forward<Args>(args)...));
  }
  /// verbose() and then the errno: `return env.reject(EACCES, "R{} !read_ok\n", regno);`
  template <class... Args>
  Check reject(int err, fmt::format_string<Args...> format, Args&&... args) {
    if (log.enabled()) log.append(fmt::format(format, std::forward<Args>(args)...));
    return Check::error(err);
  }
  /// The program needs something that is not modelled: ends verification with that verdict.
  Check unsupported(std::string what);
  /// An invariant of ours is broken: ends verification as internal_error. The kernel prints
  /// "verifier bug: ..." in the like case; where the kernel itself can reach it, use reject().
  Check bug(std::string what);
  /// What the kernel takes for a mistake of its own, and yet a program can bring about: it rejects
  /// the program and says so.
  Check kernel_bug(std::string_view what);

  std::optional<std::string> unsupported_what;
  std::optional<std::string> bug_what;

  FuncState& cur_func() { return state->current(); }
  Register* regs() { return state->regs(); }
  Register& reg(int regno) { return state->regs()[regno]; }
  InsnFacts& cur_facts() { return facts[insn_idx]; }
  Subprogram& subprog_of_frame() { return subprogs[cur_func().subprogno]; }
  uint32_t new_id() { return ++id_gen; }
  size_t subprog_end(size_t index) const {
    return index + 1 < subprogs.size() ? subprogs[index + 1].start : code.size();
  }
  bool has(Feature f) const { return profile.has(f); }
  CallSite call_site() const;  // of the program, for helper_for()
  const ProbedCaller* probed =
      nullptr;  // what the kernel said of such programs; once the target is known

  void mark_reg_scratched(uint32_t regno) { scratched_regs |= 1u << regno; }
  void mark_slot_scratched(uint32_t spi) { scratched_slots |= uint64_t{1} << spi; }
};

}  // namespace drydock::verifier
