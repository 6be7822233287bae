// SPDX-License-Identifier: Apache-2.0
#include "verifier/liveness.h"

#include <algorithm>
#include <cstring>

#include "kernel/features.h"
#include "verifier/cfg.h"
#include "verifier/log.h"

namespace drydock::verifier {

/// The calls that lead to a function, and the function.
struct LiveCallchain {
  std::array<uint32_t, State::kMaxFrames> callsites{};  // the last one: the function's first insn
  std::array<uint32_t, State::kMaxFrames> starts{};     // first insn of each frame's function
  uint32_t depth = 0;                                   // index of the function's own frame

  uint32_t start() const { return starts[depth]; }
  bool same_calls(const LiveCallchain& o) const {
    return depth == o.depth &&
           !std::memcmp(callsites.data(), o.callsites.data(), (depth + 1) * sizeof(uint32_t));
  }
  /// That of the caller.
  LiveCallchain outer() const {
    LiveCallchain up = *this;
    up.callsites[up.depth] = up.starts[up.depth] = 0;
    --up.depth;
    up.callsites[up.depth] = up.starts[up.depth];
    return up;
  }
};

/// Slots of one frame, at one instruction.
struct SlotMasks {
  uint64_t may_read = 0;
  uint64_t must_write = 0;      // on every visit so far
  uint64_t must_write_acc = 0;  // by it or on every way from it to the end of the function
  uint64_t live_before = 0;
  bool queued = false;  // its equation is to be looked at again
};

/// A function as called by one chain of calls.
struct FuncInstance {
  LiveCallchain chain;
  uint32_t insn_count = 0;
  bool updated = false;             // marks came in that change the results
  bool must_write_dropped = false;  // some must_write became smaller
  std::array<std::vector<SlotMasks>, State::kMaxFrames> frames;  // by instruction; empty: no marks
  std::array<std::vector<uint32_t>, State::kMaxFrames> queue;    // instructions whose marks changed
  std::vector<bool> visited;                                     // must_write holds something

  size_t relative(uint32_t insn) const { return insn - chain.start(); }
  SlotMasks* masks(uint32_t frame, uint32_t insn) {
    return frames[frame].empty() ? nullptr : &frames[frame][relative(insn)];
  }
  SlotMasks& masks_for_update(uint32_t frame, uint32_t insn) {
    if (frames[frame].empty()) frames[frame].resize(insn_count);
    return frames[frame][relative(insn)];
  }
  bool is_live_before(uint32_t insn, uint32_t frame, uint32_t spi) {
    const SlotMasks* m = masks(frame, insn);
    return m && m->live_before >> spi & 1;
  }
  void add_read(uint32_t frame, uint32_t insn, uint64_t slots) {
    SlotMasks& m = masks_for_update(frame, insn);
    if (!(slots & ~m.may_read)) return;
    m.may_read |= slots;
    if (m.may_read & ~m.live_before) updated = true;
    enqueue(frame, insn, m);
  }
  void enqueue(uint32_t frame, uint32_t insn, SlotMasks& m) {
    if (m.queued) return;
    m.queued = true;
    queue[frame].push_back(insn);
  }
};

class StackLiveness {
 public:
  explicit StackLiveness(Env& env);

  void forget_current() { current_ = nullptr; }
  FuncInstance& current() {
    if (!current_) current_ = &instance_of(*env_.state, env_.state->curframe);
    return *current_;
  }
  void begin_writes(const FuncInstance& f, uint32_t insn) {
    write_insn_ = insn;
    std::fill_n(written_.begin(), f.chain.depth + 1, 0);
  }
  void add_write(uint32_t frame, uint64_t slots) { written_[frame] |= slots; }
  void commit_writes(FuncInstance& f);
  void commit_current() {
    if (current_) commit_writes(*current_);
  }
  void update();
  void prepare_query(const State& state);
  bool is_alive(uint32_t frameno, uint32_t spi);

 private:
  LiveCallchain chain_of(const State& state, uint32_t frameno) const;
  FuncInstance& find_or_make(const LiveCallchain& chain, uint32_t subprog);
  FuncInstance& instance_of(const State& state, uint32_t frameno) {
    return find_or_make(chain_of(state, frameno), state.frames[frameno]->subprogno);
  }
  void solve(FuncInstance& f);
  uint32_t sweep(FuncInstance& f);
  void work_off_queue(FuncInstance& f, uint32_t frame);
  bool step(FuncInstance& f, uint32_t frame, uint32_t insn);
  void carry_to_caller(FuncInstance& f);
  void log_change(const FuncInstance& f, const char* what, uint32_t frame, uint32_t insn,
                  uint64_t before, uint64_t after);

  Env& env_;
  std::vector<std::vector<std::unique_ptr<FuncInstance>>> by_subprog_;
  // Predecessors of each instruction in the CFG: those of i are predecessors_[first_[i] .. first_[i
  // + 1]).
  std::vector<uint32_t> predecessors_, first_;
  FuncInstance* current_ = nullptr;  // of the current state; looked up once a function entry
  std::array<uint64_t, State::kMaxFrames> written_{};  // by the instruction being walked
  uint32_t write_insn_ = 0;
  struct {
    std::array<FuncInstance*, State::kMaxFrames> instances{};
    uint32_t depth = 0, insn = 0;
  } query_;
};

namespace {

std::string text_of(const LiveCallchain& chain) {
  std::string text = "(";
  for (uint32_t i = 0; i <= chain.depth; ++i)
    text += fmt::format("{}{}", i ? "," : "", chain.callsites[i]);
  return text + ")";
}

}  // namespace

StackLiveness::StackLiveness(Env& env)
    : env_(env), by_subprog_(env.subprogs.size()), first_(env.code.size() + 2) {
  uint32_t next[2];
  // first_[i + 2] counts, then, shifted by one, says where to put the next one.
  for (uint32_t insn : env.postorder)
    for (int n = insn_successors(env, insn, next); n-- > 0;) ++first_[next[n] + 2];
  for (size_t i = 2; i < first_.size(); ++i) first_[i] += first_[i - 1];
  predecessors_.resize(first_.back());
  for (uint32_t insn : env.postorder)
    for (int n = insn_successors(env, insn, next); n-- > 0;)
      predecessors_[first_[next[n] + 1]++] = insn;
}

LiveCallchain StackLiveness::chain_of(const State& state, uint32_t frameno) const {
  LiveCallchain chain;
  chain.depth = frameno;
  for (uint32_t i = 0; i <= frameno; ++i) {
    chain.starts[i] = env_.subprogs[state.frames[i]->subprogno].start;
    if (i < frameno) chain.callsites[i] = static_cast<uint32_t>(state.frames[i + 1]->callsite);
  }
  chain.callsites[frameno] = chain.starts[frameno];
  return chain;
}

FuncInstance& StackLiveness::find_or_make(const LiveCallchain& chain, uint32_t subprog) {
  auto& instances = by_subprog_[subprog];
  for (auto& f : instances)
    if (f->chain.same_calls(chain)) return *f;
  auto f = std::make_unique<FuncInstance>();
  f->chain = chain;
  f->insn_count = static_cast<uint32_t>(env_.subprog_end(subprog) - env_.subprogs[subprog].start);
  f->visited.resize(f->insn_count);
  instances.push_back(std::move(f));
  return *instances.back();
}

void StackLiveness::commit_writes(FuncInstance& f) {
  size_t idx = f.relative(write_insn_);
  if (idx >= f.insn_count) return;  // the function changed while the instruction was walked
  for (uint32_t frame = 0; frame <= f.chain.depth; ++frame) {
    uint64_t mask = written_[frame];
    if (!mask && (!f.visited[idx] || f.frames[frame].empty())) continue;  // stays empty
    SlotMasks& m = f.masks_for_update(frame, write_insn_);
    // The kernel keeps the previous set in 32 bits here: from the second visit on, slots below
    // fp-256 count as written only while the lower ones stay as they were.
    uint32_t before = static_cast<uint32_t>(m.must_write);
    if (f.visited[idx]) mask &= before;
    if (before != mask) {
      m.must_write = mask;
      f.updated = true;
      f.enqueue(frame, write_insn_, m);
    }
    if (before & ~mask) f.must_write_dropped = true;
  }
  f.visited[idx] = true;
  write_insn_ = 0;
}

void StackLiveness::log_change(const FuncInstance& f, const char* what, uint32_t frame,
                               uint32_t insn, uint64_t before, uint64_t after) {
  if (before == after) return;
  env_.verbose("{} frame {} insn {} ", text_of(f.chain), frame, insn);
  if (uint64_t ones = after & ~before) env_.verbose("+{} {} ", what, stack_mask_str(ones));
  if (uint64_t zeros = before & ~after) env_.verbose("-{} {}", what, stack_mask_str(zeros));
  env_.verbose("\n");
}

/// One equation of the data flow. Returns whether something changed.
bool StackLiveness::step(FuncInstance& f, uint32_t frame, uint32_t insn) {
  uint32_t next[2];
  int count = insn_successors(env_, insn, next);
  if (count == 0) return false;
  SlotMasks& m = *f.masks(frame, insn);
  uint64_t live_after = 0, written_after = ~uint64_t{0};
  for (int i = 0; i < count; ++i) {
    const SlotMasks& s = *f.masks(frame, next[i]);
    live_after |= s.live_before;
    written_after &= s.must_write_acc;
  }
  uint64_t live_before = (live_after & ~m.must_write) | m.may_read;
  uint64_t must_write_acc = written_after | m.must_write;
  if (env_.log.level2() &&
      (m.may_read || m.must_write || insn == f.chain.start() || env_.facts[insn].prune_point)) {
    log_change(f, "live", frame, insn, m.live_before, live_before);
    log_change(f, "written", frame, insn, m.must_write_acc, must_write_acc);
  }
  bool changed = live_before != m.live_before || must_write_acc != m.must_write_acc;
  m.live_before = live_before;
  m.must_write_acc = must_write_acc;
  return changed;
}

/// Every equation in the kernel's order, until none changes anything; how many rounds that took.
uint32_t StackLiveness::sweep(FuncInstance& f) {
  if (f.must_write_dropped)
    for (auto& frame : f.frames)
      for (SlotMasks& m : frame) m.must_write_acc = 0;
  uint32_t subprog = containing_subprog(env_, f.chain.start());
  uint32_t begin = env_.subprogs[subprog].postorder_start;
  uint32_t end = subprog + 1 < env_.subprogs.size() ? env_.subprogs[subprog + 1].postorder_start
                                                    : static_cast<uint32_t>(env_.postorder.size());
  uint32_t rounds = 0;
  for (bool changed = true; changed;) {
    ++rounds;
    changed = false;
    for (uint32_t frame = 0; frame <= f.chain.depth; ++frame) {
      if (f.frames[frame].empty()) continue;
      for (uint32_t i = begin; i < end; ++i) changed |= step(f, frame, env_.postorder[i]);
    }
  }
  for (uint32_t frame = 0; frame <= f.chain.depth; ++frame) {
    for (uint32_t insn : f.queue[frame]) f.masks(frame, insn)->queued = false;
    f.queue[frame].clear();
  }
  return rounds;
}

/// The equations whose marks changed, and from there backwards as far as results change.
void StackLiveness::work_off_queue(FuncInstance& f, uint32_t frame) {
  std::vector<uint32_t>& queue = f.queue[frame];
  while (!queue.empty()) {
    uint32_t insn = queue.back();
    queue.pop_back();
    f.masks(frame, insn)->queued = false;
    if (!step(f, frame, insn)) continue;
    for (uint32_t p = first_[insn]; p < first_[insn + 1]; ++p)
      f.enqueue(frame, predecessors_[p], *f.masks(frame, predecessors_[p]));
  }
}

/// The order in which equations are solved shows in the log only, with one exception: a set of
/// written slots that became smaller can free a loop that then keeps itself alive.
void StackLiveness::solve(FuncInstance& f) {
  if (env_.log.level2() || f.must_write_dropped) {
    uint32_t rounds = sweep(f);
    if (env_.log.level2())
      env_.verbose("{} live stack update done in {} iterations\n", text_of(f.chain), rounds);
  } else {
    for (uint32_t frame = 0; frame <= f.chain.depth; ++frame) work_off_queue(f, frame);
  }
  if (f.chain.depth > 0) carry_to_caller(f);
}

/// The call stands for the whole callee in its caller.
void StackLiveness::carry_to_caller(FuncInstance& f) {
  LiveCallchain outer = f.chain.outer();
  FuncInstance& caller = find_or_make(outer, containing_subprog(env_, outer.start()));
  uint32_t callsite = f.chain.callsites[f.chain.depth - 1];
  begin_writes(caller, callsite);
  for (uint32_t frame = 0; frame < f.chain.depth; ++frame) {
    const SlotMasks* entry = f.masks(frame, f.chain.start());
    if (!entry) continue;
    add_write(frame, entry->must_write_acc);
    caller.add_read(frame, callsite, entry->live_before);
  }
  commit_writes(caller);
}

void StackLiveness::update() {
  forget_current();
  const State& state = *env_.state;
  for (uint32_t frame = state.curframe + 1; frame-- > 0;) {
    FuncInstance& f = instance_of(state, frame);
    if (!f.updated) continue;
    solve(f);
    f.updated = f.must_write_dropped = false;
  }
}

void StackLiveness::prepare_query(const State& state) {
  for (uint32_t frame = 0; frame <= state.curframe; ++frame)
    query_.instances[frame] = &instance_of(state, frame);
  query_.depth = state.curframe;
  query_.insn = state.insn_idx;
}

/// Alive in the innermost function, or in a caller behind the call that the state is in (before it
/// for calls that run a callback and may do so again).
bool StackLiveness::is_alive(uint32_t frameno, uint32_t spi) {
  FuncInstance& innermost = *query_.instances[query_.depth];
  if (innermost.is_live_before(query_.insn, frameno, spi)) return true;
  for (uint32_t i = frameno; i < query_.depth; ++i) {
    uint32_t callsite = innermost.chain.callsites[i];
    uint32_t resumes_at = env_.facts[callsite].calls_callback ? callsite : callsite + 1;
    if (query_.instances[i]->is_live_before(resumes_at, frameno, spi)) return true;
  }
  return false;
}

Check stack_liveness_init(Env& env) {
  if (env.read_marks || env.has(Feature::kStackUseBeforeWalk)) return Check::ok();
  env.liveness = std::make_shared<StackLiveness>(env);
  return Check::ok();
}

void reset_live_stack_callchain(Env& env) {
  if (env.liveness) env.liveness->forget_current();
}

Check mark_stack_read(Env& env, uint32_t frameno, uint32_t insn, uint64_t slots) {
  if (env.liveness) env.liveness->current().add_read(frameno, insn, slots);
  else if (env.read_marks) read_slots(env, frameno, slots);
  return Check::ok();
}

void mark_stack_write(Env& env, uint32_t frameno, uint64_t slots) {
  if (env.liveness) env.liveness->add_write(frameno, slots);
  else if (env.read_marks) env.state->frames[frameno]->read_marks.write_slots(slots);
}

Check reset_stack_write_marks(Env& env, uint32_t insn) {
  if (env.liveness) env.liveness->begin_writes(env.liveness->current(), insn);
  return Check::ok();
}

Check commit_stack_write_marks(Env& env) {
  if (env.liveness) env.liveness->commit_current();
  return Check::ok();
}

Check update_live_stack(Env& env) {
  if (env.liveness) env.liveness->update();
  return Check::ok();
}

Check live_stack_query_init(Env& env, State& state) {
  if (env.liveness) env.liveness->prepare_query(state);
  return Check::ok();
}

bool stack_slot_alive(Env& env, uint32_t frameno, uint32_t spi) {
  return env.liveness->is_alive(frameno, spi);
}

}  // namespace drydock::verifier
