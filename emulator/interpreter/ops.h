// SPDX-License-Identifier: Apache-2.0
// The dense form that the interpreter runs: one Op an instruction, 32 bytes, two to a cache line.
#pragma once

#include <cstdint>

#include "helpers/helper_row.h"
#include "memory/memory.h"

namespace drydock {

enum class Operation : uint16_t {
#define DRYDOCK_OPCODE(id, code, select, value, form, text, cpu, since) id,
#include "isa/opcodes.def"
#undef DRYDOCK_OPCODE
#define SPECIAL(id) id,
#define CACHED_DST(id) id##Dst,
#define CACHED_SRC(id) id##Src,
#include "emulator/interpreter/ops.def"
#undef SPECIAL
#undef CACHED_DST
#undef CACHED_SRC
  kCount
};

struct Op {
  const void* handler = nullptr;  // address of the operation's code
  union {
    int64_t imm = 0;          // immediate, sign-extended; LD_IMM64's 64 bits; an atomic's operation
    HelperFunction function;  // kCallFunction
  };
  /// Where the last access through this operation went. Never null; stale is harmless (memory.h,
  /// invariant 3).
  mutable const Region* hint = nullptr;
  int32_t off = 0;  // byte offset of an access; distance of a jump in bytes of ops;
                    // instruction index of a call
  uint8_t dst = 0, src = 0;
  uint8_t aux = 0;  // log2 of the size, plus kAux bits
  uint8_t spare = 0;
};
static_assert(sizeof(Op) == 32);

inline constexpr uint8_t kAuxSize = 3, kAuxSigned = 4;

/// The code addresses that `Op::handler` may hold, by Operation (interpreter.cc).
const void* const* operation_handlers();

}  // namespace drydock
