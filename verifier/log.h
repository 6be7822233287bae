// SPDX-License-Identifier: Apache-2.0
// The verifier's log: the kernel's own text, because veristat, people's search engines and our
// comparison read it. At level 0 nothing is formatted; verify() runs a rejected program again with
// the log on to learn the final line (the analysis is deterministic).
//
// Kernel's counterpart: struct bpf_verifier_log, kernel/bpf/log.c.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace drydock::verifier {

class Env;
struct State;
struct FuncState;
struct Register;

class Log {
 public:
  explicit Log(uint32_t level = 0, uint64_t max_bytes = 16u << 20)
      : level_(level), max_bytes_(max_bytes) {}

  bool enabled() const { return level_ != 0; }
  /// Every instruction with its state, and branch by branch.
  bool level1() const { return level_ & 1; }
  bool level2() const { return level_ & 2; }
  bool stats() const { return level_ & 4; }
  uint32_t level() const { return level_; }

  void append(std::string_view text);
  /// Length so far: positions for reset().
  uint64_t position() const { return dropped_ + text_.size(); }
  /// Takes back what came after `position` (a branch that was explored without fault, level 1).
  void reset(uint64_t position);

  const std::string& text() const { return text_; }
  bool truncated() const { return truncated_; }
  /// The bytes a buffer would have needed.
  uint64_t needed() const { return high_water_; }

 private:
  uint32_t level_;
  uint64_t max_bytes_;
  uint64_t dropped_ = 0;     // bytes rotated out at the front
  uint64_t high_water_ = 0;
  bool truncated_ = false;
  std::string text_;
};

// Rendering of states. Text as the kernel prints it.

/// Name of a register type, "map_value", "trusted_ptr_", "scalar", with prefixes and "_or_null".
std::string reg_type_str(const Env& env, uint32_t reg_type);
std::string_view dynptr_type_str(int dynptr_type);
std::string iter_type_str(const class Env& env, const Register& iter_slot);  // "iter_num"
std::string_view iter_state_str(unsigned state);

/// "R1=scalar(...)" of a register without its name.
void append_register(std::string& out, const Env& env, const FuncState& frame, const Register& reg);
/// One line " frame1: R0=... R10=fp0 fp-8=mmmmmmmm refs=2 cb", with its newline. Only what changed
/// since last time unless `all`.
void print_state(Env& env, const State& state, uint32_t frameno, bool all);
/// The same, aligned behind the instruction just printed ("; R1_w=...").
void print_insn_state(Env& env, const State& state, uint32_t frameno);
/// "3: (b7) r1 = 0" with the source line above it when it changed ("; return 0; @ a.c:12").
void print_insn(Env& env, uint32_t insn);
/// The source line of an instruction, if not the one printed last; `prefix` is "; ".
void print_source_line(Env& env, uint32_t insn, std::string_view prefix);
/// "-8,-16,...,-512" of a mask of slots.
std::string stack_mask_str(uint64_t mask);
std::string reg_mask_str(uint32_t mask);

}  // namespace drydock::verifier
