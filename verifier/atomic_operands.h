// SPDX-License-Identifier: Apache-2.0
// Which register an atomic operation loads into.
#pragma once

#include "isa/insn.h"

namespace drydock::verifier {

/// -1 for other instructions and for operations that load nothing.
constexpr int register_loaded_by_atomic(const isa::Insn& insn) {
  if (isa::insn_class(insn.code) != isa::kStx || isa::insn_mode(insn.code) != isa::kAtomic)
    return -1;
  if (insn.imm == isa::kCmpxchg) return 0;
  if (insn.imm == isa::kLoadAcq) return insn.dst;
  return insn.imm & isa::kFetch ? insn.src : -1;
}

}  // namespace drydock::verifier
