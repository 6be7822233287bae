// SPDX-License-Identifier: Apache-2.0
// Orders and components of the CFG: what the data-flow passes iterate over, and where loops are.
#include <algorithm>
#include <array>

#include "kernel/features.h"
#include "verifier/cfg.h"
#include "verifier/loops.h"
#include "verifier/walk.h"

namespace drydock::verifier {
namespace {

// All members false by default: GCC 12 with optimisation fills only the first elements of a
// constant array whose default is not all zeros.
struct Flow {
  bool jumps = false, stops = false;
};

/// By class and operation of a jump instruction: all others fall through.
constexpr std::array<Flow, 256> kFlows = [] {
  std::array<Flow, 256> flows{};
  for (uint8_t cls : {isa::kJmp, isa::kJmp32}) {
    flows[cls | isa::kExit] = {.jumps = false, .stops = true};
    flows[cls | isa::kJa] = {.jumps = true, .stops = true};
    for (uint8_t op : {isa::kJeq, isa::kJne, isa::kJlt, isa::kJle, isa::kJgt, isa::kJge, isa::kJsgt,
                       isa::kJsge, isa::kJslt, isa::kJsle, isa::kJset, isa::kJcond})
      flows[cls | op] = {.jumps = true, .stops = false};
  }
  return flows;
}();

}  // namespace

int insn_successors(const Env& env, uint32_t insn, uint32_t out[2]) {
  const isa::Insn& at = env.code[insn];
  Flow flow = kFlows[isa::insn_class(at.code) | isa::insn_op(at.code)];
  int count = 0;
  if (!flow.stops) out[count++] = insn + (isa::is_ld_imm64(at) ? 2 : 1);
  if (flow.jumps) out[count++] = insn + jump_offset(env, at) + 1;
  return count;
}

/// Not quite the textbook's order: a successor counts as seen once it is queued. The passes reach
/// the same results in any order, but the log of the stack liveness shows it.
Check compute_postorder(Env& env) {
  enum : uint8_t { kQueued = 1, kExpanded = 2 };
  std::vector<uint8_t> marks(env.code.size());
  std::vector<uint32_t> stack;
  env.postorder.clear();
  for (Subprogram& subprog : env.subprogs) {
    subprog.postorder_start = static_cast<uint32_t>(env.postorder.size());
    stack.push_back(subprog.start);
    while (!stack.empty()) {
      uint32_t at = stack.back();
      if (marks[at] & kExpanded) {
        env.postorder.push_back(at);
        stack.pop_back();
        continue;
      }
      marks[at] |= kQueued | kExpanded;
      uint32_t next[2];
      int count = insn_successors(env, at, next);
      for (int i = 0; i < count; ++i) {
        if (marks[next[i]]) continue;
        marks[next[i]] = kQueued;
        stack.push_back(next[i]);
      }
    }
  }
  env.cfg_max_postorder = static_cast<uint32_t>(env.postorder.size());
  return Check::ok();
}

namespace {

/// Looks through what each function calls, innermost first, for a call of one that is still open.
class RecursionSearch {
 public:
  explicit RecursionSearch(Env& env) : env_(env), marks_(env.subprogs.size(), Mark::kNew) {}

  Check search(uint32_t subprog) {
    marks_[subprog] = Mark::kOpen;
    const PostorderSpan span = postorder_of(env_, subprog);
    for (uint32_t at = span.begin; at < span.end; ++at) {
      const uint32_t index = env_.postorder[at];
      const isa::Insn& insn = env_.code[index];
      const bool calls = isa::is_subprog_call(insn);
      if (!calls && !(isa::is_ld_imm64(insn) && insn.src == isa::kPseudoFunc)) continue;
      const int callee = find_subprog(env_, index + insn.imm + 1);
      if (callee < 0) return Check::error(EFAULT);
      const auto target = static_cast<uint32_t>(callee);
      if (marks_[target] == Mark::kOpen && calls)
        return env_.reject(EINVAL, "recursive call from {}() to {}()\n",
                           subprog_name(env_, subprog), subprog_name(env_, target));
      if (marks_[target] == Mark::kNew) DRYDOCK_TRY(search(target));
    }
    marks_[subprog] = Mark::kDone;
    env_.callees_first.push_back(subprog);
    return Check::ok();
  }

  bool is_new(uint32_t subprog) const { return marks_[subprog] == Mark::kNew; }

 private:
  enum class Mark : uint8_t { kNew, kOpen, kDone };

  Env& env_;
  std::vector<Mark> marks_;
};

}  // namespace

PostorderSpan postorder_of(const Env& env, size_t subprog) {
  const bool last = subprog + 1 == env.subprogs.size();
  return {env.subprogs[subprog].postorder_start, last ? static_cast<uint32_t>(env.postorder.size())
                                                      : env.subprogs[subprog + 1].postorder_start};
}

Check check_recursion(Env& env) {
  if (!env.has(Feature::kRecursionRefused)) return Check::ok();
  RecursionSearch recursion(env);
  for (uint32_t i = 0; i < env.subprogs.size(); ++i)
    if (recursion.is_new(i)) DRYDOCK_TRY(recursion.search(i));
  return Check::ok();
}

namespace {

/// Tarjan's algorithm, without recursion, in Pearce's form: `low` doubles as "reaches something
/// still on the stack". Component numbers follow the order in which components are completed, since
/// they are printed.
class SccSearch {
 public:
  explicit SccSearch(Env& env) : env_(env), pre_(env.code.size()), low_(env.code.size()) {}

  uint32_t run() {
    for (uint32_t i = 0; i < env_.code.size(); ++i)
      if (!pre_[i]) search_from(i);
    return next_scc_;
  }

 private:
  static constexpr uint32_t kOffStack = UINT32_MAX;

  void search_from(uint32_t root) {
    dfs_.push_back(root);
    while (!dfs_.empty()) step(dfs_.back());
  }
  void step(uint32_t at) {
    if (!pre_[at]) {
      pre_[at] = low_[at] = next_preorder_++;
      stack_.push_back(at);
    }
    uint32_t next[2];
    int count = insn_successors(env_, at, next);
    bool self_loop = false;
    for (int i = 0; i < count; ++i) {
      if (next[i] >= env_.code.size()) continue;
      if (!pre_[next[i]]) {
        dfs_.push_back(next[i]);
        return;
      }
      low_[at] = std::min(low_[at], low_[next[i]]);
      self_loop |= next[i] == at;
    }
    dfs_.pop_back();
    if (low_[at] < pre_[at]) return;  // part of a component whose root comes later
    pop_component(at, self_loop);
  }
  void pop_component(uint32_t root, bool self_loop) {
    const bool runs_callback =
        env_.facts[root].calls_callback && env_.has(Feature::kCallbacksAreLoops);
    bool is_loop = stack_.back() != root || self_loop || runs_callback;
    uint32_t member;
    do {
      member = stack_.back();
      stack_.pop_back();
      low_[member] = kOffStack;
      if (is_loop) env_.facts[member].scc = next_scc_;
    } while (member != root);
    if (is_loop) ++next_scc_;
  }

  Env& env_;
  std::vector<uint32_t> pre_, low_, stack_, dfs_;
  uint32_t next_preorder_ = 1, next_scc_ = 1;
};

}  // namespace

Check compute_scc(Env& env) {
  uint32_t count = SccSearch(env).run();
  env.loops = std::make_shared<LoopComponents>();
  env.loops->visits.resize(count);
  return Check::ok();
}

}  // namespace drydock::verifier
