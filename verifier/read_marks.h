// SPDX-License-Identifier: Apache-2.0
// Liveness as kernels before 6.18 find it: by what paths have read. A checkpoint's register or slot
// is alive once a path that went on from it has read the value that was there. A read therefore
// climbs: from the state being walked to its checkpoint, to that one's checkpoint, and so on, until
// a state that wrote the value itself, or one that has the mark already (then all above have it
// too).
//
// Where a value stood in the checkpoint above is its origin. That is the same place, except around
// calls: a callee's arguments stood in the caller's registers, and what a call returned stood in
// the callee's r0. r0 to r5 of a caller belong to no checkpoint of the callee: from there the climb
// goes to the last checkpoint that was made in the caller.
//
// Invariants: the state being walked has write marks only; a checkpoint keeps those it was made
// with, and gains read marks until no path below it is open.
//
// Kernel's counterpart: bpf_reg_state::live and ::parent, mark_reg_read(), propagate_liveness().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace drydock::verifier {

class Env;
struct FuncState;
struct State;
struct Checkpoint;

/// The marks of one frame. All zero, and unused, where liveness is computed otherwise.
struct ReadMarks {
  static constexpr uint8_t kRead32 = 1, kRead64 = 2, kRead = kRead32 | kRead64, kWritten = 4;
  static constexpr uint8_t kNoOrigin = 0xff;
  static constexpr int kRegisters = 10, kSlots = 64;  // r10 is never written, and needs no marks

  std::array<uint8_t, kRegisters> regs{};
  std::array<uint8_t, kRegisters> origins{};  // frame << 4 | register in the checkpoint above
  std::array<uint8_t, kSlots> slots{};
  uint8_t linked_slots = 0;  // slots below exist in the checkpoint above

  void start_frame() {
    *this = ReadMarks();
    origins.fill(kNoOrigin);
  }
  bool register_read(int regno) const { return regs[static_cast<size_t>(regno)] & kRead; }
  bool slot_read(size_t spi) const { return slots[spi] & kRead; }
  /// A register took the value of another, with all that is known of where it came from.
  void copy_register(int regno, const ReadMarks& from, int from_regno) {
    regs[static_cast<size_t>(regno)] = from.regs[static_cast<size_t>(from_regno)];
    origins[static_cast<size_t>(regno)] = from.origins[static_cast<size_t>(from_regno)];
  }
  void write_register(uint32_t regno) { regs[regno] |= kWritten; }
  void write_slots(uint64_t mask);
};

/// The current state reads a register of one of its frames.
void read_register(Env& env, const FuncState& frame, uint32_t regno, bool wide);
void read_slots(Env& env, uint32_t frameno, uint64_t mask);
/// `checkpoint` was just made of the current state: both now go separate ways.
void connect_to_checkpoint(State& cur);
/// What was read behind the old state is read behind `cur` too: they are equal.
void propagate_reads(Env& env, const State& old_state, State& cur);

}  // namespace drydock::verifier
