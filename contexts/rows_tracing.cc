// SPDX-License-Identifier: Apache-2.0
// Contexts of probes, tracepoints, perf events, system calls, filters of the network stack and
// remote controls; and those that have no rows, because BTF types them.
#include "contexts/rows.h"

namespace drydock::rows {
namespace {

// Registers as x86-64's entry code saves them.
#define DRYDOCK_REGISTER(reg, index) \
  {.name = #reg,                     \
   .offset = 8 * (index),            \
   .size = 8,                        \
   .read = kAnyWidth,                \
   .write = kAnyWidth,               \
   .write_since = "6.18"}
constexpr ContextField kPtRegsFields[] = {
    DRYDOCK_REGISTER(r15, 0),      DRYDOCK_REGISTER(r14, 1), DRYDOCK_REGISTER(r13, 2),
    DRYDOCK_REGISTER(r12, 3),      DRYDOCK_REGISTER(bp, 4),  DRYDOCK_REGISTER(bx, 5),
    DRYDOCK_REGISTER(r11, 6),      DRYDOCK_REGISTER(r10, 7), DRYDOCK_REGISTER(r9, 8),
    DRYDOCK_REGISTER(r8, 9),       DRYDOCK_REGISTER(ax, 10), DRYDOCK_REGISTER(cx, 11),
    DRYDOCK_REGISTER(dx, 12),      DRYDOCK_REGISTER(si, 13), DRYDOCK_REGISTER(di, 14),
    DRYDOCK_REGISTER(orig_ax, 15), DRYDOCK_REGISTER(ip, 16), DRYDOCK_REGISTER(cs, 17),
    DRYDOCK_REGISTER(flags, 18),   DRYDOCK_REGISTER(sp, 19), DRYDOCK_REGISTER(ss, 20),
};
#undef DRYDOCK_REGISTER

// A trace record after its first word, which the program may not see.
constexpr ContextField kTracepointFields[] = {
    {.name = "record", .offset = 8, .size = 8184, .read = kAnyWidth},
};

constexpr ContextField kRawTracepointFields[] = {
    {.name = "args", .offset = 0, .size = 96, .element = 8, .read = kAnyWidth},
};

// The first argument is the buffer: no load but of the whole pointer begins at it.
// clang-format off
constexpr ContextField kWritableTracepointFields[] = {
    {.name = "args", .offset = 0, .size = 8, .read = kW8, .yields = kPtrToTpBuffer,
     .begins = Begins::kAtStart},
    {.name = "args", .offset = 1, .size = 95, .element = 8, .read = kAnyWidth},
};
// clang-format on

constexpr ContextField kPerfEventFields[] = {
    {.name = "regs", .offset = 0, .size = 168, .element = 8, .read = kW8},
    {.name = "sample_period", .offset = 168, .size = 8, .read = kAnyWidth, .narrow_of = 8},
    {.name = "addr", .offset = 176, .size = 8, .read = kAnyWidth, .narrow_of = 8},
};

// A context of the caller's own making, of up to 64 KiB; its length is checked when it is run.
constexpr ContextField kSyscallFields[] = {
    {.name = "ctx",
     .offset = 0,
     .size = 65535,
     .read = kAnyWidth,
     .write = kAnyWidth,
     .may_end_outside = true},
};

// clang-format off
constexpr ContextField kNetfilterFields[] = {
    {.name = "state", .offset = 0, .size = 8, .read = kW8, .yields = kPtrToBtfId | kPtrTrusted,
     .btf_type = "nf_hook_state"},
    {.name = "skb", .offset = 8, .size = 8, .read = kW8, .yields = kPtrToBtfId | kPtrTrusted,
     .btf_type = "sk_buff"},
};
// clang-format on

constexpr ContextField kLircFields[] = {
    {.name = "sample", .offset = 0, .size = 4, .read = kW4},
};

}  // namespace

using enum ProgramType;

const ContextStruct kPtRegs{"pt_regs", 168, programs({kKprobe}), ContextKind::kRows, kPtRegsFields};
const ContextStruct kTraceRecord{"trace record", 8192, programs({kTracepoint}), ContextKind::kRows,
                                 kTracepointFields};
const ContextStruct kRawTracepointArgs{"bpf_raw_tracepoint_args", 96, programs({kRawTracepoint}),
                                       ContextKind::kRows, kRawTracepointFields};
const ContextStruct kWritableTracepointArgs{"bpf_raw_tracepoint_args (writable)", 96,
                                            programs({kRawTracepointWritable}), ContextKind::kRows,
                                            kWritableTracepointFields};
const ContextStruct kPerfEventData{"bpf_perf_event_data", 184, programs({kPerfEvent}),
                                   ContextKind::kRows, kPerfEventFields};
const ContextStruct kSyscallCtx{"syscall context", 65535, programs({kSyscall}), ContextKind::kRows,
                                kSyscallFields};
const ContextStruct kNfCtx{"bpf_nf_ctx", 16, programs({kNetfilter}), ContextKind::kRows,
                           kNetfilterFields};
const ContextStruct kLirc{"lirc sample", 4, programs({kLircMode2}), ContextKind::kRows,
                          kLircFields};
const ContextStruct kTypedArguments{
    "arguments typed by BTF", 0, programs({kTracing, kLsm, kStructOps}), ContextKind::kBtf, {}};
const ContextStruct kExtended{
    "context of the extended program", 0, programs({kExt}), ContextKind::kOther, {}};

}  // namespace drydock::rows
