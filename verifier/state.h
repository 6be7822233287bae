// SPDX-License-Identifier: Apache-2.0
// One abstract state of the machine: the frames of the call chain with their registers and stacks,
// the references held, and what sections (locks, RCU, preemption, interrupts) the path is in.
// Kernel's counterparts: struct bpf_func_state and struct bpf_verifier_state.
#pragma once

#include <array>
#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "isa/insn.h"
#include "verifier/read_marks.h"
#include "verifier/register.h"
#include "verifier/stack.h"

namespace drydock::verifier {

struct RetvalRange {
  int32_t min = 0, max = 0;
};

struct FuncState {
  int32_t callsite = -1;  // instruction that called this frame
  uint32_t frameno = 0;   // 0: main
  uint32_t subprogno = 0;
  uint32_t async_entry_count = 0;
  RetvalRange callback_ret_range;
  bool in_callback = false;
  bool in_async_callback = false;
  bool in_exception_callback = false;
  uint32_t callback_depth = 0;  // simulated iterations of the callback that the next frame runs
  ReadMarks read_marks;         // kernels before 6.18
  std::array<Register, isa::kMaxRegisters> regs;
  Stack stack;

  /// The register with its read marks: what a call passes or returns.
  void copy_register(int regno, const FuncState& from, int from_regno) {
    regs[static_cast<size_t>(regno)] = from.regs[static_cast<size_t>(from_regno)];
    read_marks.copy_register(regno, from.read_marks, from_regno);
  }
};

enum class RefKind : uint8_t { kPtr, kIrq, kLock, kResLock, kResLockIrq };

/// Something acquired that must be released: a referenced object, a lock, saved irq flags.
struct Reference {
  RefKind kind = RefKind::kPtr;
  uint32_t id = 0;
  uint32_t insn = 0;            // that acquired it
  const void* ptr = nullptr;    // locks: what the lock is in (map or allocated object's BTF)
  uint32_t callback_frame = 0;  // of the callback that acquired it; 0: none
};

/// One step of the walk since the state's first instruction, for precision backtracking.
struct HistoryEntry {
  uint32_t insn = 0;
  uint32_t prev_insn : 20 = 0;
  uint32_t flags : 12 = 0;   // precision.h
  uint64_t linked_regs = 0;  // packed set of registers that share a scalar id (precision.h)
};

/// A state. Copies are deep but for stacks, which share storage until written.
struct State {
  static constexpr int kMaxFrames = isa::kMaxCallFrames;

  State() = default;
  State(const State& o) { assign(o); }
  State& operator=(const State& o) {
    if (this != &o) assign(o);
    return *this;
  }
  State(State&&) noexcept = default;
  State& operator=(State&&) noexcept = default;

  // What comparisons look at first stands first: lists of checkpoints are walked often.
  uint32_t branches = 0;  // paths below this state that are still being explored
  uint32_t insn_idx = 0;
  uint32_t curframe = 0;
  bool speculative = false;
  bool in_sleepable = false;
  bool cleaned = false;  // dead registers and slots were dropped
  std::array<std::unique_ptr<FuncState>, kMaxFrames> frames;
  State* parent = nullptr;  // the checkpoint this path came through last
  uint32_t active_locks = 0;
  uint32_t active_preempt_locks = 0;
  uint32_t active_irq_id = 0;
  uint32_t active_lock_id = 0;
  const void* active_lock_ptr = nullptr;
  uint32_t active_rcu_locks = 0;  // 6.18 allows one level; a count so that nesting is a feature
  uint32_t first_insn = 0, last_insn = 0;
  uint32_t dfs_depth = 0, callback_unroll_depth = 0, may_goto_depth = 0;
  State* equal_state = nullptr;  // set while this state waits as a back edge
  State* loop_entry = nullptr;   // loop_entries.h
  bool used_as_loop_entry = false;
  boost::container::small_vector<Reference, 4> refs;
  std::vector<HistoryEntry> history;

  FuncState& current() { return *frames[curframe]; }
  const FuncState& current() const { return *frames[curframe]; }
  Register* regs() { return current().regs.data(); }

  /// Calls f(FuncState&, Register&) for every register and every spilled register of all frames.
  /// Registers in slots are handed out for reading first: `wanted(const Register&)` decides
  /// whether f runs (and the slot's storage becomes this state's own).
  template <class Wanted, class F>
  void edit_registers(Wanted wanted, F f) {
    for (uint32_t i = 0; i <= curframe; ++i) {
      FuncState& func = *frames[i];
      for (Register& reg : func.regs)
        if (wanted(std::as_const(reg))) f(func, reg);
      for (size_t spi = 0; spi < func.stack.size(); ++spi) {
        const Slot& slot = func.stack.at(spi);
        if (slot.is_spilled_reg() && wanted(slot.reg)) f(func, func.stack.edit(spi).reg);
      }
    }
  }
  /// The same for reading; f(const FuncState&, const Register&).
  template <class F>
  void for_each_register(F f) const {
    for (uint32_t i = 0; i <= curframe; ++i) {
      const FuncState& func = *frames[i];
      for (const Register& reg : func.regs) f(func, reg);
      for (size_t spi = 0; spi < func.stack.size(); ++spi)
        if (func.stack.at(spi).is_spilled_reg()) f(func, func.stack.at(spi).reg);
    }
  }

  void drop_stacks() {
    for (auto& frame : frames)
      if (frame) frame->stack.clear();
  }

  size_t acquired_refs() const { return refs.size(); }

 private:
  void assign(const State& o);  // state.cc
};

}  // namespace drydock::verifier
