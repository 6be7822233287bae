// SPDX-License-Identifier: Apache-2.0
// Instructions as text, in the kernel's own words: what the verifier's log and bpftool print,
// letter for letter. Kernel's counterpart: kernel/bpf/disasm.c.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "isa/insn.h"

namespace drydock::isa {

/// Who knows the names behind numbers. The defaults are what the kernel prints without knowing.
class DisasmNames {
 public:
  virtual ~DisasmNames() = default;
  /// Of a helper or kfunc ("bpf_map_lookup_elem"); the text becomes "call NAME#imm".
  virtual std::optional<std::string> call(const Insn& insn) const;
  /// What follows "call pc" for a subprogram ("+5").
  virtual std::optional<std::string> subprog(const Insn& insn) const;
  /// What an LD_IMM64 loads ("map[id:3]"), given both halves of its immediate.
  virtual std::optional<std::string> immediate(const Insn& insn, uint64_t value) const;
};

enum class DisasmStyle : uint8_t {
  kKernel,    // "(18) r1 = 0x5"
  kAssembly,  // "r1 = map_fd 5 ll": no opcode byte, every detail in the text (assemble.h reads it)
};

struct DisasmOptions {
  DisasmStyle style = DisasmStyle::kKernel;
  bool show_pointers = true;  // false: the immediate of a map pointer prints as 0 (no CAP_PERFMON)
};

/// One line, without newline. An LD_IMM64 reads insn[1] too: the caller makes sure that it exists.
std::string disassemble(const Insn* insn, const DisasmNames& names = DisasmNames(),
                        DisasmOptions options = {});

}  // namespace drydock::isa
