// SPDX-License-Identifier: Apache-2.0
#include "verifier/read_marks.h"

#include <algorithm>
#include <bit>

#include "verifier/env.h"

namespace drydock::verifier {
namespace {

constexpr int kFirstCalleeSaved = 6;

/// A register or slot of one state.
struct Place {
  State* state;
  uint32_t frame;
  uint32_t index;
  bool is_slot;

  ReadMarks& marks() const { return state->frames[frame]->read_marks; }
  uint8_t& mark() const { return is_slot ? marks().slots[index] : marks().regs[index]; }

  /// Where the value stood in the checkpoint above; false: nowhere.
  bool climb() {
    if (is_slot ? index >= marks().linked_slots : marks().origins[index] == ReadMarks::kNoOrigin)
      return false;
    if (is_slot) {
      state = state->parent;
      return state;
    }
    const uint8_t origin = marks().origins[index];
    frame = origin >> 4;
    index = origin & 15;
    state = state->parent;
    while (index < kFirstCalleeSaved && state && state->curframe > frame) state = state->parent;
    return state;
  }
};

/// Marks what is above the place, as far as the read reaches. Returns how many marks were new.
uint32_t climb_with(Place at, uint8_t read) {
  uint32_t count = 0;
  while (!(at.mark() & ReadMarks::kWritten) && at.climb()) {
    uint8_t& mark = at.mark();
    if ((mark & ReadMarks::kRead) == read || mark & ReadMarks::kRead64) break;
    mark |= read;
    if (read == ReadMarks::kRead64) mark &= static_cast<uint8_t>(~ReadMarks::kRead32);
    ++count;
  }
  return count;
}

void note_walk(Env& env, uint32_t steps) {
  env.longest_mark_read = std::max(env.longest_mark_read, steps);
}

/// A place of the old state and the same of the current one.
void propagate(Env& env, uint8_t old_mark, const Place& cur) {
  const uint8_t read = old_mark & ReadMarks::kRead;
  const uint8_t has = cur.mark() & ReadMarks::kRead;
  if (!read || has == ReadMarks::kRead64 || has == read) return;
  cur.mark() |= read;
  if (read == ReadMarks::kRead64) cur.mark() &= static_cast<uint8_t>(~ReadMarks::kRead32);
  note_walk(env, 1 + climb_with(cur, read));
}

}  // namespace

void ReadMarks::write_slots(uint64_t mask) {
  for (; mask; mask &= mask - 1) slots[static_cast<size_t>(std::countr_zero(mask))] |= kWritten;
}

void read_register(Env& env, const FuncState& frame, uint32_t regno, bool wide) {
  if (regno >= ReadMarks::kRegisters) return;
  note_walk(env, climb_with({env.state.get(), frame.frameno, regno, false},
                            wide ? ReadMarks::kRead64 : ReadMarks::kRead32));
}

void read_slots(Env& env, uint32_t frameno, uint64_t mask) {
  for (; mask; mask &= mask - 1)
    note_walk(env, climb_with({env.state.get(), frameno,
                               static_cast<uint32_t>(std::countr_zero(mask)), true},
                              ReadMarks::kRead64));
}

void connect_to_checkpoint(State& cur) {
  for (uint32_t f = 0; f <= cur.curframe; ++f) {
    ReadMarks& marks = cur.frames[f]->read_marks;
    marks.regs.fill(0);
    for (int r = f < cur.curframe ? kFirstCalleeSaved : 0; r < ReadMarks::kRegisters; ++r)
      marks.origins[static_cast<size_t>(r)] =
          static_cast<uint8_t>(f << 4 | static_cast<uint32_t>(r));
    marks.slots.fill(0);
    marks.linked_slots = static_cast<uint8_t>(cur.frames[f]->stack.size());
  }
}

void propagate_reads(Env& env, const State& old_state, State& cur) {
  for (uint32_t f = 0; f <= old_state.curframe; ++f) {
    const FuncState& old_frame = *old_state.frames[f];
    for (uint32_t r = f < old_state.curframe ? kFirstCalleeSaved : 0; r < ReadMarks::kRegisters;
         ++r)
      propagate(env, old_frame.read_marks.regs[r], {&cur, f, r, false});
    const size_t slots = std::min(old_frame.stack.size(), cur.frames[f]->stack.size());
    for (uint32_t spi = 0; spi < slots; ++spi)
      propagate(env, old_frame.read_marks.slots[spi], {&cur, f, spi, true});
  }
}

}  // namespace drydock::verifier
