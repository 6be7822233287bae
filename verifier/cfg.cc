// SPDX-License-Identifier: Apache-2.0
// Subprograms, and the depth-first search that finds out whether every instruction can be reached,
// and marks where states are worth comparing (prune points) and where the history must record how
// the path came there (jump points).
//
// Kernel's counterpart: add_subprog_and_kfunc(), check_subprogs(), check_cfg().
#include "verifier/cfg.h"
#include "kernel/features.h"

#include <algorithm>

#include "helpers/helper_ids.h"
#include "verifier/calls.h"
#include "verifier/iterators.h"
#include "verifier/kfunc_call.h"
#include "verifier/log.h"

namespace drydock::verifier {
namespace {

/// The kernel counts in 32 bits: what is beyond them wraps in its words.
Check out_of_range(Env& env, int64_t from, int64_t to) {
  return env.reject(EINVAL, "jump out of range from insn {} to {}\n", from,
                    static_cast<int32_t>(to));
}

bool names_function(const Env& env, const isa::Insn& insn) {
  return isa::is_ld_imm64(insn) && insn.src == isa::kPseudoFunc &&
         env.has(Feature::kCallbackFunctions);
}

auto first_not_below(Env& env, uint32_t insn) {
  return std::lower_bound(env.subprogs.begin(), env.subprogs.end(), insn,
                          [](const Subprogram& s, uint32_t at) { return s.start < at; });
}

Check add_subprog(Env& env, int64_t insn) {
  if (insn < 0 || insn >= static_cast<int64_t>(env.code.size()))
    return env.reject(EINVAL, "call to invalid destination\n");
  auto at = first_not_below(env, static_cast<uint32_t>(insn));
  if (at != env.subprogs.end() && at->start == insn) return Check::ok();
  if (env.subprogs.size() >= kMaxSubprogs) return env.reject(E2BIG, "too many subprograms\n");
  Subprogram subprog;
  subprog.start = static_cast<uint32_t>(insn);
  env.subprogs.insert(at, std::move(subprog));
  return Check::ok();
}

constexpr std::string_view kExceptionTag = "exception_callback:";

/// The function that the main program's decl tag names as its exception callback: its first
/// instruction in *insn, 0 when there is no tag.
Check find_exception_callback(Env& env, uint32_t* insn) {
  *insn = 0;
  const auto& func_info = env.program.func_info;
  if (func_info.empty()) return Check::ok();
  const Btf& btf = *env.program.btf;
  if (!btf.type(func_info[0].type_id))
    return env.reject(EINVAL, "invalid btf id for main subprog in func_info\n");

  std::string_view name;
  int tags = 0;
  for (std::string_view tag : btf.decl_tags(func_info[0].type_id, -1)) {
    if (!tag.starts_with(kExceptionTag)) continue;
    if (++tags == 1) name = tag.substr(kExceptionTag.size());
  }
  if (tags == 0) return Check::ok();
  if (tags > 1) return env.reject(EEXIST, "multiple exception callback tags for main subprog\n");

  uint32_t id = btf.find(name, BtfKind::kFunc);
  if (!id) return env.reject(ENOENT, "exception callback '{}' could not be found in BTF\n", name);
  if (btf.type(id)->vlen() != kBtfFuncGlobal)
    return env.reject(EINVAL, "exception callback '{}' must have global linkage\n", name);
  bool found = false;
  for (const FuncInfo& info : func_info) {
    if (info.type_id != id) continue;
    if (info.insn_off == 0)
      return env.reject(EINVAL, "invalid exception callback insn_off in func_info: 0\n");
    *insn = info.insn_off;
    found = true;
  }
  return found ? Check::ok()
               : env.reject(EINVAL, "exception callback type id not found in func_info\n");
}

Check add_exception_callback(Env& env) {
  uint32_t insn = 0;
  DRYDOCK_TRY(find_exception_callback(env, &insn));
  if (!insn) return Check::ok();
  DRYDOCK_TRY(add_subprog(env, insn));
  int index = find_subprog(env, insn);
  env.exception_callback_subprog = index;
  Subprogram& subprog = env.subprogs[index];
  subprog.is_callback = subprog.is_async_callback = subprog.is_exception_callback = true;
  return Check::ok();
}

}  // namespace

int jump_offset(const Env& env, const isa::Insn& insn) {
  const bool is_long = insn.code == (isa::kJmp32 | isa::kJa) && env.has(Feature::kLongJumps);
  return is_long ? insn.imm : insn.off;
}

uint32_t containing_subprog(const Env& env, uint32_t insn) {
  auto behind = std::upper_bound(env.subprogs.begin(), env.subprogs.end(), insn,
                                 [](uint32_t at, const Subprogram& s) { return at < s.start; });
  return static_cast<uint32_t>(behind - env.subprogs.begin()) - 1;
}

int find_subprog(const Env& env, uint32_t insn) {
  if (insn >= env.code.size() || env.subprogs.empty()) return -1;
  uint32_t index = containing_subprog(env, insn);
  return env.subprogs[index].start == insn ? static_cast<int>(index) : -1;
}

Check find_subprograms(Env& env) {
  DRYDOCK_TRY(add_subprog(env, 0));
  for (size_t i = 0; i < env.code.size(); ++i) {
    const isa::Insn& insn = env.code[i];
    bool calls_subprog = names_function(env, insn) || isa::is_subprog_call(insn);
    const bool kfunc = isa::is_kfunc_call(insn) && env.has(Feature::kKfuncCalls);
    if (!calls_subprog && !kfunc) continue;
    if (!env.bpf_capable)
      return env.reject(EPERM,
                        "loading/calling other bpf or kernel functions are allowed for CAP_BPF and "
                        "CAP_SYS_ADMIN\n");
    if (calls_subprog) DRYDOCK_TRY(add_subprog(env, static_cast<int64_t>(i) + insn.imm + 1));
    else DRYDOCK_TRY(add_kfunc_call(env, static_cast<uint32_t>(insn.imm), insn.off));
  }
  DRYDOCK_TRY(add_exception_callback(env));
  if (env.log.level2())
    for (size_t i = 0; i < env.subprogs.size(); ++i)
      env.verbose("func#{} @{}\n", i, env.subprogs[i].start);
  return Check::ok();
}

namespace {

void note_opcode_facts(Subprogram& subprog, const isa::Insn& insn) {
  if (isa::is_helper_call(insn) && insn.imm == helper_id::tail_call)
    subprog.has_tail_call = subprog.tail_call_reachable = true;
  uint8_t mode = isa::insn_mode(insn.code);
  if (isa::insn_class(insn.code) == isa::kLd && (mode == isa::kAbs || mode == isa::kInd))
    subprog.has_ld_abs = true;
}

bool is_jump(const isa::Insn& insn) {
  uint8_t cls = isa::insn_class(insn.code), op = isa::insn_op(insn.code);
  return (cls == isa::kJmp || cls == isa::kJmp32) && op != isa::kExit && op != isa::kCall;
}

bool ends_subprog(const isa::Insn& insn) {
  return insn.code == (isa::kJmp | isa::kExit) || insn.code == (isa::kJmp32 | isa::kJa) ||
         insn.code == (isa::kJmp | isa::kJa);
}

}  // namespace

Check check_subprograms(Env& env) {
  for (size_t s = 0; s < env.subprogs.size(); ++s) {
    int64_t start = env.subprogs[s].start, end = static_cast<int64_t>(env.subprog_end(s));
    for (int64_t i = start; i < end; ++i) {
      const isa::Insn& insn = env.code[i];
      note_opcode_facts(env.subprogs[s], insn);
      if (is_jump(insn)) {
        int64_t target = i + jump_offset(env, insn) + 1;
        if (target < start || target >= end) return out_of_range(env, i, target);
      }
    }
    // Nothing falls through from one function into the next.
    if (!ends_subprog(env.code[end - 1]))
      return env.reject(EINVAL, "last insn is not an exit or jmp\n");
  }
  return Check::ok();
}

namespace {

/// The search. An instruction is on the stack while it is open; calls are edges to the callee too,
/// so that a callee is finished (and what it does is known) before its caller is.
class CfgSearch {
 public:
  explicit CfgSearch(Env& env) : env_(env), mark_(env.code.size(), Mark{}) {}

  Check run();

 private:
  enum class Edge : uint8_t { kNone, kFallThrough, kBranch };
  enum class Visit { kDone, kDescend, kFailed };
  struct Mark {
    enum class State : uint8_t { kNew, kOpen, kFinished } state = State::kNew;
    Edge last_edge = Edge::kNone;  // edges up to this one were followed
  };

  Check search_from(uint32_t insn);
  Visit visit(uint32_t insn);
  Visit visit_call(uint32_t insn);
  Visit visit_function_use(uint32_t insn, bool into_callee);
  Visit visit_jump(uint32_t insn);
  /// `may_close_loop`: older kernels accept loops only where a jump closes them.
  Visit follow(uint32_t from, int64_t to, Edge edge, bool may_close_loop = true);
  void note_helper_call(uint32_t insn);
  void note_kfunc_call(uint32_t insn);
  Check check_all_reached();

  Subprogram& subprog_of(uint32_t insn) { return env_.subprogs[containing_subprog(env_, insn)]; }
  void prune_point(int64_t insn) {
    if (prune_points_are_jump_points_) return prune_and_jump_point(insn);
    if (static_cast<size_t>(insn) < env_.facts.size()) env_.facts[insn].prune_point = true;
  }
  void prune_and_jump_point(int64_t insn) {
    if (static_cast<size_t>(insn) < env_.facts.size())
      env_.facts[insn].prune_point = env_.facts[insn].jump_point = true;
  }
  Visit fail(Check check) {
    failure_ = check;
    return Visit::kFailed;
  }

  Env& env_;
  std::vector<Mark> mark_;
  std::vector<uint32_t> stack_;
  /// Instructions that one takes up.
  int width(const isa::Insn& insn) const {
    return isa::is_ld_imm64(insn) && wide_loads_whole_ ? 2 : 1;
  }

  const bool wide_loads_whole_ = env_.has(Feature::kWideLoadsWhole);
  const bool loops_close_anywhere_ = env_.has(Feature::kLoopsCloseAnywhere);
  const bool prune_points_are_jump_points_ = !env_.has(Feature::kJumpPoints);
  Check failure_;
};

CfgSearch::Visit CfgSearch::follow(uint32_t from, int64_t to, Edge edge, bool may_close_loop) {
  if (mark_[from].last_edge >= edge) return Visit::kDone;
  if (to < 0 || to >= static_cast<int64_t>(env_.code.size())) {
    print_source_line(env_, from, fmt::format("{}: ", from));
    return fail(out_of_range(env_, from, to));
  }
  if (edge == Edge::kBranch) prune_and_jump_point(to);
  Mark& target = mark_[to];
  switch (target.state) {
    case Mark::State::kNew:
      mark_[from].last_edge = edge;
      target.state = Mark::State::kOpen;
      stack_.push_back(static_cast<uint32_t>(to));
      return Visit::kDescend;
    case Mark::State::kOpen:  // a loop; the walk proves that it ends
      if (env_.bpf_capable && (may_close_loop || loops_close_anywhere_)) return Visit::kDone;
      print_source_line(env_, from, fmt::format("{}: ", from));
      print_source_line(env_, static_cast<uint32_t>(to), fmt::format("{}: ", to));
      return fail(env_.reject(EINVAL, "back-edge from insn {} to {}\n", from, to));
    case Mark::State::kFinished: mark_[from].last_edge = edge; return Visit::kDone;
  }
  return Visit::kDone;
}

/// A call, or a LD_IMM64 of a function (a callback).
CfgSearch::Visit CfgSearch::visit_function_use(uint32_t insn, bool into_callee) {
  int64_t behind = insn + width(env_.code[insn]);
  Visit v = follow(insn, behind, Edge::kFallThrough, false);
  if (v != Visit::kDone) return v;
  prune_and_jump_point(behind);
  if (!into_callee) return v;
  int64_t callee = static_cast<int64_t>(insn) + env_.code[insn].imm + 1;
  prune_point(insn);
  Subprogram& from = subprog_of(insn);
  const Subprogram& to = subprog_of(static_cast<uint32_t>(callee));
  from.changes_pkt_data |= to.changes_pkt_data;
  from.might_sleep |= to.might_sleep;
  from.might_throw |= to.might_throw;
  return follow(insn, callee, Edge::kBranch, isa::is_ld_imm64(env_.code[insn]));
}

void CfgSearch::note_helper_call(uint32_t insn) {
  HelperId id = static_cast<HelperId>(env_.code[insn].imm);
  HelperAvailability helper = helper_for(id, env_.call_site(), env_.profile);
  if (helper.kind == HelperAvailability::Kind::kAllowed && helper.row->flags & kHelperMightSleep)
    subprog_of(insn).might_sleep = true;
  const HelperRow* row = helper_row(id);
  if (row && row->flags & kHelperChangesPacketData) subprog_of(insn).changes_pkt_data = true;
}

void CfgSearch::note_kfunc_call(uint32_t insn) {
  const isa::Insn& call = env_.code[insn];
  if (is_iter_next_kfunc(env_, call)) {
    // The loop around it converges at this checkpoint, so there must always be one.
    prune_point(insn);
    env_.facts[insn].force_checkpoint = true;
  }
  if (kfunc_might_sleep(env_, call)) subprog_of(insn).might_sleep = true;
  if (kfunc_changes_pkt_data(env_, call)) subprog_of(insn).changes_pkt_data = true;
  if (is_throw_kfunc(env_, call)) subprog_of(insn).might_throw = true;
}

CfgSearch::Visit CfgSearch::visit_call(uint32_t insn) {
  const isa::Insn& call = env_.code[insn];
  bool helper = isa::is_helper_call(call), kfunc = isa::is_kfunc_call(call);
  if ((helper && is_async_callback_helper(call.imm)) ||
      (kfunc && is_async_callback_kfunc(env_, call)))
    prune_point(insn);  // else each visit would queue the callback again
  const bool sync = (helper && is_sync_callback_helper(call.imm)) ||
                    (kfunc && is_sync_callback_kfunc(env_, call));
  if (sync && env_.has(Feature::kCallbackStatesMerge)) {
    // How often the callback runs is not known: the walk comes back here until nothing is new.
    env_.facts[insn].calls_callback = env_.facts[insn].force_checkpoint = true;
    prune_and_jump_point(insn);
  }
  if (helper) note_helper_call(insn);
  else if (kfunc) note_kfunc_call(insn);
  return visit_function_use(insn, call.src == isa::kPseudoCall);
}

CfgSearch::Visit CfgSearch::visit_jump(uint32_t insn) {
  const isa::Insn& jump = env_.code[insn];
  if (isa::insn_op(jump.code) == isa::kJa) {
    if (isa::insn_source(jump.code) != isa::kK) return fail(Check::error(EINVAL));
    int64_t to = static_cast<int64_t>(insn) + jump_offset(env_, jump) + 1;
    Visit v = follow(insn, to, Edge::kFallThrough);
    if (v != Visit::kDone) return v;
    prune_and_jump_point(to);
    if (prune_points_are_jump_points_) prune_point(int64_t{insn} + 1);
    return v;
  }
  prune_point(insn);
  if (is_may_goto_insn(env_, insn)) env_.facts[insn].force_checkpoint = true;
  Visit v = follow(insn, static_cast<int64_t>(insn) + 1, Edge::kFallThrough);
  if (v != Visit::kDone) return v;
  return follow(insn, static_cast<int64_t>(insn) + jump.off + 1, Edge::kBranch);
}

CfgSearch::Visit CfgSearch::visit(uint32_t insn) {
  const isa::Insn& at = env_.code[insn];
  if (names_function(env_, at)) return visit_function_use(insn, true);
  uint8_t cls = isa::insn_class(at.code);
  if (cls != isa::kJmp && cls != isa::kJmp32)
    return follow(insn, static_cast<int64_t>(insn) + width(at), Edge::kFallThrough, false);
  switch (isa::insn_op(at.code)) {
    case isa::kExit: return Visit::kDone;
    case isa::kCall: return visit_call(insn);
    default: return visit_jump(insn);
  }
}

Check CfgSearch::search_from(uint32_t insn) {
  mark_[insn].state = Mark::State::kOpen;
  stack_.push_back(insn);
  while (!stack_.empty()) {
    uint32_t at = stack_.back();
    switch (visit(at)) {
      case Visit::kDone:
        mark_[at].state = Mark::State::kFinished;
        stack_.pop_back();
        break;
      case Visit::kDescend: break;
      case Visit::kFailed: return failure_;
    }
  }
  return Check::ok();
}

Check CfgSearch::check_all_reached() {
  for (size_t i = 0; i < mark_.size(); ++i) {
    if (mark_[i].state != Mark::State::kFinished)
      return env_.reject(EINVAL, "unreachable insn {}\n", i);
    if (width(env_.code[i]) == 1) continue;
    ++i;
    if (i < mark_.size() && mark_[i].state != Mark::State::kNew)
      return env_.reject(EINVAL, "jump into the middle of ldimm64 insn {}\n", i - 1);
  }
  return Check::ok();
}

Check CfgSearch::run() {
  DRYDOCK_TRY(search_from(0));
  if (env_.exception_callback_subprog) {
    uint32_t start = env_.subprogs[env_.exception_callback_subprog].start;
    if (mark_[start].state != Mark::State::kFinished) DRYDOCK_TRY(search_from(start));
  }
  return check_all_reached();
}

}  // namespace

Check check_cfg(Env& env) { return CfgSearch(env).run(); }

}  // namespace drydock::verifier
