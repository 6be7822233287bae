// SPDX-License-Identifier: Apache-2.0
#include "answers/argument_questions.h"

#include <algorithm>
#include <set>

#include "answers/answer_table.h"
#include "answers/test_maps.h"
#include "contexts/context_rows.h"
#include "contexts/program_rules.h"
#include "helpers/helper_ids.h"

namespace drydock::testing {
namespace {

namespace id = helper_id;
using Kind = Value::Kind;

constexpr int16_t kBuffer = -64;      // 64 zeroed bytes of stack
constexpr int16_t kUnwritten = -192;  // 64 bytes of stack that nobody wrote

struct PlainValue {
  Kind kind;
  std::string_view name;
};
constexpr PlainValue kPlain[] = {
    {Kind::kZero, "0"},          {Kind::kEight, "8"},
    {Kind::kMinusOne, "-1"},     {Kind::kUnknown, "unknown"},
    {Kind::kBounded, "bounded"}, {Kind::kContext, "ctx"},
    {Kind::kStack, "stack"},     {Kind::kStackUninit, "stack-uninit"},
    {Kind::kStackTop, "fp"},     {Kind::kStackBelow, "below-stack"},
    {Kind::kMapValue, "value"},  {Kind::kMapValueOrNull, "value-or-null"},
    {Kind::kPacket, "packet"},   {Kind::kTask, "task"},
    {Kind::kUninit, "nothing"},
};

// The map that a helper is about.
MapType natural_map(HelperId helper) {
  using enum MapType;
  switch (helper) {
    case id::tail_call: return kProgArray;
    case id::perf_event_read:
    case id::perf_event_read_value:
    case id::perf_event_output:
    case id::skb_output:
    case id::xdp_output: return kPerfEventArray;
    case id::get_stackid: return kStackTrace;
    case id::skb_under_cgroup:
    case id::current_task_under_cgroup: return kCgroupArray;
    case id::redirect_map: return kDevmap;
    case id::sk_redirect_map:
    case id::msg_redirect_map:
    case id::sock_map_update: return kSockmap;
    case id::sk_redirect_hash:
    case id::msg_redirect_hash:
    case id::sock_hash_update: return kSockhash;
    case id::get_local_storage: return kCgroupStorage;
    case id::sk_select_reuseport: return kReuseportSockarray;
    case id::map_push_elem:
    case id::map_pop_elem:
    case id::map_peek_elem: return kQueue;
    case id::sk_storage_get:
    case id::sk_storage_delete: return kSkStorage;
    case id::inode_storage_get:
    case id::inode_storage_delete: return kInodeStorage;
    case id::task_storage_get:
    case id::task_storage_delete: return kTaskStorage;
    case id::cgrp_storage_get:
    case id::cgrp_storage_delete: return kCgrpStorage;
    case id::ringbuf_output:
    case id::ringbuf_reserve:
    case id::ringbuf_query:
    case id::ringbuf_reserve_dynptr: return kRingbuf;
    case id::user_ringbuf_drain: return kUserRingbuf;
    case id::map_lookup_percpu_elem: return kPercpuArray;
    default: return kArray;
  }
}

// Something that fits the argument, as far as a small program has it.
Value sensible(const HelperRow& row, size_t argument) {
  ArgType type = row.args[argument].type;
  switch (base_type(type)) {
    case kArgConstMapPtr: return {Kind::kMap, natural_map(row.id)};
    case kArgPtrToMapKey:
    case kArgPtrToMapValue:
    case kArgPtrToMem:
    case kArgPtrToConstStr:
    case kArgPtrToDynptr: return {Kind::kStack};
    case kArgConstSize:
    case kArgConstSizeOrZero:
    case kArgConstAllocSizeOrZero: return {Kind::kEight};
    case kArgPtrToCtx: return {Kind::kContext};
    case kArgPtrToSpinLock:
    case kArgPtrToTimer:
    case kArgKptrXchgDest: return {Kind::kMapValue};
    case kArgPtrToBtfId:
      return {row.args[argument].btf_type == "task_struct" ? Kind::kTask : Kind::kZero};
    default: return {Kind::kZero};
  }
}

// Writes a program: what it needs first, then the arguments, the call and the end.
class Writer {
 public:
  Writer(const Prototype& prototype, const Profile& profile, const MapFds& maps)
      : prototype_(prototype), profile_(profile), maps_(maps) {}

  std::optional<std::vector<isa::Insn>> write(const std::vector<Value>& values) {
    move_register(6, 1);
    call(id::get_prandom_u32);
    move_register(7, 0);
    for (int16_t slot = kBuffer; slot < 0; slot = static_cast<int16_t>(slot + 8))
      add({.code = isa::kSt | isa::kMem | isa::kDw, .dst = 10, .off = slot});
    for (const Value& value : values) prepare(value);
    for (size_t i = 0; i < values.size(); ++i) set(static_cast<uint8_t>(i + 1), values[i]);
    call(prototype_.row->id);
    end();
    if (impossible_) return std::nullopt;
    return std::move(insns_);
  }

 private:
  void add(isa::Insn insn) { insns_.push_back(insn); }
  void move(uint8_t reg, int32_t number) {
    add({.code = isa::kAlu64 | isa::kMov, .dst = reg, .imm = number});
  }
  void move_register(uint8_t to, uint8_t from) {
    add({.code = isa::kAlu64 | isa::kMov | isa::kX, .dst = to, .src = from});
  }
  void add_number(uint8_t reg, int32_t number) {
    add({.code = isa::kAlu64 | isa::kAdd, .dst = reg, .imm = number});
  }
  void call(HelperId helper) {
    add({.code = isa::kJmp | isa::kCall, .imm = static_cast<int32_t>(helper)});
  }
  void end() {
    const CallSite& site = prototype_.asker.site;
    move(0, return_rule(site.program_type, site.attach_type).range.max > 0 ? 1 : 0);
    add({.code = isa::kJmp | isa::kExit});
  }
  void map(uint8_t reg, MapType type) {
    std::optional<int> fd = maps_(type);
    impossible_ |= !fd;
    add({.code = isa::kLdImm64, .dst = reg, .src = isa::kPseudoMapFd, .imm = fd.value_or(0)});
    add({});
  }

  // r9 = the value, r8 = the packet, [fp-72] = the task: once each.
  void prepare(const Value& value) {
    bool needs_value = value.kind == Kind::kMapValue || value.kind == Kind::kMapValueOrNull;
    if (!ready_.insert(needs_value ? Kind::kMapValue : value.kind).second) return;
    if (needs_value) {
      map(1, MapType::kArray);
      move_register(2, 10);
      add_number(2, kBuffer);
      call(id::map_lookup_elem);
      move_register(9, 0);
      if (value.kind == Kind::kMapValue) {
        add({.code = isa::kJmp | isa::kJne, .dst = 9, .off = 2});
        end();
      }
    } else if (value.kind == Kind::kPacket) {
      packet();
    } else if (value.kind == Kind::kTask) {
      call(id::get_current_task_btf);
      add({.code = isa::kStx | isa::kMem | isa::kDw, .dst = 10, .src = 0, .off = -72});
    }
  }

  // Sixty-four bytes of the packet that may be read, where the context tells of a packet.
  void packet() {
    const ContextField* data = field(kPtrToPacket);
    const ContextField* end_field = field(kPtrToPacketEnd);
    if (!data || !end_field) {
      impossible_ = true;
      return;
    }
    uint8_t size = data->size == 8 ? isa::kDw : isa::kW;
    load(8, size, data->offset);
    load(2, size, end_field->offset);
    move_register(3, 8);
    add_number(3, 64);
    add({.code = isa::kJmp | isa::kJle | isa::kX, .dst = 3, .src = 2, .off = 2});
    end();
  }
  void load(uint8_t reg, uint8_t size, uint32_t offset) {
    add({.code = static_cast<uint8_t>(isa::kLdx | isa::kMem | size),
         .dst = reg,
         .src = 6,
         .off = static_cast<int16_t>(offset)});
  }
  const ContextField* field(RegType yields) const {
    const CallSite& site = prototype_.asker.site;
    const ContextStruct* context = context_struct(site.program_type);
    if (!context) return nullptr;
    for (const ContextField& row : context->fields)
      if (row.yields == yields && may_read(row, site.program_type, site.attach_type, profile_))
        return &row;
    return nullptr;
  }

  void set(uint8_t reg, const Value& value) {
    switch (value.kind) {
      case Kind::kZero: return move(reg, 0);
      case Kind::kEight: return move(reg, 8);
      case Kind::kMinusOne: return move(reg, -1);
      case Kind::kUnknown: return move_register(reg, 7);
      case Kind::kBounded:
        move_register(reg, 7);
        return add({.code = isa::kAlu64 | isa::kAnd, .dst = reg, .imm = 31});
      case Kind::kContext: return move_register(reg, 6);
      case Kind::kStack: return stack(reg, kBuffer);
      case Kind::kStackUninit: return stack(reg, kUnwritten);
      case Kind::kStackTop: return move_register(reg, 10);
      case Kind::kStackBelow: return stack(reg, -520);
      case Kind::kMap: return map(reg, value.map);
      case Kind::kMapValue:
      case Kind::kMapValueOrNull: return move_register(reg, 9);
      case Kind::kPacket: return move_register(reg, 8);
      case Kind::kTask:
        return add({.code = isa::kLdx | isa::kMem | isa::kDw, .dst = reg, .src = 10, .off = -72});
      case Kind::kUninit: return;  // the calls before have left nothing in it
    }
  }
  void stack(uint8_t reg, int16_t offset) {
    move_register(reg, 10);
    add_number(reg, offset);
  }

  const Prototype& prototype_;
  const Profile& profile_;
  const MapFds& maps_;
  std::vector<isa::Insn> insns_;
  std::set<Kind> ready_;
  bool impossible_ = false;
};

size_t argument_count(const HelperRow& row) {
  size_t count = 0;
  while (count < row.args.size() && row.args[count].type != kArgNone) ++count;
  return count;
}

bool may_call(const HelperAsker& asker, HelperId helper, const Profile& profile) {
  if (!has_program_type(asker.site.program_type, profile) ||
      !has_attach_type(asker.site.attach_type, profile))
    return false;
  HelperAvailability answer = helper_for(helper, asker.site, profile);
  return answer.kind == HelperAvailability::Kind::kAllowed && answer.allowed_at_hook;
}

// Programs that see packets first, those that need a trampoline last.
std::vector<HelperAsker> in_order_of_use(const std::vector<HelperAsker>& askers) {
  auto place = [](const HelperAsker& asker) {
    if (asker.site.program_type == ProgramType::kSchedCls) return 0;
    return asker.trampoline ? 2 : 1;
  };
  std::vector<HelperAsker> ordered;
  for (int wanted : {0, 1, 2})
    for (const HelperAsker& asker : askers)
      if (place(asker) == wanted) ordered.push_back(asker);
  return ordered;
}

}  // namespace

std::string Prototype::name() const {
  std::string name(row->name);
  return row->variant.empty() ? name : name + " (" + std::string(row->variant) + ")";
}

std::string Value::name() const {
  if (kind == Kind::kMap) return "map:" + std::string(name_of(map));
  for (const PlainValue& plain : kPlain)
    if (plain.kind == kind) return std::string(plain.name);
  return "";
}

std::vector<Prototype> prototypes(const Profile& profile) {
  std::vector<Prototype> found;
  std::set<const HelperRow*> seen;
  std::vector<HelperAsker> askers = in_order_of_use(helper_askers(profile));
  for (HelperId helper = 1; helper < helper_count(); ++helper) {
    for (const HelperAsker& asker : askers) {
      if (!asker.site.gpl || !may_call(asker, helper, profile)) continue;
      const HelperRow* row = helper_for(helper, asker.site, profile).row;
      bool waits = (row->flags & kHelperMightSleep) && !asker.site.sleepable;
      if (!waits && seen.insert(row).second) found.push_back({row, asker});
    }
  }
  return found;
}

std::vector<Value> values_for(const Prototype& prototype, size_t argument, const Profile& profile) {
  std::vector<Value> values;
  for (const PlainValue& plain : kPlain) {
    bool task = plain.kind == Kind::kTask;
    if (task && !may_call(prototype.asker, id::get_current_task_btf, profile)) continue;
    values.push_back({plain.kind});
  }
  bool takes_map = base_type(prototype.row->args[argument].type) == kArgConstMapPtr;
  for (const TestMap& map : test_maps())
    if (takes_map || map.type == MapType::kArray) values.push_back({Kind::kMap, map.type});
  return values;
}

std::optional<std::vector<isa::Insn>> argument_program(const Prototype& prototype, size_t argument,
                                                       const Value& value, const Profile& profile,
                                                       const MapFds& maps) {
  std::vector<Value> values;
  for (size_t i = 0; i < argument_count(*prototype.row); ++i)
    values.push_back(i == argument ? value : sensible(*prototype.row, i));
  // A value that must not be null is one that was tested.
  for (Value& other : values)
    if (value.kind == Kind::kMapValueOrNull && other.kind == Kind::kMapValue)
      other.kind = Kind::kMapValueOrNull;
  return Writer(prototype, profile, maps).write(values);
}

std::map<std::string, std::string> ask_about_arguments(const Prototype& prototype,
                                                       const Profile& profile, const MapFds& maps,
                                                       const Answerer& answerer) {
  std::map<std::string, std::string> messages;
  for (size_t i = 0; i < argument_count(*prototype.row); ++i) {
    for (const Value& value : values_for(prototype, i, profile)) {
      auto insns = argument_program(prototype, i, value, profile, maps);
      if (!insns) continue;
      messages[std::to_string(i + 1) + "=" + value.name()] =
          without_helper(answerer(helper_question(prototype.asker, *insns)), prototype.row->id);
    }
  }
  return messages;
}

}  // namespace drydock::testing
