// SPDX-License-Identifier: Apache-2.0
// A program ready to run: its instructions with everything they refer to filled in, decoded once
// into a dense form.
//
// Kernel's counterpart: what the verifier's fix-ups and the JIT leave behind. Ours takes the
// results of the analysis as plain data (ProgramImage), so that neither knows the other.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "helpers/helper_row.h"
#include "isa/insn.h"
#include "memory/memory.h"

namespace drydock {

/// What a call instruction ends up calling.
struct Callee {
  HelperFunction function = nullptr;  // null: not modelled; the call reports `name` as unsupported
  std::string name;                   // "bpf_map_lookup_elem"
};

/// Names the functions behind call instructions, once, when an executable is made.
class CallResolver {
 public:
  virtual ~CallResolver() = default;
  virtual Callee helper(uint32_t id) const = 0;
  virtual Callee kfunc(const isa::Insn& insn) const = 0;
};

/// What an instruction does differently from what its bytes say, because of what the analysis or
/// the kernel's fix-ups know about it. One a instruction that needs it, sorted by index.
struct InsnNote {
  enum class Kind : uint8_t {
    kImmediate,  // LD_IMM64: loads `value` (address of a map, of a value, of a kernel variable)
    kProbeLoad,  // load through a pointer that may be stale or NULL: what is not there reads as 0
    kArena,      // memory access through an arena pointer: the low 32 bits count
    kField,      // context access: really `size` bytes at `offset` (a packet pointer is 8 bytes)
  };
  uint32_t insn = 0;
  Kind kind = Kind::kImmediate;
  uint64_t value = 0;
  int32_t offset = 0;
  uint8_t size = 0;
};

struct ArenaLayout {
  uint64_t kernel_base = 0;     // where the kernel sees offset 0
  uint64_t user_base = 0;       // where user space sees it
  bool user_conversion = true;  // false: BPF_F_NO_USER_CONV
};

struct ProgramImage {
  std::string name;
  std::vector<isa::Insn> insns;
  std::vector<InsnNote> notes;
  std::optional<ArenaLayout> arena;
  std::optional<uint32_t> exception_callback;  // its first instruction
  /// Helpers that a callx may name by the number in its register, as conformance suites of the ISA
  /// do; a kernel has no such calls.
  std::vector<uint32_t> callx_helpers;
};

struct Op;  // ops.h

class Executable {
 public:
  /// Checks the instructions (isa::check_program) and decodes them. An executable belongs to the
  /// memory it was made for and runs on one thread at a time: its operations remember where they
  /// last found what they touch.
  static Result<std::unique_ptr<Executable>> create(ProgramImage image, const CallResolver& calls,
                                                    Memory& memory);
  ~Executable();
  Executable(const Executable&) = delete;
  Executable& operator=(const Executable&) = delete;

  const std::string& name() const { return image_.name; }
  const ProgramImage& image() const { return image_; }
  const Memory& memory() const { return *memory_; }
  /// What LD_IMM64 of a function yields: the subprogram's address, for callbacks and callx.
  uint64_t function_address(uint32_t insn) const { return code_->base + 8 * uint64_t{insn}; }
  /// The operation at a function address, or nullptr when no function of this program starts
  /// there.
  const Op* function_at(uint64_t address) const;
  const Op* entry() const { return ops_.get(); }
  uint32_t insn_of(const Op* op) const;
  const std::string& callee_name(uint32_t insn) const;
  /// One of ProgramImage::callx_helpers, or nullptr.
  HelperFunction callx_helper(uint64_t number) const;

 private:
  friend class Decoder;
  explicit Executable(ProgramImage image);

  ProgramImage image_;
  Memory* memory_ = nullptr;
  Region* code_ = nullptr;
  std::unique_ptr<Op[]> ops_;  // one an instruction, LD_IMM64 is one; then a guard
  std::vector<uint32_t> insn_of_op_;
  std::vector<uint32_t> op_of_insn_;  // kNoOp in the second half of LD_IMM64
  std::vector<bool> entries_;         // instructions that something may jump to or call
  std::vector<std::pair<uint64_t, HelperFunction>> callx_helpers_;
  std::vector<std::pair<uint32_t, std::string>> callee_names_;  // by instruction

  static constexpr uint32_t kNoOp = UINT32_MAX;
};

}  // namespace drydock
