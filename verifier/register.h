// SPDX-License-Identifier: Apache-2.0
// What is known of one register, or of one spilled register in a stack slot.
// Kernel's counterpart: struct bpf_reg_state. It is plain data, copied a lot: keep it compact.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "contexts/reg_type.h"
#include "kernel/btf.h"
#include "maps/map_info.h"
#include "verifier/bounds.h"

namespace drydock::verifier {

/// What a dynptr that lives in two stack slots gives access to.
enum class DynptrType : uint8_t { kInvalid, kLocal, kRingbuf, kSkb, kXdp, kSkbMeta, kFile };
enum class IterState : uint8_t { kInvalid, kActive, kDrained };
enum class IrqKfuncClass : uint8_t { kNative, kLock };

/// The high bits of Register::id mark a scalar that is another plus a constant (`off`), in 64-bit
/// or in 32-bit arithmetic.
inline constexpr uint32_t kIdAddConst64 = 1u << 31, kIdAddConst32 = 1u << 30,
                          kIdAddConst = kIdAddConst64 | kIdAddConst32;

struct Register {
  RegType type = kNotInit;
  /// Fixed part of a pointer's offset; for linked scalars the constant delta.
  int32_t off = 0;

  // What the pointer points into; which member holds depends on base_type(type), or, in a stack
  // slot, on the slot's kind. Unused bytes are zero, so that two of them compare as raw bytes; what
  // would be padding has a name (`zero`), or an assignment might leave anything there.
  union Target {
    struct Raw {
      uint64_t a, b;
    } raw;
    int32_t packet_range;  // kPtrToPacket: bytes proven readable; <0 see packet.h
    struct {
      const MapInfo* ptr;
      uint32_t uid, zero = 0;
    } map;  // kConstPtrToMap, kPtrToMapValue/Key
    struct {
      const Btf* btf;
      uint32_t id, zero = 0;
    } btf;  // kPtrToBtfId
    struct {
      uint32_t size;
      uint32_t dynptr_id;
    } mem;  // kPtrToMem
    struct {
      DynptrType type;
      bool first_slot;
    } dynptr;  // slot of a dynptr; kConstPtrToDynptr
    struct {
      const Btf* btf;
      uint32_t btf_id;
      uint32_t state : 2, depth : 30;
    } iter;  // slot
    struct {
      IrqKfuncClass kfunc_class;
    } irq;             // slot of an irq flag
    uint32_t subprog;  // kPtrToFunc
    Target() : raw{0, 0} {}
  } target;
  static_assert(sizeof(Target) == 16);
  static_assert(std::has_unique_object_representations_v<decltype(Target::map)> &&
                std::has_unique_object_representations_v<decltype(Target::btf)> &&
                std::has_unique_object_representations_v<decltype(Target::iter)>);

  Bounds bounds = Bounds::constant(0);

  /// Links registers that hold the same scalar, the same maybe-null pointer or the same packet
  /// offset. 0: none.
  uint32_t id = 0;
  /// The acquired reference this pointer stands for or was derived from. 0: none.
  uint32_t ref_obj_id = 0;
  /// kPtrToStack: whose frame.
  uint32_t frameno = 0;
  /// Instruction + 1 that wrote the lower 32 bits and must zero-extend; 0: all 64 bits are defined.
  int32_t subreg_def = 0;
  /// A scalar whose exact bounds mattered to safety on this path.
  bool precise = false;

  RegType base() const { return base_type(type); }
  TypeFlags flags() const { return type_flags(type); }
  bool is(RegType base_wanted) const { return base() == base_wanted; }
  bool is_scalar() const { return type == kScalar; }
  bool is_const_scalar() const { return type == kScalar && bounds.is_const(); }
  bool is_null_constant() const { return is_const_scalar() && bounds.const_value() == 0; }
  bool maybe_null() const { return type & kPtrMaybeNull; }
  /// A pointer's offset where it is known: kernels keep it in `off`, or (Feature::kOffsetsInBounds)
  /// in the bounds like the rest.
  int32_t constant_offset() const {
    return off + (bounds.is_const() ? static_cast<int32_t>(bounds.const_value()) : 0);
  }
  bool is_packet_pointer() const { return is(kPtrToPacket) || is(kPtrToPacketMeta); }
  IterState iter_state() const { return static_cast<IterState>(target.iter.state); }
  bool same_target(const Register& o) const { return !std::memcmp(&target, &o.target, 16); }

  // Writers. Each leaves every field meaningful; none touches subreg_def, which tells of the
  // instruction that wrote and not of the value.
  void set_not_init();
  /// For a pointer whose type is set besides: offset, bounds, target and ids are cleared; type,
  /// frameno and precise stay.
  void set_known_zero() { set_known(0); }
  void set_known(uint64_t value) {
    off = 0;
    clear_target();
    id = ref_obj_id = 0;
    bounds.set_constant(value);
  }
  void set_scalar_const(uint64_t value) {
    set_known(value);
    type = kScalar;
  }
  void set_unknown_scalar();  // not precise; callers decide (mark_unknown)
  void set_unknown_scalar_imprecise() { set_unknown_scalar(); }
  void clear_target() { target = Target(); }
};

}  // namespace drydock::verifier
