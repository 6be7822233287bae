// SPDX-License-Identifier: Apache-2.0
// The tables of kfunc calls: every kfunc from every kind of program with three sets of arguments,
// every kind of register in every argument, and what a kernel answered. Shared by the test that
// holds the verifier against the tables and by the tool that fills them on a real kernel.
//
// A line of kfunc-calls.txt: kfunc, arguments, programs (bit n: kSites[n]), errno, log; of
// kfunc-arguments.txt: kfunc, argument, programs by name, kinds of registers, errno, log. A file of
// another kernel than 6.18 has the lines that differ; errno "-" stands for what was not asked.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "isa/insn.h"
#include "kernel/btf.h"
#include "kernel/profile.h"
#include "kernel/uapi.h"

namespace drydock::kfunc_table {

/// A kind of program that calls. `target`: what it attaches to, looked up in vmlinux BTF.
struct Site {
  std::string_view name;
  ProgramType type;
  AttachType attach = AttachType{};
  std::string_view target = {};
  BtfKind target_kind = BtfKind::kFunc;
  bool sleepable = false;
};

inline constexpr Site kSites[] = {
    {"socket_filter", ProgramType::kSocketFilter},
    {"kprobe", ProgramType::kKprobe},
    {"kprobe_session", ProgramType::kKprobe, AttachType::kTraceKprobeSession},
    {"sched_cls", ProgramType::kSchedCls},
    {"sched_act", ProgramType::kSchedAct},
    {"tracepoint", ProgramType::kTracepoint},
    {"xdp", ProgramType::kXdp},
    {"perf_event", ProgramType::kPerfEvent},
    {"cgroup_skb", ProgramType::kCgroupSkb, AttachType::kCgroupInetEgress},
    {"cgroup_sock", ProgramType::kCgroupSock, AttachType::kCgroupInetSockCreate},
    {"lwt_in", ProgramType::kLwtIn},
    {"lwt_out", ProgramType::kLwtOut},
    {"lwt_xmit", ProgramType::kLwtXmit},
    {"lwt_seg6local", ProgramType::kLwtSeg6local},
    {"sock_ops", ProgramType::kSockOps, AttachType::kCgroupSockOps},
    {"sk_skb", ProgramType::kSkSkb},
    {"sk_msg", ProgramType::kSkMsg},
    {"cgroup_device", ProgramType::kCgroupDevice, AttachType::kCgroupDevice},
    {"raw_tracepoint", ProgramType::kRawTracepoint},
    {"cgroup_sock_addr", ProgramType::kCgroupSockAddr, AttachType::kCgroupInet4Connect},
    {"sk_reuseport", ProgramType::kSkReuseport, AttachType::kSkReuseportSelect},
    {"flow_dissector", ProgramType::kFlowDissector, AttachType::kFlowDissector},
    {"cgroup_sysctl", ProgramType::kCgroupSysctl, AttachType::kCgroupSysctl},
    {"raw_tracepoint_writable", ProgramType::kRawTracepointWritable},
    {"cgroup_sockopt", ProgramType::kCgroupSockopt, AttachType::kCgroupSetsockopt},
    {"fentry", ProgramType::kTracing, AttachType::kTraceFentry, "bpf_fentry_test1"},
    {"fentry.s", ProgramType::kTracing, AttachType::kTraceFentry, "bpf_fentry_test1",
     BtfKind::kFunc, true},
    {"tp_btf", ProgramType::kTracing, AttachType::kTraceRawTp, "btf_trace_sched_switch",
     BtfKind::kTypedef},
    {"iter", ProgramType::kTracing, AttachType::kTraceIter, "bpf_iter_task"},
    {"iter.s", ProgramType::kTracing, AttachType::kTraceIter, "bpf_iter_task", BtfKind::kFunc,
     true},
    {"struct_ops", ProgramType::kStructOps, AttachType{2}, "tcp_congestion_ops", BtfKind::kStruct},
    {"lsm", ProgramType::kLsm, AttachType::kLsmMac, "bpf_lsm_file_open"},
    {"lsm.s", ProgramType::kLsm, AttachType::kLsmMac, "bpf_lsm_file_open", BtfKind::kFunc, true},
    {"lsm_cgroup", ProgramType::kLsm, AttachType::kLsmCgroup, "bpf_lsm_socket_bind"},
    {"sk_lookup", ProgramType::kSkLookup, AttachType::kSkLookup},
    {"syscall", ProgramType::kSyscall, AttachType{}, {}, BtfKind::kFunc, true},
    {"netfilter", ProgramType::kNetfilter, AttachType::kNetfilter},
};

/// Arguments: all zero; the context in r1; pointers to the stack and 8 for what BTF calls a scalar.
inline constexpr std::string_view kPatterns = "ZCS";

inline std::vector<isa::Insn> program(const Btf& btf, uint32_t func_id, char pattern) {
  using isa::Insn;
  constexpr uint8_t kMovK = isa::kAlu64 | isa::kMov | isa::kK;
  std::vector<Insn> code;
  auto params = btf.type(btf.type(func_id)->type())->params();
  if (pattern == 'S')
    for (int16_t off = -64; off < 0; off = static_cast<int16_t>(off + 8))
      code.push_back({.code = isa::kSt | isa::kMem | isa::kDw, .dst = 10, .off = off, .imm = 0});
  for (uint8_t r = pattern == 'C' ? 2 : 1; r <= 5; ++r) {
    const BtfType* type = r <= params.size() ? btf.skip_modifiers(params[r - 1u].type) : nullptr;
    bool scalar = type && (type->kind() == BtfKind::kInt || type->is_any_enum());
    if (pattern == 'S' && type && !scalar) {
      code.push_back({.code = isa::kAlu64 | isa::kMov | isa::kX, .dst = r, .src = 10});
      code.push_back({.code = isa::kAlu64 | isa::kAdd | isa::kK, .dst = r, .imm = -64});
    } else {
      code.push_back({.code = kMovK, .dst = r, .imm = pattern == 'S' ? 8 : 0});
    }
  }
  code.push_back({.code = isa::kJmp | isa::kCall,
                  .src = isa::kPseudoKfuncCall,
                  .imm = static_cast<int32_t>(func_id)});
  code.push_back({.code = kMovK, .dst = 0, .imm = 0});
  code.push_back({.code = isa::kJmp | isa::kExit});
  return code;
}

/// Sites, by name, whose calls are tried with every kind of register in every argument.
inline constexpr std::string_view kArgumentSites[] = {"sched_cls", "xdp",        "tp_btf",
                                                      "lsm.s",     "struct_ops", "syscall"};

/// Kinds of registers: c context, f and u zeroed and unwritten stack, m map, v its value, n that or
/// null, t current task, q a pointer under RCU, w one that may be stale, s any number, z zero,
/// k eight, d dynptr, i iterator, r reserved ring buffer record.
inline constexpr std::string_view kRegisterKinds = "cfumvntqwszkdir";

struct Maps {
  int array = 0;    // four bytes to 64, one element
  int ringbuf = 0;  // 4096 bytes
};

/// Writes instructions.
class Code {
 public:
  std::vector<isa::Insn> insns;

  void mov(uint8_t dst, int32_t imm) { add({.code = kMovK, .dst = dst, .imm = imm}); }
  void copy(uint8_t dst, uint8_t src) {
    add({.code = isa::kAlu64 | isa::kMov | isa::kX, .dst = dst, .src = src});
  }
  void stack_address(uint8_t dst, int32_t off) {
    copy(dst, 10);
    add({.code = isa::kAlu64 | isa::kAdd | isa::kK, .dst = dst, .imm = off});
  }
  void zero_stack(int16_t off) {
    add({.code = isa::kSt | isa::kMem | isa::kDw, .dst = 10, .off = off, .imm = 0});
  }
  void load64(uint8_t dst, uint8_t src, uint32_t off) {
    add({.code = isa::kLdx | isa::kMem | isa::kDw,
         .dst = dst,
         .src = src,
         .off = static_cast<int16_t>(off)});
  }
  void map(uint8_t dst, uint8_t pseudo, int fd) {
    add({.code = isa::kLdImm64, .dst = dst, .src = pseudo, .imm = fd});
    add({});
  }
  void helper(int32_t id) { add({.code = isa::kJmp | isa::kCall, .imm = id}); }
  void kfunc(uint32_t id) {
    add({.code = isa::kJmp | isa::kCall,
         .src = isa::kPseudoKfuncCall,
         .imm = static_cast<int32_t>(id)});
  }
  void finish() {
    mov(0, 0);
    add({.code = isa::kJmp | isa::kExit});
  }

 private:
  static constexpr uint8_t kMovK = isa::kAlu64 | isa::kMov | isa::kK;
  void add(isa::Insn insn) { insns.push_back(insn); }
};

inline uint32_t task_member(const Btf& btf, std::string_view name) {
  const BtfType* task = btf.type(btf.find("task_struct", BtfKind::kStruct));
  for (const BtfMember& member : task->members())
    if (btf.name_of(member) == name) return task->member_bit_offset(member) / 8;
  return 0;
}

/// r7 becomes a register of that kind; r6 is the context.
inline void make_register(Code& code, const Btf& btf, char kind, const Maps& maps) {
  constexpr int32_t kKtime = 5, kLookup = 1, kCurrentTaskBtf = 158, kRingbufReserve = 131,
                    kDynptrFromMem = 197;
  switch (kind) {
    case 'c': return code.copy(7, 6);
    case 'f': return code.stack_address(7, -64);
    case 'u': return code.stack_address(7, -256);
    case 'm': return code.map(7, isa::kPseudoMapFd, maps.array);
    case 'v': return code.map(7, isa::kPseudoMapValue, maps.array);
    case 'n':
      code.map(1, isa::kPseudoMapFd, maps.array);
      code.stack_address(2, -64);
      code.helper(kLookup);
      return code.copy(7, 0);
    case 't':
    case 'q':
    case 'w':
      code.helper(kCurrentTaskBtf);
      if (kind == 't') return code.copy(7, 0);
      return code.load64(7, 0, task_member(btf, kind == 'q' ? "real_parent" : "last_wakee"));
    case 's': code.helper(kKtime); return code.copy(7, 0);
    case 'z': return code.mov(7, 0);
    case 'k': return code.mov(7, 8);
    case 'd':
      code.map(1, isa::kPseudoMapValue, maps.array);
      code.mov(2, 8);
      code.mov(3, 0);
      code.stack_address(4, -128);
      code.helper(kDynptrFromMem);
      return code.stack_address(7, -128);
    case 'i':
      code.stack_address(1, -136);
      code.mov(2, 0);
      code.mov(3, 10);
      code.kfunc(btf.find("bpf_iter_num_new", BtfKind::kFunc));
      return code.stack_address(7, -136);
    case 'r':
      code.map(1, isa::kPseudoMapFd, maps.ringbuf);
      code.mov(2, 64);
      code.mov(3, 0);
      code.helper(kRingbufReserve);
      return code.copy(7, 0);
    default: return code.mov(7, 0);
  }
}

/// The kfunc with a register of that kind as argument `position` (from 0), zeroed stack behind the
/// other pointers and 8 for the other numbers.
inline std::vector<isa::Insn> program_with(const Btf& btf, uint32_t func_id, uint32_t position,
                                           char kind, const Maps& maps) {
  Code code;
  code.copy(6, 1);
  for (int16_t off = -64; off < 0; off = static_cast<int16_t>(off + 8)) code.zero_stack(off);
  make_register(code, btf, kind, maps);
  auto params = btf.type(btf.type(func_id)->type())->params();
  for (uint8_t r = 1; r <= 5 && r <= params.size(); ++r) {
    const BtfType* type = btf.skip_modifiers(params[r - 1u].type);
    bool scalar = type && (type->kind() == BtfKind::kInt || type->is_any_enum());
    if (r == position + 1) code.copy(r, 7);
    else if (scalar) code.mov(r, 8);
    else code.stack_address(r, -64);
  }
  code.kfunc(func_id);
  code.finish();
  return std::move(code.insns);
}

inline const Site& site_named(std::string_view name) {
  for (const Site& site : kSites)
    if (site.name == name) return site;
  return kSites[0];
}

/// A log at the statistics level without the statistics, in one line.
inline std::string answer_of(std::string_view log) {
  std::string out;
  while (!log.empty()) {
    size_t end = std::min(log.find('\n'), log.size());
    std::string_view line = log.substr(0, end);
    log.remove_prefix(std::min(end + 1, log.size()));
    bool statistics = line.starts_with("verification time ") || line.starts_with("stack depth ") ||
                      line.starts_with("processed ") || line.starts_with("insns processed ");
    if (statistics || line.empty()) continue;
    if (!out.empty()) out += " | ";
    out += line;
  }
  return out;
}

struct Answer {
  int err = 0;
  std::string log;
  auto operator<=>(const Answer&) const = default;
};

/// Whoever loads programs: kfunc tables ask with a log at the statistics level.
using Loader = std::function<Answer(const Site&, const std::vector<isa::Insn>&)>;

/// A question of either table: kfunc; arguments ("Z") or argument's position ("0"); site; kind of
/// register (0 in kfunc-calls).
struct Question {
  std::string kfunc, argument, site;
  char kind = 0;
  auto operator<=>(const Question&) const = default;
};
using Answers = std::map<Question, Answer>;

inline constexpr std::string_view kCalls = "kfunc-calls", kArguments = "kfunc-arguments";

/// Every question about that function.
Answers ask_calls(const Btf& btf, std::string_view kfunc, const Loader& loader);
/// The same for its arguments, without those where it may not be called at all, and without those
/// that take a kernel of that release down.
Answers ask_arguments(const Btf& btf, std::string_view kfunc, const Maps& maps, Release release,
                      const Loader& loader);

/// Lines of a table, and back.
Answers read(std::string_view table, std::string_view text);
std::string write(std::string_view table, const Answers& answers);
/// The answers that are not `whole`'s; those of `whole` that `other` lacks with errno kNotAsked.
Answers differing(const Answers& whole, const Answers& other);
Answers with_changes(Answers whole, const Answers& changes);
inline constexpr int kNotAsked = -1;

/// The running kernel. `maps` are made with it.
Loader host_loader(const Btf& btf);
Maps host_maps();

}  // namespace drydock::kfunc_table
