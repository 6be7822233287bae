// SPDX-License-Identifier: Apache-2.0
// Modifiers that the type of a register, of an argument and of a returned value share: they say
// whether a pointer may be null, may be written through, is trusted, and which kind of memory is
// behind it. Kernel's counterpart: enum bpf_type_flag (the names are the field's).
#pragma once

#include <cstdint>

namespace drydock {

using TypeFlags = uint32_t;

// The low bits hold the base type; flags start above them.
inline constexpr unsigned kBaseTypeBits = 8;
inline constexpr TypeFlags kBaseTypeMask = (1u << kBaseTypeBits) - 1;

inline constexpr TypeFlags kPtrMaybeNull = 1u << (0 + kBaseTypeBits);
inline constexpr TypeFlags kMemRdonly = 1u << (1 + kBaseTypeBits);
inline constexpr TypeFlags kMemRingbuf = 1u << (2 + kBaseTypeBits);  // reserved ring buffer record
inline constexpr TypeFlags kMemUser = 1u << (3 + kBaseTypeBits);     // __user memory
inline constexpr TypeFlags kMemPercpu = 1u << (4 + kBaseTypeBits);   // __percpu memory
inline constexpr TypeFlags kObjRelease = 1u << (5 + kBaseTypeBits);  // this argument is released
inline constexpr TypeFlags kPtrUntrusted =
    1u << (6 + kBaseTypeBits);  // may be stale: probe reads only
inline constexpr TypeFlags kMemUninit = 1u
                                        << (7 + kBaseTypeBits);  // callee may read it uninitialised
inline constexpr TypeFlags kDynptrLocal = 1u << (8 + kBaseTypeBits);
inline constexpr TypeFlags kDynptrRingbuf = 1u << (9 + kBaseTypeBits);
inline constexpr TypeFlags kMemFixedSize = 1u << (10 + kBaseTypeBits);
inline constexpr TypeFlags kMemAlloc = 1u << (11 + kBaseTypeBits);  // allocated by bpf_obj_new
inline constexpr TypeFlags kPtrTrusted = 1u
                                         << (12 + kBaseTypeBits);  // valid, referenced or RCU-held
inline constexpr TypeFlags kMemRcu = 1u << (13 + kBaseTypeBits);   // protected by an RCU section
inline constexpr TypeFlags kNonOwnRef = 1u << (14 + kBaseTypeBits);  // in a graph, not owned
inline constexpr TypeFlags kDynptrSkb = 1u << (15 + kBaseTypeBits);
inline constexpr TypeFlags kDynptrXdp = 1u << (16 + kBaseTypeBits);
inline constexpr TypeFlags kMemAligned = 1u << (17 + kBaseTypeBits);  // access must be aligned
inline constexpr TypeFlags kMemWrite = 1u << (18 + kBaseTypeBits);    // callee writes it
inline constexpr TypeFlags kDynptrSkbMeta = 1u << (19 + kBaseTypeBits);
inline constexpr TypeFlags kDynptrFile = 1u << (20 + kBaseTypeBits);
inline constexpr TypeFlags kDynptrMask =
    kDynptrLocal | kDynptrRingbuf | kDynptrSkb | kDynptrXdp | kDynptrSkbMeta | kDynptrFile;

constexpr uint32_t base_type(uint32_t type) { return type & kBaseTypeMask; }
constexpr TypeFlags type_flags(uint32_t type) { return type & ~kBaseTypeMask; }

}  // namespace drydock
