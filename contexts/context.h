// SPDX-License-Identifier: Apache-2.0
// Contexts: for each program type and attach type, the struct that r1 points to, as rows of
// fields, and the rules for access to it. One answer serves the verifier (may this access be
// made, and what does it yield?), the emulator (where is the value?), the listings and the docs.
//
// Kernel's counterpart: the *_is_valid_access() of each program type. Where those are code, ours
// are rows; the few rules that are no row (loads typed by BTF, buffers of an iterator) stand in
// a function named after what they decide.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "contexts/reg_type.h"
#include "kernel/profile.h"
#include "kernel/uapi.h"

namespace drydock {

enum class Access : uint8_t { kRead, kWrite };

/// A set of access widths: bit n stands for 2^n bytes, so 0b0100 is "4 only".
using Widths = uint8_t;
inline constexpr Widths kW1 = 1, kW2 = 2, kW4 = 4, kW8 = 8;

/// What a load from a field yields (kScalar, or a pointer type such as kPtrToPacket), and the
/// kernel's own rewrite of narrow loads, which the verifier's bounds follow.
struct ContextAccess {
  RegType yields = kScalar;
  uint32_t field_size = 0;    // the whole field's bytes, where a narrower load is allowed; else 0
  bool sign_extends = false;  // is a load with sign extension being asked for / allowed
  bool untranslated = false;  // the kernel refuses it when it comes to rewrite the program
  bool is_return_value = false;  // the attached hook's return value (LSM_CGROUP, fexit)
  const Btf* btf = nullptr;      // yields kPtrToBtfId
  uint32_t btf_id = 0;
  uint32_t ref_obj_id = 0;  // the pointer stands for a reference held since entry
};

struct ContextQuery {
  ProgramType program_type{};
  AttachType attach_type{};  // expected_attach_type
  int32_t offset = 0;        // bytes from the context's start
  uint32_t size = 0;         // 1, 2, 4, 8
  Access access = Access::kRead;
  bool sign_extending_load = false;
  bool perfmon = true;
  bool bpf_capable = true;       // CAP_BPF
  bool immediate_store = false;  // BPF_ST rather than BPF_STX
};

/// The access, or nullopt when the kernel answers "invalid bpf_context access off=%d size=%d".
/// Contexts typed by BTF (tracing, LSM, iterators, struct_ops) are the verifier's btf_access; this
/// answers for the others.
std::optional<ContextAccess> context_access(const ContextQuery& query, const Profile& profile);

/// Access through a pointer to a socket: kPtrToSocket, kPtrToSockCommon, kPtrToTcpSock or
/// kPtrToXdpSock (base types). Only reads; a write never is one ("R%d cannot write into %s").
std::optional<ContextAccess> socket_access(RegType socket, int32_t offset, uint32_t size);

/// Bytes of struct bpf_flow_keys: what a flow dissector may read and write through kPtrToFlowKeys,
/// at any offset and alignment inside.
inline constexpr uint32_t kFlowKeysSize = 56;

}  // namespace drydock
