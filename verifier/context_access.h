// SPDX-License-Identifier: Apache-2.0
// Access to contexts: rows of contexts/, or arguments typed by BTF.
#pragma once

#include "verifier/env.h"
#include "verifier/memory_access.h"

namespace drydock::verifier {

/// *(ctx + off): fills *access with what it yields.
Check check_ctx_access(Env& env, uint32_t insn, int off, int size, AccessType type,
                       ContextAccess* access, bool sign_extending);
/// Arguments of a traced function, LSM hook, iterator or struct_ops member: contexts of u64 slots.
bool btf_ctx_access(Env& env, int off, int size, AccessType type, ContextAccess* access);
/// Sockets (bpf_sock, bpf_tcp_sock, xdp_sock) and flow keys.
Check check_sock_access(Env& env, uint32_t insn, uint32_t regno, int off, int size,
                        AccessType type);
Check check_flow_keys_access(Env& env, int off, int size);
/// Does the kernel leave the context as it is laid out (no rewriting of accesses)? Then calls may
/// be given it as plain memory.
bool context_is_plain_memory(const Env& env);
/// A syscall program's context, in kernels that let it be reached at variable offsets.
bool context_is_memory(const Env& env);
inline constexpr uint32_t kLargestContext = UINT16_MAX;

}  // namespace drydock::verifier
