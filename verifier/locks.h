// SPDX-License-Identifier: Apache-2.0
// Spin locks, resilient spin locks, timers and work queues in map values; RCU, preempt, irq
// sections.
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

struct CallMeta;

enum class LockOp : uint8_t { kLock, kUnlock, kResLock, kResUnlock, kResLockIrq, kResUnlockIrq };
Check process_spin_lock(Env& env, uint32_t regno, LockOp op);
Check process_timer(Env& env, uint32_t regno, const MapInfo** map, uint32_t* map_uid);
Check process_workqueue(Env& env, uint32_t regno, const MapInfo** map, uint32_t* map_uid);
Check process_task_work(Env& env, uint32_t regno, const MapInfo** map, uint32_t* map_uid);
/// Irq flags in a stack slot (bpf_local_irq_save and restore).
Check process_irq_flag(Env& env, uint32_t regno, bool is_save, IrqKfuncClass kfunc_class);
/// The RCU section ends: what it protected is untrusted from here on.
void invalidate_rcu_pointers(Env& env);
/// Name of the struct of a special field, "bpf_timer".
std::string_view field_struct_name(FieldKind kind);

}  // namespace drydock::verifier
