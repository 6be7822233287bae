// SPDX-License-Identifier: Apache-2.0
// Liveness of stack slots: which slots an instruction, or what follows it, may still read. States
// are compared in what is alive only, so this decides how often a path can be cut short.
//
// Marks are collected while paths are walked: what each instruction may read and what it writes on
// every visit, for each chain of calls that leads to its function, for the slots of each frame of
// that chain. A data-flow pass over the function then yields what is alive before each
// instruction; it runs again when marks came in that change its result. What a callee reads and
// surely writes of its callers' frames is carried to the call.
//
// Kernel's counterpart: kernel/bpf/liveness.c (6.18 to 7.0; later ones: stack_use.h). Slots are
// bits of a mask, slot 0 lowest.
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

Check stack_liveness_init(Env& env);
/// The calls leading to the current frame, and that frame's function.
void reset_live_stack_callchain(Env& env);
/// The instruction (the current one) may read these slots of a frame.
Check mark_stack_read(Env& env, uint32_t frameno, uint32_t insn, uint64_t slots);
/// The instruction being walked writes these slots.
void mark_stack_write(Env& env, uint32_t frameno, uint64_t slots);
/// Around each instruction: its writes are gathered, then joined with those of its other visits.
Check reset_stack_write_marks(Env& env, uint32_t insn);
Check commit_stack_write_marks(Env& env);
/// Brings the results up to date for the functions of the current state (at the end of a path, and
/// when a function returns).
Check update_live_stack(Env& env);
/// Prepares stack_slot_alive() for a state.
Check live_stack_query_init(Env& env, State& state);
bool stack_slot_alive(Env& env, uint32_t frameno, uint32_t spi);

}  // namespace drydock::verifier
