// SPDX-License-Identifier: Apache-2.0
// Text to instructions: the inverse of disassemble.h. It reads what the kernel prints (verifier
// logs, bpftool), Drydock's own listing and what people write by hand:
//
//   entry:                            labels, local to the text
//     r1 = 0x1234 ll                  LD_IMM64; "map_fd 5 ll", "map_value 5+8 ll", "func sub ll",
//     ... 7: (b7) r0 = 0                  an index and an opcode byte in front are allowed; the
//     opcode
//                                     byte decides where the text alone could be two instructions
//     if r1 s> 0x10 goto pc+3         jumps by distance ...
//     if w1 == w2 goto entry          ... or to a label
//     call bpf_map_lookup_elem#1      helpers by number, or by name where `names` knows it
//     call kernel-function#123        kfuncs by BTF id
//     call pc+5                       subprograms by distance, or "call label"
//   ; comment                         to the end of the line; "//" too
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "isa/insn.h"

namespace drydock::isa {

/// Who knows numbers behind names.
class AssemblerNames {
 public:
  virtual ~AssemblerNames() = default;
  virtual std::optional<int32_t> helper(std::string_view name) const;
};

/// Errors name line and column ("line 3, column 9: register expected").
Result<std::vector<Insn>> assemble(std::string_view text,
                                   const AssemblerNames& names = AssemblerNames());

}  // namespace drydock::isa
