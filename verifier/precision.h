// SPDX-License-Identifier: Apache-2.0
// Precision: marking, backwards, every scalar that a safety decision depended on.
#pragma once

#include <array>

#include "verifier/env.h"

namespace drydock::verifier {

// HistoryEntry::flags.
inline constexpr uint32_t kHistFrameMask = 0x7;
inline constexpr uint32_t kHistSpiMask = 0x3f, kHistSpiShift = 3;
inline constexpr uint32_t kHistStackAccess = 1u << 9, kHistDstRegStack = 1u << 10,
                          kHistSrcRegStack = 1u << 11;
inline uint32_t history_stack_access(uint32_t spi, uint32_t frameno) {
  return kHistStackAccess | (spi << kHistSpiShift) | frameno;
}

/// A set of registers and slots that share a scalar id, packed into 64 bits for the history.
struct LinkedRegs {
  struct Entry {
    uint8_t frameno : 3 = 0;
    bool is_reg : 1 = false;
    uint8_t index : 6 = 0;  // register or slot
  };
  static constexpr int kMax = 6;
  Entry entries[kMax];
  int count = 0;
  uint64_t pack() const;
  static LinkedRegs unpack(uint64_t packed);
};

/// Searches that went back over the path being walked, so that later ones need not go the same way
/// again: at each entry of the current state's history, what has been looked for there. Each thing
/// looked for is followed for itself, and found in checkpoints that keep their marks; so a search
/// for no more than that would mark nothing.
class EarlierSearches {
 public:
  /// Was all of this looked for at the entry before? Notes that it was now.
  bool cover(size_t entry, uint32_t regs, uint64_t slots) {
    if (entry >= at_.size()) at_.resize(entry + 1);
    Wanted& before = at_[entry];
    if (!(regs & ~before.regs) && !(slots & ~before.slots)) return true;
    before.regs |= regs;
    before.slots |= slots;
    return false;
  }
  /// Another path is walked, or its history begins anew.
  void forget() { at_.clear(); }

 private:
  struct Wanted {
    uint64_t slots = 0;
    uint32_t regs = 0;
  };
  std::vector<Wanted> at_;
};

/// What backtracking still looks for: registers and slots of each frame that must become precise in
/// the states before. Empty between two calls, but for callers that fill it for the batch.
struct Backtrack {
  uint32_t frame = 0;  // that the instruction at hand belongs to
  std::array<uint32_t, State::kMaxFrames> regs{};
  std::array<uint64_t, State::kMaxFrames> slots{};
  std::vector<uint16_t> concerned;  // registers_concerned(), by instruction
  EarlierSearches earlier;          // on the path of Env::state

  bool empty() const {
    for (uint32_t i = 0; i <= frame; ++i)
      if (regs[i] | slots[i]) return false;
    return true;
  }
  bool only_current_frame() const {
    for (uint32_t i = 0; i < frame; ++i)
      if (regs[i] | slots[i]) return false;
    return true;
  }
  void reset() {
    frame = 0;
    regs = {};
    slots = {};
  }
  uint32_t& cur_regs() { return regs[frame]; }
  uint64_t& cur_slots() { return slots[frame]; }
  bool wants(uint32_t reg) const { return regs[frame] >> reg & 1; }
  void want(uint32_t reg) { regs[frame] |= 1u << reg; }
  void drop(uint32_t reg) { regs[frame] &= ~(1u << reg); }
};

/// How one instruction, seen backwards, changed what is looked for.
enum class BacktrackStep {
  kOk,
  kGiveUp,  // cannot be followed: everything is marked precise instead
  kBug,     // reported already
};
/// Registers of its frame that the instruction, seen backwards, does something about, as a mask;
/// what concerns it whatever is looked for (calls, exits) has kConcernsAll. Of every other search
/// it changes nothing, unless its entry in the history says more.
inline constexpr uint16_t kConcernsAll = 1u << 15;
uint16_t registers_concerned(const isa::Insn& insn);

/// `subseq` is the instruction that ran after this one on the path; `history` the entry recorded
/// for this one, or null.
BacktrackStep backtrack_insn(Env& env, uint32_t insn, int64_t subseq, const HistoryEntry* history,
                             Backtrack& bt);

/// The instruction before, on the path that led through state `st`; -1 at its beginning. `history`
/// counts the entries that are left.
int64_t previous_insn(const State& st, int64_t idx, size_t* history);

// precision_classic.cc: kernels before 6.4.

/// Marks a register, or the slot spi when regno is negative, of a frame of the current state.
Check mark_precision_classic(Env& env, uint32_t frame, int regno, int spi);
Check propagate_precision_classic(Env& env, const State& old_state);

/// Marks regno of the current frame precise, and what it was computed from.
Check mark_chain_precision(Env& env, int regno);
/// What the caller put into the backtrack masks before (several registers at once).
Check mark_chain_precision_batch(Env& env, State& starting_state);
/// Makes what is precise in the old state precise on the way to `cur` too (state pruning).
/// `changed`, when given, becomes true if a mark was new.
Check propagate_precision(Env& env, const State& old_state, State& cur, bool* changed);
void backtrack_set_reg(Env& env, uint32_t frame, uint32_t reg);
void backtrack_set_slot(Env& env, uint32_t frame, uint32_t slot);
void mark_all_scalars_precise(Env& env, State& state);
/// Forgets marks that a state inherited, when it becomes a checkpoint of its own.
void mark_all_scalars_imprecise(State& state);

}  // namespace drydock::verifier
