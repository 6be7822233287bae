// SPDX-License-Identifier: Apache-2.0
// Frame pointers on their way through a function: for each register, and each stack slot of eight
// bytes, which frame's stack it may point into and where. Found by forward data flow before the
// walk, it says which memory accesses reach the stack of which frame.
//
// A Track is a set of places, kept coarse: up to four offsets in one frame; one frame, anywhere;
// several frames, anywhere; or no stack at all. Sets only grow where ways meet. A pointer that may
// also be something else keeps its offset, but joined by offset 0, which no access hits: so it
// still counts as read, and no longer as surely written.
//
// Kernel's counterpart: struct arg_track and compute_subprog_args() in kernel/bpf/liveness.c (7.1
// on).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "isa/insn.h"

namespace drydock::verifier {

class Env;

class Track {
 public:
  static constexpr int kMaxOffsets = 4;

  Track() = default;  // not reached yet
  static Track nowhere() { return Track(Kind::kNowhere); }
  static Track at(int frame, int16_t offset) {
    Track t = anywhere_in(frame);
    t.count_ = 1;
    t.offsets_[0] = offset;
    return t;
  }
  static Track anywhere_in(int frame) {
    Track t(Kind::kOneFrame);
    t.frame_ = static_cast<uint8_t>(frame);
    return t;
  }
  /// A bit a frame.
  static Track in_frames(uint16_t frames) {
    Track t(Kind::kFrames);
    t.frames_ = frames;
    return t;
  }

  bool reached() const { return kind_ != Kind::kUnreached; }
  bool is_nowhere() const { return kind_ == Kind::kNowhere; }
  bool in_one_frame() const { return kind_ == Kind::kOneFrame; }
  bool in_several() const { return kind_ == Kind::kFrames; }
  bool points_to_stack() const { return in_one_frame() || in_several(); }
  bool may_be_in(int frame) const { return frames() >> frame & 1; }
  int frame() const { return frame_; }
  /// Where in its frame it points; none when that is not known.
  int offsets() const { return count_; }
  int16_t offset(int i) const { return offsets_[static_cast<size_t>(i)]; }
  uint16_t frames() const {
    if (in_one_frame()) return static_cast<uint16_t>(1u << frame_);
    return in_several() ? frames_ : uint16_t{0};
  }

  Track joined(const Track& o) const;
  /// After arithmetic that loses the offset; `o` is the other operand.
  Track mixed_with(const Track& o) const;
  /// Moved by a constant; anywhere in its frame when an offset leaves 16 bits.
  Track moved(int64_t delta) const;

  bool operator==(const Track&) const = default;

 private:
  enum class Kind : uint8_t { kUnreached, kNowhere, kOneFrame, kFrames };
  explicit Track(Kind kind) : kind_(kind) {}
  Track with_offsets_of(const Track& o) const;

  Kind kind_ = Kind::kUnreached;
  uint8_t frame_ = 0;
  uint8_t count_ = 0;
  uint8_t unused_ = 0;
  uint16_t frames_ = 0;
  std::array<int16_t, kMaxOffsets> offsets_{};  // ascending; zero beyond count_
};

/// Everything that is tracked before one instruction.
struct Tracks {
  static constexpr int kSlots = isa::kMaxStackBytes / 8;
  std::array<Track, 16> regs;       // as many as an instruction can name
  std::array<Track, kSlots> slots;  // of the function's own frame: slot 0 is [fp-8, fp)
  bool operator==(const Tracks&) const = default;
};

/// A call of a function: where the frames of the chain were when each made its call.
struct TrackedCall {
  int depth = 0;  // of the function: its frame's number
  std::array<const std::array<Track, Tracks::kSlots>*, isa::kMaxCallFrames> callers_slots{};
};

/// Tracks before each instruction of a subprogram (unreached ones stay so), from those in r0 to r5
/// at its entry.
std::vector<Tracks> track_frame_pointers(const Env& env, uint32_t subprog, const TrackedCall& call,
                                         const std::array<Track, 6>& entry);

}  // namespace drydock::verifier
