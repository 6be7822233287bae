// SPDX-License-Identifier: Apache-2.0
#include "verifier/stack_use.h"

#include <algorithm>
#include <map>
#include <span>

#include "helpers/helper_ids.h"
#include "kernel/features.h"
#include "verifier/call_summary.h"
#include "verifier/cfg.h"
#include "verifier/frame_pointers.h"
#include "verifier/known_registers.h"

namespace drydock::verifier {
namespace {

constexpr uint32_t kMaxAnalyses = 10000;

/// Half slots low to high, both included.
HalfSlots half_slots(int64_t low, int64_t high) {
  constexpr int64_t kCount = static_cast<int64_t>(HalfSlots().size());
  low = std::max<int64_t>(low, 0);
  high = std::min(high, kCount - 1);
  if (low > high) return {};
  const auto count = static_cast<size_t>(high - low + 1);
  return HalfSlots().set() >> (HalfSlots().size() - count) << static_cast<size_t>(low);
}
/// Those that an access of the bytes touches.
HalfSlots touched(int64_t off, int64_t bytes) {
  return half_slots((-off - bytes) / kHalfSlotBytes, (-off - 1) / kHalfSlotBytes);
}
/// Those that it covers.
HalfSlots covered(int64_t off, int64_t bytes) {
  const int64_t above = std::max<int64_t>(-off - bytes + kHalfSlotBytes - 1, 0);
  return half_slots(above / kHalfSlotBytes, -off / kHalfSlotBytes - 1);
}

struct Use {
  HalfSlots reads, writes, live;
};

/// A function called from one place, at one depth: uses by frame and instruction.
class Instance {
 public:
  Instance(const Env& env, uint32_t subprog, int depth)
      : subprog_(subprog),
        depth_(depth),
        start_(env.subprogs[subprog].start),
        count_(static_cast<uint32_t>(env.subprog_end(subprog)) - start_) {}

  uint32_t subprog() const { return subprog_; }
  uint32_t start() const { return start_; }
  int depth() const { return depth_; }
  bool solved() const { return solved_; }
  /// The same place, nothing recorded yet.
  Instance blank() const {
    Instance copy = *this;
    for (auto& frame : copy.frames_) frame.clear();
    return copy;
  }

  void read(int frame, uint32_t insn, HalfSlots slots) { at(frame, insn).reads |= slots; }
  void write(int frame, uint32_t insn, HalfSlots slots) { at(frame, insn).writes |= slots; }
  HalfSlots live_before(int frame, uint32_t insn) const {
    const auto& uses = frames_[static_cast<size_t>(frame)];
    return uses.empty() ? HalfSlots() : uses[insn - start_].live;
  }
  void add(Instance&& later);
  void solve(const Env& env);

 private:
  Use& at(int frame, uint32_t insn) {
    auto& uses = frames_[static_cast<size_t>(frame)];
    if (uses.empty()) uses.resize(count_);
    return uses[insn - start_];
  }

  uint32_t subprog_;
  int depth_;
  uint32_t start_, count_;
  bool solved_ = false;
  std::array<std::vector<Use>, isa::kMaxCallFrames> frames_;  // empty: never touched
};

/// Joins what another analysis of the same place found.
void Instance::add(Instance&& later) {
  for (int f = 0; f <= depth_; ++f) {
    auto& mine = frames_[static_cast<size_t>(f)];
    auto& other = later.frames_[static_cast<size_t>(f)];
    const bool both = !mine.empty() && !other.empty();
    if (mine.empty()) mine = std::move(other);
    for (size_t i = 0; i < mine.size(); ++i) {
      mine[i].writes = both ? mine[i].writes & other[i].writes : HalfSlots();
      if (both) mine[i].reads |= other[i].reads;
    }
  }
}

void Instance::solve(const Env& env) {
  solved_ = true;
  const PostorderSpan order = postorder_of(env, subprog_);
  for (auto& uses : frames_) {
    if (uses.empty()) continue;
    for (bool changed = true; changed;) {
      changed = false;
      for (uint32_t at = order.begin; at < order.end; ++at) {
        const uint32_t insn = env.postorder[at];
        uint32_t next[2];
        const int count = insn_successors(env, insn, next);
        if (!count) continue;  // nothing is read behind the end, and the end reads nothing
        HalfSlots after;
        for (int i = 0; i < count; ++i) after |= uses[next[i] - start_].live;
        Use& use = uses[insn - start_];
        const HalfSlots before = (after & ~use.writes) | use.reads;
        changed |= before != use.live;
        use.live = before;
      }
    }
  }
}

/// Where a helper that runs a callback takes its context, and where the callback gets it.
struct CallbackRow {
  uint32_t helper;
  int callback, context, receives;  // registers
};
constexpr CallbackRow kCallbacks[] = {
    {helper_id::loop, 2, 3, 2},
    {helper_id::for_each_map_elem, 2, 3, 4},
    {helper_id::find_vma, 3, 4, 3},
    {helper_id::user_ringbuf_drain, 2, 3, 2},
};

const CallbackRow* callback_row(const isa::Insn& insn) {
  if (!isa::is_helper_call(insn)) return nullptr;
  auto row = std::ranges::find(kCallbacks, static_cast<uint32_t>(insn.imm), &CallbackRow::helper);
  return row == std::end(kCallbacks) ? nullptr : row;
}

}  // namespace

class StackUse {
 public:
  explicit StackUse(Env& env)
      : env_(env), analysed_(env.subprogs.size()), slots_at_call_(env.code.size()) {}

  Check run();
  void forget_tracks() { slots_at_call_.clear(); }
  HalfSlots live(const State& state, uint32_t frameno) const;

 private:
  using Entry = std::array<Track, 6>;
  static Entry no_arguments() {
    Entry entry;
    entry.fill(Track::nowhere());
    return entry;
  }

  Instance* find(uint32_t callsite, int depth) {
    auto it = instances_.find({depth, callsite});
    return it == instances_.end() ? nullptr : it->second.get();
  }
  Instance& find_or_make(uint32_t callsite, int depth, uint32_t subprog);
  const Instance* instance_of(const State& state, uint32_t frameno) const;

  Check analyse(Instance& place, const Entry& entry);
  Check analyse_into(Instance& instance, const Entry& entry);
  Check analyse_callee(Instance& caller, uint32_t insn, const Tracks& tracks);
  void record(Instance& instance, uint32_t insn, const Tracks& tracks);
  void record_memory(Instance& instance, uint32_t insn, const Tracks& tracks);
  void record_arguments(Instance& instance, uint32_t insn, const Tracks& tracks);
  void record_use(Instance& instance, uint32_t insn, const Track& pointer, ArgumentUse use);

  Env& env_;
  std::map<std::pair<int, uint32_t>, std::unique_ptr<Instance>>
      instances_;               // by depth and callsite
  std::vector<bool> analysed_;  // by subprogram
  // By call: the caller's slots, as last analysed.
  std::vector<std::unique_ptr<std::array<Track, Tracks::kSlots>>> slots_at_call_;
  std::array<uint32_t, isa::kMaxCallFrames> calls_{};  // of the chain being analysed
  uint32_t analyses_ = 0;
};

Instance& StackUse::find_or_make(uint32_t callsite, int depth, uint32_t subprog) {
  auto& place = instances_[{depth, callsite}];
  if (!place) place = std::make_unique<Instance>(env_, subprog, depth);
  return *place;
}

/// Callers first, so that a function that is given frame pointers is known by its calls.
Check StackUse::run() {
  for (auto subprog = env_.callees_first.rbegin(); subprog != env_.callees_first.rend();
       ++subprog) {
    if (analysed_[*subprog] && !env_.subprogs[*subprog].is_global) continue;
    DRYDOCK_TRY(analyse(find_or_make(env_.subprogs[*subprog].start, 0, *subprog), no_arguments()));
  }
  return Check::ok();
}

Check StackUse::analyse(Instance& place, const Entry& entry) {
  if (++analyses_ > kMaxAnalyses)
    return env_.reject(E2BIG, "liveness analysis exceeded complexity limit ({} calls)\n",
                       analyses_);
  if (place.solved()) {
    Instance again = place.blank();
    DRYDOCK_TRY(analyse_into(again, entry));
    place.add(std::move(again));
  } else {
    DRYDOCK_TRY(analyse_into(place, entry));
  }
  place.solve(env_);
  return Check::ok();
}

Check StackUse::analyse_into(Instance& instance, const Entry& entry) {
  analysed_[instance.subprog()] = true;
  TrackedCall call{.depth = instance.depth()};
  for (int d = 0; d < instance.depth(); ++d)
    call.callers_slots[static_cast<size_t>(d)] =
        slots_at_call_[calls_[static_cast<size_t>(d)]].get();
  const std::vector<Tracks> before = track_frame_pointers(env_, instance.subprog(), call, entry);

  const PostorderSpan order = postorder_of(env_, instance.subprog());
  for (uint32_t at = order.begin; at < order.end; ++at) {
    const uint32_t insn = env_.postorder[at];
    const Tracks& tracks = before[insn - instance.start()];
    record(instance, insn, tracks);
    if (isa::is_subprog_call(env_.code[insn]) || env_.facts[insn].calls_callback)
      slots_at_call_[insn] = std::make_unique<std::array<Track, Tracks::kSlots>>(tracks.slots);
  }
  for (uint32_t at = order.begin; at < order.end; ++at) {
    const uint32_t insn = env_.postorder[at];
    DRYDOCK_TRY(analyse_callee(instance, insn, before[insn - instance.start()]));
  }
  return Check::ok();
}

/// A callee, or callback, that gets a pointer into a stack.
Check StackUse::analyse_callee(Instance& caller, uint32_t insn, const Tracks& tracks) {
  const isa::Insn& call = env_.code[insn];
  Entry entry = no_arguments();
  std::optional<uint32_t> callee;
  if (isa::is_subprog_call(call)) {
    const int subprog = find_subprog(env_, insn + static_cast<uint32_t>(call.imm) + 1);
    if (subprog < 0) return Check::ok();
    callee = static_cast<uint32_t>(subprog);
    std::copy_n(tracks.regs.begin() + 1, 5, entry.begin() + 1);
  } else if (const CallbackRow* row =
                 env_.facts[insn].calls_callback ? callback_row(call) : nullptr) {
    const Track& context = tracks.regs[static_cast<size_t>(row->context)];
    callee = env_.known->function(insn, row->callback);
    if (!callee) {
      // Several callbacks: any of them may read anything.
      if (context.is_nowhere()) return Check::ok();
      for (int f = 0; f <= caller.depth(); ++f) caller.read(f, insn, HalfSlots().set());
      return Check::ok();
    }
    entry[static_cast<size_t>(row->receives)] = context;
  }
  if (!callee || std::ranges::none_of(entry, &Track::points_to_stack)) return Check::ok();
  if (caller.depth() == isa::kMaxCallFrames - 1) return Check::error(EINVAL);

  calls_[static_cast<size_t>(caller.depth())] = insn;
  Instance& place = find_or_make(insn, caller.depth() + 1, *callee);
  DRYDOCK_TRY(analyse(place, entry));
  for (int f = 0; f < place.depth(); ++f)
    if (HalfSlots live = place.live_before(f, place.start()); live.any())
      caller.read(f, insn, live);
  return Check::ok();
}

void StackUse::record(Instance& instance, uint32_t insn, const Tracks& tracks) {
  record_memory(instance, insn, tracks);
  const isa::Insn& at = env_.code[insn];
  if (isa::is_call(at) && !isa::is_subprog_call(at)) record_arguments(instance, insn, tracks);
}

/// Loads, stores and atomic operations through a pointer into a stack.
void StackUse::record_memory(Instance& instance, uint32_t insn, const Tracks& tracks) {
  const isa::Insn& at = env_.code[insn];
  const bool atomic =
      isa::insn_class(at.code) == isa::kStx && isa::insn_mode(at.code) == isa::kAtomic;
  const bool atomic_load = atomic && at.imm == isa::kLoadAcq;
  const bool reads = atomic ? at.imm != isa::kStoreRel : isa::insn_class(at.code) == isa::kLdx;
  switch (isa::insn_class(at.code)) {
    case isa::kLdx:
    case isa::kSt:
    case isa::kStx: break;
    default: return;
  }
  const bool by_src = isa::insn_class(at.code) == isa::kLdx || atomic_load;
  const Track& pointer = tracks.regs[by_src ? at.src : at.dst];
  const auto kind = reads ? ArgumentUse::Kind::kReads : ArgumentUse::Kind::kWrites;
  record_use(instance, insn, pointer.moved(at.off),
             {kind, static_cast<uint32_t>(isa::size_in_bytes(at.code))});
}

void StackUse::record_arguments(Instance& instance, uint32_t insn, const Tracks& tracks) {
  std::optional<CallSummary> summary = call_summary(env_, env_.code[insn]);
  const int count = std::min(summary ? summary->params : 5, 5);
  for (int arg = 0; arg < count; ++arg) {
    const Track& pointer = tracks.regs[static_cast<size_t>(arg + 1)];
    if (pointer.points_to_stack())
      record_use(instance, insn, pointer, argument_use(env_, insn, arg));
  }
}

void StackUse::record_use(Instance& instance, uint32_t insn, const Track& pointer,
                          ArgumentUse use) {
  using Kind = ArgumentUse::Kind;
  if (use.kind == Kind::kNone || (use.kind != Kind::kUnknown && !use.bytes)) return;
  if (pointer.in_several()) {
    // Not even whose stack it is: reads all of them, even by a store.
    for (int f = 0; f <= instance.depth(); ++f)
      if (pointer.may_be_in(f)) instance.read(f, insn, HalfSlots().set());
    return;
  }
  if (!pointer.in_one_frame() || pointer.frame() > instance.depth()) return;
  if (use.kind == Kind::kWrites) {
    if (pointer.offsets() != 1 || pointer.offset(0) >= 0) return;
    instance.write(pointer.frame(), insn, covered(pointer.offset(0), use.bytes));
    return;
  }
  if (!pointer.offsets()) return instance.read(pointer.frame(), insn, HalfSlots().set());
  for (int i = 0; i < pointer.offsets(); ++i) {
    const int64_t off = pointer.offset(i);
    if (off >= 0) continue;
    const int64_t bytes = use.kind == Kind::kUnknown ? -off : int64_t{use.bytes};
    instance.read(pointer.frame(), insn, touched(off, bytes));
  }
}

/// The place nearest to the frame's own depth: a function that was looked at by itself stands for
/// all its calls.
const Instance* StackUse::instance_of(const State& state, uint32_t frameno) const {
  const FuncState& frame = *state.frames[frameno];
  for (int depth = static_cast<int>(frameno); depth >= 0; --depth) {
    const uint32_t key =
        depth ? static_cast<uint32_t>(frame.callsite) : env_.subprogs[frame.subprogno].start;
    if (auto it = instances_.find({depth, key}); it != instances_.end()) return it->second.get();
  }
  return nullptr;
}

/// In the innermost function, or in one that called it: behind its call, or before one that runs a
/// callback and may do so again.
HalfSlots StackUse::live(const State& state, uint32_t frameno) const {
  const HalfSlots everything = HalfSlots().set();
  const Instance* innermost = instance_of(state, state.curframe);
  if (!innermost) return everything;
  // A function looked at by itself calls its own frame 0.
  const int own = static_cast<int>(frameno) + innermost->depth() - static_cast<int>(state.curframe);
  HalfSlots live;
  if (own >= 0 && own <= innermost->depth()) live = innermost->live_before(own, state.insn_idx);
  for (uint32_t i = frameno; i < state.curframe; ++i) {
    const Instance* outer = instance_of(state, i);
    if (!outer) return everything;
    const int frame = static_cast<int>(frameno) + outer->depth() - static_cast<int>(i);
    if (frame < 0 || frame > outer->depth()) return everything;
    const auto callsite = static_cast<uint32_t>(state.frames[i + 1]->callsite);
    live |=
        outer->live_before(frame, env_.facts[callsite].calls_callback ? callsite : callsite + 1);
  }
  return live;
}

Check analyse_stack_use(Env& env) {
  if (!env.has(Feature::kStackUseBeforeWalk)) return Check::ok();
  env.stack_use = std::make_shared<StackUse>(env);
  DRYDOCK_TRY(env.stack_use->run());
  env.stack_use->forget_tracks();
  return Check::ok();
}

HalfSlots live_stack(const Env& env, const State& state, uint32_t frameno) {
  return env.stack_use->live(state, frameno);
}

}  // namespace drydock::verifier
