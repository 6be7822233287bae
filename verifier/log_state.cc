// SPDX-License-Identifier: Apache-2.0
// Registers, stacks and states in the kernel's words.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "kernel/features.h"
#include "verifier/env.h"
#include "verifier/log.h"

namespace drydock::verifier {
namespace {

// Small numbers are printed in decimal, others in hexadecimal.
void append_unsigned(std::string& out, uint64_t v) {
  if (v <= UINT16_MAX) fmt::format_to(std::back_inserter(out), "{}", v);
  else fmt::format_to(std::back_inserter(out), "{:#x}", v);
}
bool is_small_signed(int64_t v) { return v >= INT16_MIN && v <= INT16_MAX; }
void append_signed(std::string& out, int64_t v) {
  if (is_small_signed(v)) fmt::format_to(std::back_inserter(out), "{}", v);
  else fmt::format_to(std::back_inserter(out), "{:#x}", static_cast<uint64_t>(v));
}

/// The comma-separated attributes in the parentheses of a register.
class Attributes {
 public:
  explicit Attributes(std::string& out) : out_(out) {}
  std::string& next(std::string_view name) {
    out_ += separator_;
    separator_ = ",";
    return out_ += name;
  }
  std::string& out() { return out_; }

 private:
  std::string& out_;
  std::string_view separator_ = "";
};

/// A bound as it is printed. Signed ones come first of a pair, so that "smin=smin32=" can share a
/// number: a 32-bit number prints the same where it is small, and as its own 32 bits in
/// hexadecimal.
struct Bound {
  std::string_view name;
  uint64_t value;
  bool is_signed;
  bool omit;
  bool negative() const { return is_signed && static_cast<int64_t>(value) < 0; }
};

uint64_t widened(int32_t v) {
  return is_small_signed(v) ? static_cast<uint64_t>(int64_t{v}) : static_cast<uint32_t>(v);
}

void append_ranges(Attributes& attributes, const Bounds& b) {
  Bound bounds[] = {
      {"smin=", static_cast<uint64_t>(b.smin), true, b.smin == INT64_MIN},
      {"smax=", static_cast<uint64_t>(b.smax), true, b.smax == INT64_MAX},
      {"umin=", b.umin, false, b.umin == 0},
      {"umax=", b.umax, false, b.umax == UINT64_MAX},
      {"smin32=", widened(b.s32_min), true, b.s32_min == INT32_MIN},
      {"smax32=", widened(b.s32_max), true, b.s32_max == INT32_MAX},
      {"umin32=", b.u32_min, false, b.u32_min == 0},
      {"umax32=", b.u32_max, false, b.u32_max == UINT32_MAX},
  };
  constexpr size_t kCount = std::size(bounds);
  for (size_t i = 0; i < kCount; ++i) {
    if (bounds[i].omit) continue;
    std::string& out = attributes.next(bounds[i].name);
    for (size_t j = i + 2; j < kCount; j += 2) {  // minima share with minima
      Bound& other = bounds[j];
      if (other.omit || other.value != bounds[i].value || other.negative() != bounds[i].negative())
        continue;
      other.omit = true;
      out += other.name;
    }
    if (bounds[i].is_signed) append_signed(out, static_cast<int64_t>(bounds[i].value));
    else append_unsigned(out, bounds[i].value);
  }
}

bool shows_map(RegType base) {
  return base == kConstPtrToMap || base == kPtrToMapKey || base == kPtrToMapValue;
}

bool is_non_owning(RegType type) {
  return base_type(type) == kPtrToBtfId && (type & kMemAlloc) && (type & kNonOwnRef);
}

void append_identity(Attributes& a, const Register& reg) {
  if (reg.id) fmt::format_to(std::back_inserter(a.next("id=")), "{}", reg.id & ~kIdAddConst);
  if (reg.id & kIdAddConst) fmt::format_to(std::back_inserter(a.out()), "{:+}", reg.off);
  if (reg.ref_obj_id)
    fmt::format_to(std::back_inserter(a.next("ref_obj_id=")), "{}", reg.ref_obj_id);
  if (is_non_owning(reg.type)) a.next("non_own_ref");
}

void append_target(Attributes& a, const Register& reg) {
  // A register that an instruction was refused on halfway may have the type but not the map yet.
  if (shows_map(reg.base()) && reg.target.map.ptr) {
    const MapInfo& map = *reg.target.map.ptr;
    if (!map.name.empty()) a.next("map=") += map.name;
    fmt::format_to(std::back_inserter(a.next("ks=")), "{},vs={}",
                   static_cast<int32_t>(map.key_size), static_cast<int32_t>(map.value_size));
  }
  if (reg.type != kScalar && reg.off) append_signed(a.next("off="), reg.off);
  if (reg.is_packet_pointer())
    append_unsigned(a.next("r="), static_cast<uint64_t>(int64_t{reg.target.packet_range}));
  if (reg.is(kPtrToMem)) append_unsigned(a.next("sz="), reg.target.mem.size);
  if (reg.type == kConstPtrToDynptr)
    a.next("type=") += dynptr_type_str(static_cast<int>(reg.target.dynptr.type));
}

void append_numbers(Attributes& a, const Bounds& b) {
  if (b.is_const()) {
    if (b.const_value()) append_signed(a.next("imm="), static_cast<int64_t>(b.const_value()));
    return;
  }
  append_ranges(a, b);
  if (!b.var.is_unknown()) a.next("var_off=") += tnum_str(b.var);
}

}  // namespace

void append_register(std::string& out, const Env& env, const FuncState& frame,
                     const Register& reg) {
  if (reg.type == kScalar && reg.precise) out += 'P';
  if (reg.is_const_scalar())
    return append_signed(out, static_cast<int64_t>(reg.bounds.const_value()));
  out += reg_type_str(env, reg.type);
  if (reg.type == kPtrToArena) return;
  if (reg.type == kPtrToStack) {
    if (frame.frameno != reg.frameno) fmt::format_to(std::back_inserter(out), "[{}]", reg.frameno);
    if (reg.bounds.is_const())
      return append_signed(out, static_cast<int64_t>(reg.bounds.const_value()) + reg.off);
  }
  // An instruction that was refused may have left a register half written.
  if (reg.is(kPtrToBtfId) && reg.target.btf.btf)
    out += reg.target.btf.btf->name_of(reg.target.btf.id);
  out += '(';
  Attributes attributes(out);
  append_identity(attributes, reg);
  append_target(attributes, reg);
  append_numbers(attributes, reg.bounds);
  out += ')';
}

std::string hex_str(uint64_t v) { return fmt::format("{:#x}", v); }

std::string tnum_str(Tnum t) {
  std::string out;
  if (t.is_const()) append_unsigned(out, t.value);
  else out = fmt::format("({}; {})", hex_str(t.value), hex_str(t.mask));
  return out;
}

/// The type as kernels name it whose types have no flags, and each thing that may be NULL, or only
/// be read, is a type of its own.
static uint32_t without_flags(uint32_t type) {
  const bool buffer = base_type(type) == kPtrToBuf, object = base_type(type) == kPtrToBtfId;
  TypeFlags told = kPtrMaybeNull;
  if (buffer) told |= kMemRdonly;
  if (object) told |= kMemPercpu;
  return base_type(type) | (type_flags(type) & told);
}

std::string reg_type_str(const Env& env, uint32_t type) {
  if (base_type(type) == kScalar && !env.has(Feature::kScalarsNamed)) return "inv";
  if (!env.has(Feature::kTypeFlags)) type = without_flags(type);
  const bool records_allocated = !env.has(Feature::kLocalObjects);
  static constexpr std::string_view kNames[] = {
      "?",           "scalar",   "ctx",       "map_ptr",   "map_value", "map_key",
      "fp",          "pkt_meta", "pkt",       "pkt_end",   "flow_keys", "sock",
      "sock_common", "tcp_sock", "tp_buffer", "xdp_sock",  "ptr_",      "mem",
      "arena",       "buf",      "func",      "dynptr_ptr"};
  static constexpr std::pair<TypeFlags, std::string_view> kPrefixes[] = {
      {kMemRdonly, "rdonly_"},  {kMemRingbuf, "ringbuf_"}, {kMemUser, "user_"},
      {kMemPercpu, "percpu_"},  {kMemRcu, "rcu_"},         {kPtrUntrusted, "untrusted_"},
      {kPtrTrusted, "trusted_"}};
  std::string out;
  for (const auto& [flag, prefix] : kPrefixes)
    if (type & flag) out += flag == kMemRingbuf && records_allocated ? "alloc_" : prefix;
  const uint32_t base = base_type(type);
  const bool flagless = base == kPtrToBuf && !env.has(Feature::kTypeFlags);
  if (flagless && !(type & kMemRdonly)) out += "rdwr_";
  out += base < std::size(kNames) ? kNames[base] : std::string_view("?");
  if (type & kPtrMaybeNull) out += base == kPtrToBtfId ? "or_null_" : "_or_null";
  return out;
}

std::string_view dynptr_type_str(int type) {
  static constexpr std::string_view kNames[] = {"<invalid>", "local",    "ringbuf", "skb",
                                                "xdp",       "skb_meta", "file"};
  return type >= 0 && static_cast<size_t>(type) < std::size(kNames) ? kNames[type] : "<unknown>";
}

std::string iter_type_str(const Env&, const Register& slot) {
  constexpr size_t kPrefix = std::string_view("bpf_iter_").size();
  if (!slot.target.iter.btf || slot.target.iter.btf_id == 0) return "<invalid>";
  return std::string(slot.target.iter.btf->name_of(slot.target.iter.btf_id).substr(kPrefix));
}

std::string_view iter_state_str(unsigned state) {
  switch (static_cast<IterState>(state)) {
    case IterState::kInvalid: return "<invalid>";
    case IterState::kActive: return "active";
    case IterState::kDrained: return "drained";
  }
  return "<unknown>";
}

namespace {

char slot_char(SlotKind kind) {
  switch (kind) {
    case SlotKind::kInvalid: return '?';
    case SlotKind::kSpill: return 'r';
    case SlotKind::kMisc: return 'm';
    case SlotKind::kZero: return '0';
    case SlotKind::kDynptr: return 'd';
    case SlotKind::kIter: return 'i';
    case SlotKind::kIrqFlag: return 'f';
    case SlotKind::kPoison: return 'p';
  }
  return '?';
}

bool ever_written(const Slot& slot) {
  return std::any_of(slot.kinds.begin(), slot.kinds.end(),
                     [](SlotKind k) { return k != SlotKind::kInvalid && k != SlotKind::kPoison; });
}

/// "_rw": read marks, where the kernel has them (read_marks.h). A state that is final says "D".
void append_marks(std::string& out, const State& state, uint8_t mark) {
  const uint8_t shown = mark & (ReadMarks::kRead | ReadMarks::kWritten);
  if (!shown && !state.cleaned) return;
  out += '_';
  if (mark & ReadMarks::kRead) out += 'r';
  if (mark & ReadMarks::kWritten) out += 'w';
  if (state.cleaned) out += 'D';
}

/// A frame that is printed.
struct Shown {
  const Env& env;
  const State& state;
  const FuncState& frame;

  void name_register(std::string& out, int regno) const {
    fmt::format_to(std::back_inserter(out), " R{}", regno);
    if (env.read_marks && regno < ReadMarks::kRegisters)
      append_marks(out, state, frame.read_marks.regs[static_cast<size_t>(regno)]);
    out += '=';
  }
  void name_slot(std::string& out, size_t spi) const {
    fmt::format_to(std::back_inserter(out), " fp{}", -static_cast<int>(spi + 1) * kSlotBytes);
    if (env.read_marks) append_marks(out, state, frame.read_marks.slots[spi]);
    out += '=';
  }
};

void append_dynptr(std::string& out, const Register& reg) {
  fmt::format_to(std::back_inserter(out), "dynptr_{}(",
                 dynptr_type_str(static_cast<int>(reg.target.dynptr.type)));
  Attributes a(out);
  if (reg.id) fmt::format_to(std::back_inserter(a.next("id=")), "{}", reg.id);
  if (reg.ref_obj_id) fmt::format_to(std::back_inserter(a.next("ref_id=")), "{}", reg.ref_obj_id);
  // The kernel reads the id of a slice's dynptr where a dynptr keeps its first-slot mark.
  if (reg.target.dynptr.first_slot) a.next("dynptr_id=") += '1';
  out += ')';
}

void append_iterator(std::string& out, const Env& env, const Register& reg) {
  const auto& iter = reg.target.iter;
  fmt::format_to(std::back_inserter(out), "iter_{}(ref_id={},state={},depth={})",
                 iter_type_str(env, reg), reg.ref_obj_id, iter_state_str(iter.state),
                 uint32_t{iter.depth});
}

void append_bytes(std::string& out, const Slot& slot, bool until_spill) {
  for (SlotKind kind : slot.kinds) {
    if (until_spill && kind == SlotKind::kSpill) return;
    out += slot_char(kind);
  }
}

/// Prints the slot at spi; returns the last slot that the text covers.
size_t append_slot(std::string& out, const Shown& shown, size_t spi) {
  const Env& env = shown.env;
  const FuncState& frame = shown.frame;
  const Slot& slot = frame.stack.at(spi);
  switch (slot.top()) {
    case SlotKind::kSpill:
      shown.name_slot(out, spi);
      append_bytes(out, slot, true);  // bytes above a narrow spill
      append_register(out, env, frame, slot.reg);
      return spi;
    case SlotKind::kDynptr:
      // The second slot down is the one that tells of both.
      spi = std::min(spi + 1, frame.stack.size() - 1);
      shown.name_slot(out, spi);
      append_dynptr(out, frame.stack.at(spi).reg);
      return spi;
    case SlotKind::kIter:
      if (!slot.reg.ref_obj_id) return spi;  // the first slot of an iterator has it
      shown.name_slot(out, spi);
      append_iterator(out, env, slot.reg);
      return spi;
    default:
      shown.name_slot(out, spi);
      append_bytes(out, slot, false);
      return spi;
  }
}

void append_stack(std::string& out, const Shown& shown, bool all) {
  const FuncState& frame = shown.frame;
  for (size_t spi = 0; spi < frame.stack.size(); ++spi) {
    if (!all && !((shown.env.scratched_slots >> spi) & 1)) continue;
    if (ever_written(frame.stack.at(spi))) spi = append_slot(out, shown, spi);
  }
}

void append_references(std::string& out, const State& state) {
  if (state.refs.empty() || !state.refs[0].id) return;
  std::string_view separator = " refs=";
  for (const Reference& ref : state.refs) {
    if (!ref.id) continue;
    fmt::format_to(std::back_inserter(out), "{}{}", separator, ref.id);
    separator = ",";
  }
}

}  // namespace

void print_state(Env& env, const State& state, uint32_t frameno, bool all) {
  const FuncState& frame = *state.frames[frameno];
  const Shown shown{env, state, frame};
  std::string out;
  if (frame.frameno) fmt::format_to(std::back_inserter(out), " frame{}:", frame.frameno);
  for (int regno = 0; regno < isa::kMaxRegisters; ++regno) {
    const Register& reg = frame.regs[regno];
    if (reg.type == kNotInit || (!all && !((env.scratched_regs >> regno) & 1))) continue;
    shown.name_register(out, regno);
    append_register(out, env, frame, reg);
  }
  append_stack(out, shown, all);
  append_references(out, state);
  if (frame.in_callback) out += " cb";
  if (frame.in_async_callback) out += " async_cb";
  out += '\n';
  env.log.append_pieces(out);
  if (!all) env.scratched_regs = 0, env.scratched_slots = 0;
}

std::string stack_mask_str(uint64_t mask) {
  std::string out;
  for (; mask; mask &= mask - 1)
    fmt::format_to(std::back_inserter(out), "{}{}", out.empty() ? "" : ",",
                   -(__builtin_ctzll(mask) + 1) * kSlotBytes);
  return out;
}

std::string reg_mask_str(uint32_t mask) {
  std::string out;
  for (; mask; mask &= mask - 1)
    fmt::format_to(std::back_inserter(out), "{}r{}", out.empty() ? "" : ",", __builtin_ctz(mask));
  return out;
}

}  // namespace drydock::verifier
