// SPDX-License-Identifier: Apache-2.0
// The loop. Its handlers stand in the handlers_*.inc files by family; here is what they share.
#include <cstring>

#include "emulator/interpreter/alu.h"
#include "emulator/interpreter/interpreter.h"
#include "emulator/interpreter/ops.h"

namespace drydock {
namespace {

template <class T>
uint64_t read(const std::byte* host) {
  T value;
  std::memcpy(&value, host, sizeof value);
  return static_cast<uint64_t>(static_cast<int64_t>(value));
}
template <>
uint64_t read<uint64_t>(const std::byte* host) {
  uint64_t value;
  std::memcpy(&value, host, sizeof value);
  return value;
}
template <class T>
void write(std::byte* host, T value) {
  std::memcpy(host, &value, sizeof value);
}

}  // namespace

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"  // computed goto

#define DST regs[op->dst]
#define SRC regs[op->src]
#define IMM static_cast<uint64_t>(op->imm)
#define RUN goto * op->handler
#define NEXT \
  do {       \
    ++op;    \
    RUN;     \
  } while (0)
#define WRITE(value)                     \
  do {                                   \
    last = static_cast<uint64_t>(value); \
    regs[op->dst] = last;                \
    NEXT;                                \
  } while (0)

// Counting. `op` and `bias` together say how many instructions this stretch has run before `op`:
// (address of op + bias) / sizeof(Op). A jump changes op alone, so it corrects bias by its
// distance.
#define BYTES(pointer) reinterpret_cast<intptr_t>(pointer)
#define CHECK_BUDGET                          \
  if (BYTES(op) + bias >= limit) [[unlikely]] \
  goto out_of_budget
#define TAKE                                                                           \
  do {                                                                                 \
    bias -= op->off;                                                                   \
    op = reinterpret_cast<const Op*>(reinterpret_cast<const char*>(op + 1) + op->off); \
    CHECK_BUDGET;                                                                      \
    RUN;                                                                               \
  } while (0)
#define MOVE_TO(target)                 \
  do {                                  \
    const Op* const to_ = (target);     \
    bias -= BYTES(to_) - BYTES(op + 1); \
    op = to_;                           \
    CHECK_BUDGET;                       \
    RUN;                                \
  } while (0)
// Ends a stretch before `next`, and begins one there.
#define SETTLE(next) self->spent_ += static_cast<uint64_t>(BYTES(next) + bias) / sizeof(Op)
#define RESUME(next)              \
  do {                            \
    bias = -BYTES(next);          \
    limit = self->stretch_left(); \
  } while (0)

bool Interpreter::execute(Interpreter* const self, const Op* op, uint64_t* const regs,
                          const void* const** handlers) {
  static const void* const kHandlers[] = {
#define DRYDOCK_OPCODE(id, code, select, value, form, text, cpu, since) &&L_##id,
#include "isa/opcodes.def"
#undef DRYDOCK_OPCODE
#define SPECIAL(id) &&L_##id,
#define CACHED_DST(id) &&L_##id##Dst,
#define CACHED_SRC(id) &&L_##id##Src,
#include "emulator/interpreter/ops.def"
#undef SPECIAL
#undef CACHED_DST
#undef CACHED_SRC
  };
  static_assert(std::size(kHandlers) == static_cast<size_t>(Operation::kCount));
  if (!op) {
    *handlers = kHandlers;
    return true;
  }

  const uint32_t base_depth = self->depth_;
  std::byte* frame_top = self->stack_top();
  uint64_t last = 0;
  intptr_t bias, limit;
  RESUME(op);
  CHECK_BUDGET;
  RUN;

#include "emulator/interpreter/handlers_alu.inc"
#include "emulator/interpreter/handlers_control.inc"
#include "emulator/interpreter/handlers_memory.inc"

out_of_budget:
  self->stop(Stop::kBudget, op, "");
stopped:
  SETTLE(op);
stopped_settled:
  return false;
}

#pragma GCC diagnostic pop

const void* const* operation_handlers() {
  static const void* const* const kTable = [] {
    const void* const* table = nullptr;
    Interpreter::execute(nullptr, nullptr, nullptr, &table);
    return table;
  }();
  return kTable;
}

}  // namespace drydock
