// SPDX-License-Identifier: Apache-2.0
// What a kfunc's BTF says of its arguments, worked out once when the program's call is resolved:
// names carry meaning by suffix ("data__sz", "p__nullable"), pointers by the struct they point to.
// What also hangs on the register that is passed is kfunc_args.cc's.
//
// Kernel's counterpart: is_kfunc_arg_*() and the part of get_kfunc_ptr_arg_type() that looks at
// BTF only.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "kernel/btf.h"
#include "verifier/check.h"

namespace drydock::verifier {

class Env;
struct KfuncDesc;

/// Kinds of pointer arguments. The first ones are known from BTF alone.
// clang-format off
enum class PointerArg : uint8_t {
  kByRegister,      // which of the last four it is shows the register
  kCtx, kAllocObject, kRefcountedKptr, kDynptr, kIter, kListHead, kListNode, kRbRoot, kRbNode,
  kConstStr, kMap, kWorkqueue, kTimer, kTaskWork, kIrqFlag, kResSpinLock,
  kNull, kBtfId, kCallback, kMem, kMemSize,
};
// clang-format on

/// What a suffix or name of a parameter says.
enum ParamTrait : uint32_t {
  kParamConstant = 1u << 0,       // __k
  kParamSize = 1u << 1,           // __sz: bytes behind the pointer before
  kParamConstSize = 1u << 2,      // __szk
  kParamOptional = 1u << 3,       // __opt
  kParamIgnored = 1u << 4,        // __ign
  kParamUninit = 1u << 5,         // __uninit
  kParamNullable = 1u << 6,       // __nullable
  kParamProgAux = 1u << 7,        // __prog: the kernel fills it in
  kParamRdonlyBufSize = 1u << 8,  // bytes behind the returned pointer
  kParamRdwrBufSize = 1u << 9,
  kParamNonOwned = 1u << 10,  // __nonown_allowed: a node that a list owns will do
};

/// May memory of that type be handed over byte by byte?
enum class ScalarStruct : uint8_t { kYes, kNo, kTooDeep };

struct KfuncParam {
  enum class Kind : uint8_t { kScalar, kPointer, kOther } kind = Kind::kOther;
  PointerArg pointer = PointerArg::kByRegister;
  ScalarStruct scalar_struct = ScalarStruct::kNo;
  bool is_function_pointer = false;
  uint32_t traits = 0;
  uint32_t type_id = 0;     // modifiers skipped
  uint32_t size = 0;        // scalars: bytes
  uint32_t pointee_id = 0;  // pointers: modifiers skipped
  const BtfType* pointee = nullptr;
  std::string_view pointee_name;

  bool has(uint32_t trait) const { return traits & trait; }
};

struct KfuncProto {
  std::vector<KfuncParam> params;
  /// The returned type, modifiers skipped; of a pointer also what it points to.
  const BtfType* ret = nullptr;
  const BtfType* ret_pointee = nullptr;
  uint32_t ret_pointee_id = 0;
  bool ret_list_node = false, ret_rb_node = false;
};

KfuncProto read_kfunc_proto(Env& env, const KfuncDesc& desc);
/// Can arguments and return be passed at all? "The function %s arg%d type %s is unsupported."
Check check_kfunc_model(Env& env, const Btf& btf, const BtfType& proto, std::string_view name);
/// Is the struct made of scalars, four levels deep at most?
ScalarStruct scalar_struct(const Btf& btf, const BtfType& type, int depth = 0);

/// int or enum: what BTF code calls a scalar.
inline bool is_btf_scalar(const BtfType& type) {
  return type.kind() == BtfKind::kInt || type.kind() == BtfKind::kEnum;
}
/// "STRUCT": as messages name a type's kind.
std::string_view btf_kind_word(const BtfType& type);

/// Is the pointer (a type of `btf`) one to the context of this program's type?
bool is_context_pointer(Env& env, const Btf& btf, const BtfType& pointer);
/// The kernel's own struct behind the context, as an id of vmlinux; 0 with a log line when it is
/// none.
uint32_t kernel_context_id(Env& env);
/// Does `name` (a UAPI context) stand for the kernel's struct `kernel_name`?
bool is_projection_of(std::string_view name, std::string_view kernel_name);

}  // namespace drydock::verifier
