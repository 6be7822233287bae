// SPDX-License-Identifier: Apache-2.0
// The verifier's log: the kernel's own text, because veristat, people's search engines and our
// comparison read it. At level 0 nothing is formatted; verify() runs a rejected program again with
// the log on to learn the final line (the analysis is deterministic).
//
// A log has a position that counts characters since the start. With kLogFixed it keeps the first
// bytes of the text, otherwise a window over the last ones; reset() takes text back.
//
// Kernel's counterpart: struct bpf_verifier_log, kernel/bpf/log.c.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "verifier/tnum.h"

namespace drydock::verifier {

class Env;
struct State;
struct FuncState;
struct Register;

class Log {
 public:
  /// One message holds no more than this; the kernel formats into a buffer of 1024 bytes.
  static constexpr size_t kMaxMessage = 1023;

  /// max_bytes: of the buffer that the text goes to, its closing zero included. 0: none, the text
  /// is only measured.
  explicit Log(uint32_t level = 0, uint64_t max_bytes = 16u << 20)
      : level_(level), max_bytes_(max_bytes) {}

  bool enabled() const { return level_ != 0; }
  /// Branch by branch, what led to a rejection.
  bool level1() const { return level_ & 1; }
  /// Every instruction of every branch.
  bool level2() const { return level_ & 2; }
  /// Either: instructions and their states are printed.
  bool instructions() const { return level_ & 3; }
  bool stats() const { return level_ & 4; }
  uint32_t level() const { return level_; }

  /// One message.
  void append(std::string_view text) { write(text.substr(0, kMaxMessage)); }
  /// Text that the kernel prints as many short messages, together at once.
  void append_pieces(std::string_view text) { write(text); }
  /// Length so far: positions for reset().
  uint64_t position() const { return end_; }
  /// Takes back what came after `position` (a branch that was explored without fault, level 1).
  void reset(uint64_t position);

  /// What the buffer holds. Valid until the next append() or reset().
  std::string_view text() const;
  /// Some text did not fit, ever (ENOSPC).
  bool truncated() const { return max_bytes_ != 0 && high_water_ > max_bytes_; }
  /// The bytes a buffer would have needed.
  uint64_t needed() const { return high_water_; }

 private:
  bool fixed() const { return level_ & 8; }
  uint64_t room() const { return max_bytes_ ? max_bytes_ - 1 : 0; }
  void write(std::string_view text);
  void trim();

  uint32_t level_;
  uint64_t max_bytes_;
  uint64_t end_ = 0;    // position
  uint64_t start_ = 0;  // position of the first character still in the window
  uint64_t high_water_ = 0;
  std::string text_;  // characters [base_, …); those before start_ are dropped in bulk
  uint64_t base_ = 0;
};

// Rendering of states. Text as the kernel prints it.

/// Name of a register type, "map_value", "trusted_ptr_", "scalar", with prefixes and "_or_null".
std::string reg_type_str(const Env& env, uint32_t reg_type);
std::string_view dynptr_type_str(int dynptr_type);
std::string iter_type_str(const class Env& env, const Register& iter_slot);  // "num"
std::string_view iter_state_str(unsigned state);
/// "(0x0; 0xff)", or the number when it is known.
std::string tnum_str(Tnum t);
/// As the kernel's %#llx: "0x1f", and "0x0".
std::string hex_str(uint64_t v);

/// "scalar(...)" of a register, what follows "R1=".
void append_register(std::string& out, const Env& env, const FuncState& frame, const Register& reg);
/// One line " frame1: R0=... R10=fp0 fp-8=mmmmmmmm refs=2 cb", with its newline. Only what changed
/// since last time unless `all`.
void print_state(Env& env, const State& state, uint32_t frameno, bool all);
/// The same, aligned behind the instruction just printed ("; R1=..."), or after "3:" when something
/// else was printed in between.
void print_insn_state(Env& env, const State& state, uint32_t frameno);
/// What precedes an instruction's walk, where instructions are logged: the state if it changed
/// since it was printed, the source line if it changed, "3: (b7) r1 = 0".
void print_insn(Env& env, uint32_t insn);
/// "(b7) r1 = 0" and a newline.
std::string insn_text(const Env& env, uint32_t insn);
/// The source line of an instruction, if not the one printed last, as "; return 0; @ a.c:12";
/// `prefix` is "; ".
void print_source_line(Env& env, uint32_t insn, std::string_view prefix);
/// "-8,-16,...,-512" of a mask of slots.
std::string stack_mask_str(uint64_t mask);
/// "r1,r2" of a mask of registers.
std::string reg_mask_str(uint32_t mask);

}  // namespace drydock::verifier
