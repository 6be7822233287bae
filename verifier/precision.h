// SPDX-License-Identifier: Apache-2.0
// Precision: marking, backwards, every scalar that a safety decision depended on.
#pragma once

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
    uint8_t index : 6 = 0;   // register or slot
  };
  static constexpr int kMax = 6;
  Entry entries[kMax];
  int count = 0;
  uint64_t pack() const;
  static LinkedRegs unpack(uint64_t packed);
};

/// Marks regno of the current frame precise, and what it was computed from.
Check mark_chain_precision(Env& env, int regno);
/// What the caller put into the backtrack masks before (several registers at once).
Check mark_chain_precision_batch(Env& env, State& starting_state);
/// Copies the precise marks that the old state has into the current path (state pruning).
Check propagate_precision(Env& env, const State& old_state, State& cur, bool* changed);
void backtrack_set_reg(Env& env, uint32_t frame, uint32_t reg);
void backtrack_set_slot(Env& env, uint32_t frame, uint32_t slot);
void mark_all_scalars_precise(Env& env, State& state);

}  // namespace drydock::verifier
