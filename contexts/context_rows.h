// SPDX-License-Identifier: Apache-2.0
// The rows behind context_access(): each context struct, its fields, and who may read and write
// which of them how. Also what the listings, the documentation and the JSON of cases read.
//
// An access is good when some row of the struct admits it: it begins in the field (at its first
// byte, where the row says so), is aligned to its own width, ends inside, has a width of the row's,
// and program type, attach type and capabilities are the row's. A field with two sets of rules
// has two rows.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "contexts/context.h"

namespace drydock {

/// Sets of program types and of attach types, a bit each.
using ProgramSet = uint64_t;
using AttachSet = uint64_t;
inline constexpr ProgramSet kAnyProgram = ~0ull;
inline constexpr AttachSet kAnyAttach = ~0ull;

constexpr ProgramSet programs(std::initializer_list<ProgramType> types) {
  ProgramSet set = 0;
  for (ProgramType type : types) set |= 1ull << static_cast<uint32_t>(type);
  return set;
}
constexpr AttachSet attached(std::initializer_list<AttachType> types) {
  AttachSet set = 0;
  for (AttachType type : types) set |= 1ull << static_cast<uint32_t>(type);
  return set;
}
constexpr bool has(ProgramSet set, ProgramType type) {
  return static_cast<uint32_t>(type) < 64 && (set >> static_cast<uint32_t>(type)) & 1;
}
constexpr bool has(AttachSet set, AttachType type) {
  return static_cast<uint32_t>(type) < 64 && (set >> static_cast<uint32_t>(type)) & 1;
}

inline constexpr Widths kAnyWidth = kW1 | kW2 | kW4 | kW8;
inline constexpr Widths kUpTo4 = kW1 | kW2 | kW4;
inline constexpr Widths kNever = 0;

enum class ByteOrder : uint8_t { kHost, kNetwork };

/// Where an access may begin.
enum class Begins : uint8_t {
  kAnywhere,  // at any byte of the field (that its width is aligned to)
  kAtStart,   // at the field's first byte only
};

struct ContextField {
  std::string_view name;
  uint32_t offset = 0;
  uint32_t size = 0;     // of the whole field, all elements of an array
  uint32_t element = 0;  // of one element of an array; 0 when it is none
  Widths read = kNever;
  Widths write = kNever;
  ProgramSet readers = kAnyProgram;
  ProgramSet writers = kAnyProgram;
  AttachSet read_at = kAnyAttach;
  AttachSet write_at = kAnyAttach;
  ProgramSet needs_bpf = 0;  // these programs need CAP_BPF for it
  RegType yields = kScalar;
  std::string_view btf_type = {};  // yields kPtrToBtfId
  Begins begins = Begins::kAnywhere;
  uint32_t narrow_of = 0;        // narrower loads are cut out of a load of that many bytes
  bool sign_extends = true;      // a sign-extending load is allowed
  bool may_end_outside = false;  // an access may reach beyond the field's end
  bool untranslated = false;     // no field at all: passes for one, and cannot be translated then
  ByteOrder order = ByteOrder::kHost;
  std::string_view since = {}, until = {};  // releases (kernel/features.h)
  std::string_view write_since = {};        // first release that may write it
};

/// How the fields of a context are known.
enum class ContextKind : uint8_t {
  kRows,   // by these rows
  kBtf,    // by BTF: the arguments of what the program is attached to
  kOther,  // the context of the program that is extended
};

struct ContextStruct {
  std::string_view name;  // "__sk_buff"
  uint32_t size = 0;
  ProgramSet program_types = 0;
  ContextKind kind = ContextKind::kRows;
  std::span<const ContextField> fields = {};
};

/// Every struct: the contexts, then what pointers to sockets and flow keys point to (no program
/// types).
std::span<const ContextStruct* const> all_context_structs();

/// The context of a program type; nullptr for kUnspec.
const ContextStruct* context_struct(ProgramType type);
const ContextStruct* context_struct_named(std::string_view name);

/// Whether the row lets a program of that kind read (write) it at all in that kernel.
bool may_read(const ContextField& field, ProgramType type, AttachType attach,
              const Profile& profile);
bool may_write(const ContextField& field, ProgramType type, AttachType attach,
               const Profile& profile);

}  // namespace drydock
