// SPDX-License-Identifier: Apache-2.0
// The vocabulary of helpers.def and variants.def: one word for each kind of argument and of
// returned value that a helper of bpf(2) has. Included by the file that builds the rows only.
#pragma once

#include "helpers/helper_row.h"

namespace drydock::prototype_words {

// What a helper returns.
struct Returns {
  ReturnType type = kRetInteger;
  std::string_view btf_type = {};
};
inline constexpr Returns integer{kRetInteger};
inline constexpr Returns nothing{kRetVoid};
inline constexpr Returns to_value{kRetPtrToMapValue};
inline constexpr Returns to_value_or_null{kRetPtrToMapValue | kPtrMaybeNull};
inline constexpr Returns to_socket_or_null{kRetPtrToSocket | kPtrMaybeNull};
inline constexpr Returns to_tcp_sock_or_null{kRetPtrToTcpSock | kPtrMaybeNull};
inline constexpr Returns to_sock_common_or_null{kRetPtrToSockCommon | kPtrMaybeNull};
inline constexpr Returns to_mem_or_null{kRetPtrToMem | kPtrMaybeNull};
inline constexpr Returns to_record_or_null{kRetPtrToMem | kPtrMaybeNull | kMemRingbuf};
// A per-CPU variable: a typed object, or plain memory where its type is no struct.
inline constexpr Returns to_percpu{kRetPtrToMemOrBtfId | kMemRdonly};
inline constexpr Returns to_percpu_or_null{kRetPtrToMemOrBtfId | kPtrMaybeNull | kMemRdonly};
constexpr Returns to_btf(std::string_view type) { return {kRetPtrToBtfId, type}; }
constexpr Returns to_btf_or_null(std::string_view type) {
  return {kRetPtrToBtfId | kPtrMaybeNull, type};
}
constexpr Returns to_trusted_btf(std::string_view type) {
  return {kRetPtrToBtfId | kPtrTrusted, type};
}

// Flags.
inline constexpr uint32_t none = 0;
inline constexpr uint32_t gpl = kHelperGplOnly;
inline constexpr uint32_t packet = kHelperPacketAccess;
inline constexpr uint32_t moves_packet = kHelperChangesPacketData;
inline constexpr uint32_t sleeps = kHelperMightSleep;
inline constexpr uint32_t fastcall = kHelperFastcall;

// Arguments: numbers.
inline constexpr HelperArg any{kArgAnything};
inline constexpr HelperArg number{kArgNumber};
inline constexpr HelperArg size{kArgConstSize};
inline constexpr HelperArg size0{kArgConstSizeOrZero};
inline constexpr HelperArg alloc_size{kArgConstAllocSizeOrZero};

// Arguments: the context, maps and what is in them.
inline constexpr HelperArg ctx{kArgPtrToCtx};
inline constexpr HelperArg ctx_or_null{kArgPtrToCtx | kPtrMaybeNull};
inline constexpr HelperArg map{kArgConstMapPtr};
inline constexpr HelperArg key{kArgPtrToMapKey};
inline constexpr HelperArg value{kArgPtrToMapValue};
inline constexpr HelperArg value_or_null{kArgPtrToMapValue | kPtrMaybeNull};
inline constexpr HelperArg out_value{kArgPtrToMapValue | kMemUninit | kMemWrite};
inline constexpr HelperArg spin_lock{kArgPtrToSpinLock};
inline constexpr HelperArg timer{kArgPtrToTimer};
inline constexpr HelperArg kptr_dest{kArgKptrXchgDest};

// Arguments: memory. `in` is read, `out` is written and need not be initialised, `inout` is
// written and must be.
inline constexpr HelperArg in{kArgPtrToMem | kMemRdonly};
inline constexpr HelperArg in_or_null{kArgPtrToMem | kPtrMaybeNull | kMemRdonly};
inline constexpr HelperArg out{kArgUninitMem};
inline constexpr HelperArg inout{kArgPtrToMem | kMemWrite};
inline constexpr HelperArg inout_or_null{kArgPtrToMem | kPtrMaybeNull | kMemWrite};
// Read only, of which the prototype does not say so: a pointer that may not be written is refused.
inline constexpr HelperArg mem{kArgPtrToMem};
constexpr HelperArg mem_fixed(uint32_t bytes) { return {kArgPtrToMem | kMemFixedSize, bytes}; }
constexpr HelperArg in_fixed(uint32_t bytes) {
  return {kArgPtrToMem | kMemFixedSize | kMemRdonly, bytes};
}
constexpr HelperArg out_fixed(uint32_t bytes) {
  return {kArgPtrToMem | kMemFixedSize | kMemUninit | kMemWrite | kMemAligned, bytes};
}
constexpr HelperArg inout_fixed(uint32_t bytes) {
  return {kArgPtrToMem | kMemFixedSize | kMemWrite | kMemAligned, bytes};
}
inline constexpr HelperArg const_str{kArgPtrToConstStr};
inline constexpr HelperArg stack_or_null{kArgPtrToStack | kPtrMaybeNull};
inline constexpr HelperArg released_record{kArgPtrToRingbufMem | kObjRelease};

// Arguments: kernel objects, sockets, functions, dynptrs.
constexpr HelperArg btf(std::string_view type) { return {kArgPtrToBtfId, 0, type}; }
constexpr HelperArg btf_or_null(std::string_view type) {
  return {kArgPtrToBtfId | kPtrMaybeNull, 0, type};
}
inline constexpr HelperArg released_btf{kArgPtrToBtfId | kPtrMaybeNull | kObjRelease};
inline constexpr HelperArg percpu_btf{kArgPtrToPercpuBtfId};
inline constexpr HelperArg sock_common{kArgPtrToSockCommon};
inline constexpr HelperArg socket_or_null{kArgPtrToSocket | kPtrMaybeNull};
inline constexpr HelperArg btf_sock{kArgPtrToBtfIdSockCommon};
inline constexpr HelperArg btf_sock_or_null{kArgPtrToBtfIdSockCommon | kPtrMaybeNull};
inline constexpr HelperArg released_sock{kArgPtrToBtfIdSockCommon | kObjRelease};
inline constexpr HelperArg func{kArgPtrToFunc};
inline constexpr HelperArg dynptr{kArgPtrToDynptr | kMemRdonly};
inline constexpr HelperArg new_local_dynptr{kArgPtrToDynptr | kDynptrLocal | kMemUninit |
                                            kMemWrite};
inline constexpr HelperArg new_ringbuf_dynptr{kArgPtrToDynptr | kDynptrRingbuf | kMemUninit |
                                              kMemWrite};
inline constexpr HelperArg released_ringbuf_dynptr{kArgPtrToDynptr | kDynptrRingbuf | kObjRelease};

}  // namespace drydock::prototype_words
