// SPDX-License-Identifier: Apache-2.0
// Liveness of stack slots: which slots an instruction may still read, per call chain.
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

// Kernel's counterpart: kernel/bpf/liveness.c (6.18). Profiles without kStaticStackLiveness use
// read marks; both answer stack_slot_alive().
Check stack_liveness_init(Env& env);
Check update_live_stack(Env& env);
Check mark_stack_read(Env& env, uint32_t frameno, uint32_t insn, uint64_t slots);
void mark_stack_write(Env& env, uint32_t frameno, uint64_t slots);
Check reset_stack_write_marks(Env& env, uint32_t insn);
Check commit_stack_write_marks(Env& env);
Check live_stack_query_init(Env& env, State& state);
bool stack_slot_alive(Env& env, uint32_t frameno, uint32_t spi);
void reset_live_stack_callchain(Env& env);

}  // namespace drydock::verifier
