// SPDX-License-Identifier: Apache-2.0
// The types that the analysis gives to registers: a base type in the low bits, TypeFlags above.
// They live here, below the verifier, because a context's rows say what a load of each field
// yields. Kernel's counterpart: enum bpf_reg_type.
#pragma once

#include <cstdint>

#include "kernel/type_flags.h"

namespace drydock {

using RegType = uint32_t;  // base | TypeFlags

inline constexpr RegType kNotInit = 0;  // never written
inline constexpr RegType kScalar = 1;   // a number, no valid pointer
inline constexpr RegType kPtrToCtx = 2;
inline constexpr RegType kConstPtrToMap = 3;
inline constexpr RegType kPtrToMapValue = 4;
inline constexpr RegType kPtrToMapKey = 5;
inline constexpr RegType kPtrToStack = 6;
inline constexpr RegType kPtrToPacketMeta = 7;
inline constexpr RegType kPtrToPacket = 8;
inline constexpr RegType kPtrToPacketEnd = 9;
inline constexpr RegType kPtrToFlowKeys = 10;
inline constexpr RegType kPtrToSocket = 11;      // struct bpf_sock
inline constexpr RegType kPtrToSockCommon = 12;  // struct bpf_sock, common fields only
inline constexpr RegType kPtrToTcpSock = 13;     // struct bpf_tcp_sock
inline constexpr RegType kPtrToTpBuffer = 14;    // writable raw tracepoint's buffer
inline constexpr RegType kPtrToXdpSock = 15;
inline constexpr RegType kPtrToBtfId = 16;  // a typed kernel (or local, kMemAlloc) object
inline constexpr RegType kPtrToMem = 17;    // memory of known size
inline constexpr RegType kPtrToArena = 18;
inline constexpr RegType kPtrToBuf = 19;          // iterator key/value and sockopt-like buffers
inline constexpr RegType kPtrToFunc = 20;         // a subprogram, for callbacks
inline constexpr RegType kConstPtrToDynptr = 21;  // dynptr given by the kernel

}  // namespace drydock
