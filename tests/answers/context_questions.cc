// SPDX-License-Identifier: Apache-2.0
#include "answers/context_questions.h"

#include <algorithm>
#include <vector>

#include "answers/answer_table.h"
#include "answers/host_bpf.h"
#include "contexts/program_rules.h"
#include "helpers/helper_ids.h"
#include "helpers/helper_row.h"

namespace drydock::testing {
namespace {

constexpr uint32_t kPastEnd = 8;
constexpr uint32_t kLargestOffset = 32767;  // an instruction's offset has 16 bits

struct Interval {
  uint32_t first, last;
};

// Small structs whole; of buffers both ends.
std::vector<Interval> offsets_of(const ContextStruct& context) {
  uint32_t last = std::min(context.size + kPastEnd, kLargestOffset);
  if (context.size <= 512) return {{0, last}};
  return {{0, 32}, {last - 48, last}};
}

// 0 stands for "no attach type" where a program type does not look at it.
std::vector<AttachType> attach_types_of(const ProgramRules& rules) {
  std::vector<AttachType> types;
  if (!rules.attach_type_checked) types.push_back(AttachType{});
  for (AttachType type : all_attach_types())
    if (has(rules.attach_types, type)) types.push_back(type);
  return types;
}

constexpr std::string_view name_of(Touch touch) {
  switch (touch) {
    case Touch::kLoad: return "load";
    case Touch::kLoadSigned: return "load_signed";
    case Touch::kStoreRegister: return "store";
    case Touch::kStoreImmediate: return "store_imm";
  }
  return "";
}

// Aligned offsets a width apart; "/1" where every byte will do.
std::string ranges_of(const std::vector<uint32_t>& offsets, uint32_t width) {
  std::string aligned = as_ranges(offsets, width), any = as_ranges(offsets, 1) + "/1";
  return any.size() < aligned.size() ? any : aligned;
}

// A line for each touch and width that is good somewhere.
std::string answers(const std::vector<Interval>& offsets,
                    const std::function<bool(int16_t, uint32_t, Touch)>& good_at) {
  std::string text;
  for (Touch touch :
       {Touch::kLoad, Touch::kLoadSigned, Touch::kStoreRegister, Touch::kStoreImmediate}) {
    for (uint32_t width : {1u, 2u, 4u, 8u}) {
      if (touch == Touch::kLoadSigned && width == 8) continue;  // no such instruction
      std::vector<uint32_t> good;
      for (Interval interval : offsets)
        for (uint32_t offset = interval.first; offset <= interval.last; ++offset)
          if (good_at(static_cast<int16_t>(offset), width, touch)) good.push_back(offset);
      if (good.empty()) continue;
      text += std::string(name_of(touch)) + " " + std::to_string(width) + ": " +
              ranges_of(good, width) + "\n";
    }
  }
  return text.empty() ? "nothing\n" : text;
}

std::string title(ProgramType type, AttachType attach, bool checked) {
  bool none = static_cast<uint32_t>(attach) == 0 && !checked;
  return std::string(name_of(type)) + " " + (none ? "-" : std::string(name_of(attach)));
}

constexpr uint8_t size_code(uint32_t width) {
  return width == 1 ? isa::kB : width == 2 ? isa::kH : width == 4 ? isa::kW : isa::kDw;
}

isa::Insn touching(const ContextQuestion& q) {
  uint8_t size = size_code(q.width);
  switch (q.touch) {
    case Touch::kLoad:
      return {.code = static_cast<uint8_t>(isa::kLdx | isa::kMem | size),
              .dst = 0,
              .src = 1,
              .off = q.offset};
    case Touch::kLoadSigned:
      return {.code = static_cast<uint8_t>(isa::kLdx | isa::kMemsx | size),
              .dst = 0,
              .src = 1,
              .off = q.offset};
    case Touch::kStoreRegister:
      return {.code = static_cast<uint8_t>(isa::kStx | isa::kMem | size),
              .dst = 1,
              .src = 2,
              .off = q.offset};
    case Touch::kStoreImmediate: break;
  }
  return {.code = static_cast<uint8_t>(isa::kSt | isa::kMem | size), .dst = 1, .off = q.offset};
}

}  // namespace

std::map<std::string, std::string> ask_about(const ContextStruct& context,
                                             const ContextOracle& oracle) {
  std::map<std::string, std::string> sections;
  for (const ProgramRules& rules : all_program_rules()) {
    if (!has(context.program_types, rules.type)) continue;
    for (AttachType attach : attach_types_of(rules))
      sections[title(rules.type, attach, rules.attach_type_checked)] =
          answers(offsets_of(context), [&](int16_t offset, uint32_t width, Touch touch) {
            return oracle({rules.type, attach, offset, width, touch});
          });
  }
  return sections;
}

ContextOracle context_rows_oracle(const Profile& profile) {
  return [&profile](const ContextQuestion& q) {
    bool load = q.touch == Touch::kLoad || q.touch == Touch::kLoadSigned;
    ContextQuery query{.program_type = q.type,
                       .attach_type = q.attach,
                       .offset = q.offset,
                       .size = q.width,
                       .access = load ? Access::kRead : Access::kWrite,
                       .sign_extending_load = q.touch == Touch::kLoadSigned,
                       .immediate_store = q.touch == Touch::kStoreImmediate};
    return has_program_type(q.type, profile) && context_access(query, profile).has_value();
  };
}

ContextOracle context_oracle(Asked asked) {
  return [asked = std::move(asked)](const ContextQuestion& q) {
    auto rule = return_rule(q.type, q.attach);
    const isa::Insn insns[] = {
        {.code = isa::kAlu64 | isa::kMov, .dst = 2},
        touching(q),
        {.code = isa::kAlu64 | isa::kMov, .dst = 0, .imm = rule.range.max > 0 ? 1 : 0},
        {.code = isa::kJmp | isa::kExit}};
    uint32_t flags = must_be_sleepable(q.type) ? kLoadSleepable : 0;
    return asked({.type = q.type, .attach = q.attach, .insns = insns, .flags = flags});
  };
}

std::string_view name_of(Pointee pointee) {
  switch (pointee) {
    case Pointee::kSockCommon: return "sock_common";
    case Pointee::kSocket: return "socket";
    case Pointee::kTcpSock: return "tcp_sock";
    case Pointee::kXdpSock: return "xdp_sock";
    case Pointee::kFlowKeys: return "flow_keys";
  }
  return "";
}

std::string ask_about(Pointee pointee, const PointerOracle& oracle) {
  constexpr uint32_t kLargest = 112;  // struct bpf_tcp_sock
  return answers({{0, kLargest + kPastEnd}}, [&](int16_t offset, uint32_t width, Touch touch) {
    return oracle({pointee, offset, width, touch});
  });
}

bool rows_admit(const PointerQuestion& q) {
  if (q.pointee == Pointee::kFlowKeys) return q.offset >= 0 && q.offset + q.width <= kFlowKeysSize;
  if (q.touch != Touch::kLoad && q.touch != Touch::kLoadSigned) return false;
  RegType socket = q.pointee == Pointee::kSockCommon ? kPtrToSockCommon
                   : q.pointee == Pointee::kSocket   ? kPtrToSocket
                   : q.pointee == Pointee::kTcpSock  ? kPtrToTcpSock
                                                     : kPtrToXdpSock;
  return socket_access(socket, q.offset, q.width).has_value();
}

namespace {

// Leaves the pointer in r1; where it is null, goes to the end, which is `rest` instructions on.
std::vector<isa::Insn> pointer_to(Pointee pointee, int xskmap, int16_t rest) {
  auto load = [](int16_t offset) {
    return isa::Insn{.code = isa::kLdx | isa::kMem | isa::kDw, .dst = 1, .src = 1, .off = offset};
  };
  auto call = [](HelperId id) {
    return isa::Insn{.code = isa::kJmp | isa::kCall, .imm = static_cast<int32_t>(id)};
  };
  constexpr isa::Insn kTake{.code = isa::kAlu64 | isa::kMov | isa::kX, .dst = 1, .src = 0};
  auto if_null = [](uint8_t reg, int past) {
    return isa::Insn{.code = isa::kJmp | isa::kJeq, .dst = reg, .off = static_cast<int16_t>(past)};
  };
  constexpr int16_t kSkOffset = 168, kFlowKeysOffset = 144;  // in struct __sk_buff
  switch (pointee) {
    case Pointee::kSockCommon: return {load(kSkOffset), if_null(1, rest)};
    case Pointee::kSocket:
      return {load(kSkOffset), if_null(1, rest + 3), call(helper_id::sk_fullsock),
              if_null(0, rest + 1), kTake};
    case Pointee::kTcpSock:
      return {load(kSkOffset), if_null(1, rest + 3), call(helper_id::tcp_sock),
              if_null(0, rest + 1), kTake};
    case Pointee::kXdpSock:
      return {{.code = isa::kSt | isa::kMem | isa::kDw, .dst = 10, .off = -8},
              {.code = isa::kAlu64 | isa::kMov | isa::kX, .dst = 2, .src = 10},
              {.code = isa::kAlu64 | isa::kAdd, .dst = 2, .imm = -8},
              {.code = isa::kLdImm64, .dst = 1, .src = isa::kPseudoMapFd, .imm = xskmap},
              {},
              call(helper_id::map_lookup_elem),
              if_null(0, rest + 1),
              kTake};
    case Pointee::kFlowKeys: return {load(kFlowKeysOffset)};
  }
  return {};
}

}  // namespace

PointerOracle pointer_oracle(Asked asked, int xskmap) {
  return [asked = std::move(asked), xskmap](const PointerQuestion& q) {
    std::vector<isa::Insn> insns = pointer_to(q.pointee, xskmap, 2);
    insns.push_back({.code = isa::kAlu64 | isa::kMov, .dst = 2});
    insns.push_back(touching({.offset = q.offset, .width = q.width, .touch = q.touch}));
    insns.push_back({.code = isa::kAlu64 | isa::kMov, .dst = 0});
    insns.push_back({.code = isa::kJmp | isa::kExit});
    ProgramType type = q.pointee == Pointee::kFlowKeys  ? ProgramType::kFlowDissector
                       : q.pointee == Pointee::kXdpSock ? ProgramType::kXdp
                                                        : ProgramType::kCgroupSkb;
    return asked({.type = type, .insns = insns});
  };
}

std::string table_name(const ContextStruct& context) {
  std::string name = "context-" + std::string(context.name);
  for (char& c : name)
    if (c == ' ' || c == '(' || c == ')') c = '_';
  return name;
}

}  // namespace drydock::testing
