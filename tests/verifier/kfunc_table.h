// SPDX-License-Identifier: Apache-2.0
// The table of kfunc calls: every kfunc from every kind of program with three sets of arguments,
// and what a kernel answered. Shared by the test that holds the verifier against the table and by
// the tool that fills it on a real kernel (tools/kfunc_probe.cc).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "isa/insn.h"
#include "kernel/btf.h"
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
    {"iter.s", ProgramType::kTracing, AttachType::kTraceIter, "bpf_iter_task", BtfKind::kFunc, true},
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
  code.push_back({.code = isa::kJmp | isa::kCall, .src = isa::kPseudoKfuncCall,
                  .imm = static_cast<int32_t>(func_id)});
  code.push_back({.code = kMovK, .dst = 0, .imm = 0});
  code.push_back({.code = isa::kJmp | isa::kExit});
  return code;
}

/// A log at the statistics level without the statistics, in one line.
inline std::string answer_of(std::string_view log) {
  std::string out;
  while (!log.empty()) {
    size_t end = std::min(log.find('\n'), log.size());
    std::string_view line = log.substr(0, end);
    log.remove_prefix(std::min(end + 1, log.size()));
    bool statistics = line.starts_with("verification time ") || line.starts_with("stack depth ") ||
                      line.starts_with("processed ");
    if (statistics || line.empty()) continue;
    if (!out.empty()) out += " | ";
    out += line;
  }
  return out;
}

}  // namespace drydock::kfunc_table
