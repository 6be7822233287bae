// SPDX-License-Identifier: Apache-2.0
// BPF_PROG_TEST_RUN: what Linux 6.18 answered to each question (the table; the running kernel is
// asked again where it can be: 6.18.44 wrote it), and what the emulated kernel answers. Duration is
// nobody's business.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "base/file.h"
#include "emulator/loader/object.h"
#include "emulator/syscall/standard_kernel.h"
#include "isa/assemble.h"
#include "tests/emulator/bpf_kernel.h"
#include "tests/emulator/bpf_session.h"

namespace drydock {
namespace {

/// The caller's side: buffers that are longer than what is asked for, filled with 0xee.
struct Buffers {
  std::vector<std::byte> data_in, data_out, ctx_in, ctx_out;
  Buffers() {
    for (auto* out : {&data_out, &ctx_out}) out->assign(5000, std::byte{0xee});
    data_in.resize(5000);
    ctx_in.resize(5000);
    // An IPv4 frame to nobody, from 1.2.3.4 to 5.6.7.8.
    const uint8_t head[] = {0,  0, 0, 0, 0, 0,  2,  2, 2, 2, 2, 2, 8, 0, 0x45, 0, 0,
                            46, 0, 0, 0, 0, 64, 17, 0, 0, 1, 2, 3, 4, 5, 6,    7, 8};
    std::memcpy(data_in.data(), head, sizeof head);
  }
  void word(size_t at, uint32_t value) { std::memcpy(&ctx_in[at], &value, 4); }
};

uint64_t at(std::vector<std::byte>& bytes) { return reinterpret_cast<uint64_t>(bytes.data()); }

struct Question {
  const char* name;
  ProgramType type;
  const char* text;                                       // assembly
  std::function<void(attr::TestRun&, Buffers&)> arrange;  // what differs from a plain call
  const char* answer;
  AttachType attach{};
};

std::string hex(const std::vector<std::byte>& bytes, size_t size) {
  std::string text;
  char digits[3];
  for (size_t i = 0; i < size; ++i) {
    snprintf(digits, sizeof digits, "%02x", std::to_integer<unsigned>(bytes[i]));
    text += digits;
  }
  return text;
}

/// The last byte that was written over, counted from the start.
size_t written(const std::vector<std::byte>& bytes) {
  size_t end = bytes.size();
  while (end > 0 && bytes[end - 1] == std::byte{0xee}) --end;
  return end;
}

std::string ask(BpfBackend& kernel, const Question& q) {
  auto insns = isa::assemble(q.text);
  if (!insns) return "does not assemble: " + insns.error().message;
  Session session(kernel);
  attr::ProgLoad load{.prog_type = static_cast<uint32_t>(q.type),
                      .insn_cnt = static_cast<uint32_t>(insns->size()),
                      .insns = reinterpret_cast<uint64_t>(insns->data()),
                      .license = reinterpret_cast<uint64_t>("GPL"),
                      .prog_flags = q.type == ProgramType::kSyscall ? kProgSleepable : 0,
                      .expected_attach_type = static_cast<uint32_t>(q.attach)};
  int64_t fd = session.call("load", BpfCommand::kProgLoad, load);
  if (fd < 0) return "not loaded: " + std::to_string(fd);
  Buffers buffers;
  attr::TestRun run{
      .prog_fd = static_cast<int32_t>(fd), .data_size_in = 60, .data_in = at(buffers.data_in)};
  if (q.arrange) q.arrange(run, buffers);
  int64_t result = session.call("run", BpfCommand::kProgTestRun, run);
  std::string text = std::to_string(result);
  if (result && result != -ENOSPC) return text;
  text += " retval=" + std::to_string(run.retval) + " data=" + std::to_string(run.data_size_out) +
          " ctx=" + std::to_string(run.ctx_size_out);
  if (run.data_out)
    text += " wrote=" + std::to_string(written(buffers.data_out)) + ":" +
            hex(buffers.data_out, std::min<size_t>(18, written(buffers.data_out)));
  if (run.ctx_out) text += " context=" + hex(buffers.ctx_out, written(buffers.ctx_out));
  return text;
}

using R = attr::TestRun;
using B = Buffers;
void no_data(R& r, B&) { r.data_in = 0, r.data_size_in = 0; }
void out(R& r, B& b) { r.data_out = at(b.data_out), r.data_size_out = 4096; }
void context(R& r, B& b, uint32_t size) {
  r.ctx_in = at(b.ctx_in), r.ctx_size_in = size;
  r.ctx_out = at(b.ctx_out), r.ctx_size_out = 4096;
}

constexpr auto kCls = ProgramType::kSchedCls, kSock = ProgramType::kSocketFilter,
               kXdp = ProgramType::kXdp, kRaw = ProgramType::kRawTracepoint,
               kSyscall = ProgramType::kSyscall, kSkb = ProgramType::kCgroupSkb;
constexpr const char* kSeven = "r0 = 7\nexit";
constexpr const char* kOne = "r0 = 1\nexit";
// Loads data and data_end, and the first two bytes of the packet.
constexpr const char* kPacket =
    "r2 = *(u32 *)(r1 +76)\nr3 = *(u32 *)(r1 +80)\nr0 = 1\nr4 = r2\nr4 += 14\n"
    "if r4 > r3 goto pc+3\nr0 = *(u8 *)(r2 +0)\nr3 -= r2\nr0 += r3\nexit";
constexpr const char* kSwap =
    "r2 = *(u32 *)(r1 +0)\nr3 = *(u32 *)(r1 +4)\nr0 = 1\nr4 = r2\nr4 += 14\n"
    "if r4 > r3 goto pc+3\nr5 = 0xabcd\n*(u16 *)(r2 +6) = r5\nr0 = 2\nexit";
constexpr const char* kMeta =
    "r2 = *(u32 *)(r1 +8)\nr3 = *(u32 *)(r1 +0)\nr0 = 1\nr4 = r2\nr4 += 4\n"
    "if r4 > r3 goto pc+1\nr0 = *(u32 *)(r2 +0)\nr0 &= 0xff\nexit";

const Question kQuestions[] = {
    {"returns what the program returned", kCls, kSeven, nullptr, "0 retval=7 data=60 ctx=0"},
    {"copies the frame out", kCls, kSeven, out,
     "0 retval=7 data=60 ctx=0 wrote=60:00000000000002020202020208004500002e"},
    {"the whole frame where no size is given", kCls, kSeven,
     [](R& r, B& b) { r.data_out = at(b.data_out); },
     "0 retval=7 data=60 ctx=0 wrote=60:00000000000002020202020208004500002e"},
    {"too little room", kCls, kSeven,
     [](R& r, B& b) {
       out(r, b);
       r.data_size_out = 10;
     },
     "-28 retval=7 data=60 ctx=0 wrote=10:00000000000002020202"},
    {"repeats", kCls, kSeven, [](R& r, B&) { r.repeat = 100; }, "0 retval=7 data=60 ctx=0"},
    {"13 bytes are no frame", kCls, kSeven, [](R& r, B&) { r.data_size_in = 13; }, "-22"},
    {"the longest frame", kCls, kSeven, [](R& r, B&) { r.data_size_in = 4096 - 64 - 320; },
     "0 retval=7 data=3712 ctx=0"},
    {"one byte more", kCls, kSeven, [](R& r, B&) { r.data_size_in = 4096 - 64 - 320 + 1; }, "-22"},
    {"no frame at all", kCls, kSeven, no_data, "-22"},
    {"a bad address", kCls, kSeven, [](R& r, B&) { r.data_in = 8; }, "-14"},
    {"a cpu", kCls, kSeven, [](R& r, B&) { r.cpu = 1; }, "-22"},
    {"a batch", kCls, kSeven, [](R& r, B&) { r.batch_size = 1; }, "-22"},
    {"a flag that is not its", kCls, kSeven, [](R& r, B&) { r.flags = 1; }, "-22"},
    {"a checksum to keep", kCls, kSeven, [](R& r, B&) { r.flags = 4; }, "0 retval=7 data=60 ctx=0"},
    {"a context without a size", kCls, kSeven, [](R& r, B& b) { r.ctx_in = at(b.ctx_in); }, "-22"},
    {"a size without a context", kCls, kSeven, [](R& r, B&) { r.ctx_size_out = 8; }, "-22"},
    {"no program", kCls, kSeven, [](R& r, B&) { r.prog_fd = 9999; }, "-9"},
    {"a context back", kCls, kSeven, [](R& r, B& b) { context(r, b, 192); },
     "0 retval=7 data=60 ctx=192 "
     "context="
     "000000000000000000000000000000000000000000000000000000000000000000000000000000000100000000000"
     "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "000000000000000000000000000000000000000003c00000000000000000000000000000000000000000000000000"
     "000000000000"},
    {"a short context", kCls, kSeven,
     [](R& r, B& b) {
       context(r, b, 12);
       b.word(8, 77);
     },
     "0 retval=7 data=60 ctx=192 "
     "context="
     "00000000000000004d000000000000000000000000000000000000000000000000000000000000000100000000000"
     "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "000000000000000000000000000000000000000003c00000000000000000000000000000000000000000000000000"
     "000000000000"},
    {"a long one that ends in zeroes", kCls, kSeven, [](R& r, B& b) { context(r, b, 400); },
     "0 retval=7 data=60 ctx=192 "
     "context="
     "000000000000000000000000000000000000000000000000000000000000000000000000000000000100000000000"
     "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "000000000000000000000000000000000000000003c00000000000000000000000000000000000000000000000000"
     "000000000000"},
    {"a long one that does not", kCls, kSeven,
     [](R& r, B& b) {
       context(r, b, 400);
       b.word(396, 1);
     },
     "-7"},
    {"a context longer than a page", kCls, kSeven, [](R& r, B& b) { context(r, b, 4097); }, "-7"},
    {"little room for a context", kCls, kSeven,
     [](R& r, B& b) {
       context(r, b, 192);
       r.ctx_size_out = 8;
     },
     "-28 retval=7 data=60 ctx=192 context=0000000000000000"},
    {"a field that is not the caller's", kCls, kSeven,
     [](R& r, B& b) {
       context(r, b, 192);
       b.word(0, 1);
     },
     "-22"},
    {"a mark and a cb", kCls,
     "r0 = *(u32 *)(r1 +8)\nr2 = 5\n*(u32 *)(r1 +8) = r2\n*(u32 *)(r1 +52) = r2\nexit",
     [](R& r, B& b) {
       context(r, b, 192);
       b.word(8, 42);
       b.word(48, 9);
     },
     "0 retval=42 data=60 ctx=192 "
     "context="
     "000000000000000005000000000000000000000000000000000000000000000000000000000000000100000000000"
     "000090000000500000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "000000000000000000000000000000000000000003c00000000000000000000000000000000000000000000000000"
     "000000000000"},
    {"an interface that is not there", kCls, kSeven,
     [](R& r, B& b) {
       context(r, b, 192);
       b.word(40, 4242);
     },
     "-19"},
    {"a wire length", kCls, "r0 = *(u32 *)(r1 +160)\nexit",
     [](R& r, B& b) {
       context(r, b, 192);
       b.word(160, 1000);
     },
     "0 retval=1000 data=60 ctx=192 "
     "context="
     "000000000000000000000000000000000000000000000000000000000000000000000000000000000100000000000"
     "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "00000000000000000000000000000000000000000e803000000000000000000000000000000000000000000000000"
     "000000000000"},
    {"a wire length below the frame's", kCls, kSeven,
     [](R& r, B& b) {
       context(r, b, 192);
       b.word(160, 10);
     },
     "-22"},
    {"a wire length where none is given", kCls, "r0 = *(u32 *)(r1 +160)\nexit", nullptr,
     "0 retval=0 data=60 ctx=0"},
    {"the length", kCls, "r0 = *(u32 *)(r1 +0)\nexit", nullptr, "0 retval=60 data=60 ctx=0"},
    {"the length without Ethernet", kSock, "r0 = *(u32 *)(r1 +0)\nexit", nullptr,
     "0 retval=46 data=60 ctx=0"},
    {"the packet type", kCls, "r0 = *(u32 *)(r1 +4)\nexit", nullptr, "0 retval=0 data=60 ctx=0"},
    {"the packet type of a broadcast", kCls, "r0 = *(u32 *)(r1 +4)\nexit",
     [](R&, B& b) { std::memset(b.data_in.data(), 0xff, 6); }, "0 retval=2 data=60 ctx=0"},
    {"the packet type of a multicast", kCls, "r0 = *(u32 *)(r1 +4)\nexit",
     [](R&, B& b) { b.data_in[0] = std::byte{1}; }, "0 retval=2 data=60 ctx=0"},
    {"the packet type of somebody else's", kCls, "r0 = *(u32 *)(r1 +4)\nexit",
     [](R&, B& b) { b.data_in[1] = std::byte{1}; }, "0 retval=3 data=60 ctx=0"},
    {"the protocol", kCls, "r0 = *(u32 *)(r1 +16)\nexit", nullptr, "0 retval=8 data=60 ctx=0"},
    {"the protocol of a length", kCls, "r0 = *(u32 *)(r1 +16)\nexit",
     [](R&, B& b) { b.data_in[12] = b.data_in[13] = std::byte{}; }, "0 retval=1024 data=60 ctx=0"},
    {"the interface", kCls, "r0 = *(u32 *)(r1 +40)\nexit", nullptr, "0 retval=1 data=60 ctx=0"},
    {"the incoming interface", kCls, "r0 = *(u32 *)(r1 +36)\nexit", nullptr,
     "0 retval=0 data=60 ctx=0"},
    {"the packet", kCls, kPacket, [](R&, B& b) { b.data_in[0] = std::byte{100}; },
     "0 retval=160 data=60 ctx=0"},
    {"the packet of a cgroup", kSkb,
     "r2 = *(u32 *)(r1 +76)\nr3 = *(u32 *)(r1 +80)\nr0 = 0\nr4 = r2\nr4 += 1\n"
     "if r4 > r3 goto pc+2\nr0 = *(u8 *)(r2 +0)\nr0 &= 1\nexit",
     out, "0 retval=1 data=60 ctx=0 wrote=60:00000000000000000000000000004500002e",
     AttachType::kCgroupInetIngress},
    {"XDP returns", kXdp, "r0 = 2\nexit", out,
     "0 retval=2 data=60 ctx=0 wrote=60:00000000000002020202020208004500002e"},
    {"XDP writes", kXdp, kSwap, out,
     "0 retval=2 data=60 ctx=0 wrote=60:000000000000cdab0202020208004500002e"},
    {"XDP of 13 bytes", kXdp, kOne, [](R& r, B&) { r.data_size_in = 13; }, "-22"},
    {"XDP with a cpu", kXdp, kOne, [](R& r, B&) { r.cpu = 1; }, "0 retval=1 data=60 ctx=0"},
    {"XDP with a batch", kXdp, kOne, [](R& r, B&) { r.batch_size = 1; }, "-22"},
    {"XDP with another flag", kXdp, kOne, [](R& r, B&) { r.flags = 1; }, "-22"},
    {"XDP context back", kXdp, kOne,
     [](R& r, B& b) {
       context(r, b, 24);
       b.word(4, 60);
     },
     "0 retval=1 data=60 ctx=24 context=000000003c00000000000000000000000000000000000000"},
    {"XDP meta data", kXdp, kMeta,
     [](R& r, B& b) {
       out(r, b);
       context(r, b, 24);
       b.word(0, 8);
       b.word(4, 60);
       b.data_in[0] = std::byte{33};
     },
     "0 retval=33 data=60 ctx=24 wrote=60:21000000000002020202020208004500002e "
     "context=080000003c00000000000000000000000000000000000000"},
    {"XDP meta data of an odd length", kXdp, kOne,
     [](R& r, B& b) {
       context(r, b, 24);
       b.word(0, 6);
       b.word(4, 60);
     },
     "-22"},
    {"XDP meta data that leave no frame", kXdp, kOne,
     [](R& r, B& b) {
       context(r, b, 24);
       b.word(0, 48);
       b.word(4, 60);
     },
     "-22"},
    {"XDP data_end beyond the frame", kXdp, kOne,
     [](R& r, B& b) {
       context(r, b, 24);
       b.word(4, 61);
     },
     "-22"},
    {"XDP data_meta of the caller", kXdp, kOne,
     [](R& r, B& b) {
       context(r, b, 24);
       b.word(4, 60);
       b.word(8, 4);
     },
     "-22"},
    {"XDP from an interface", kXdp, "r0 = *(u32 *)(r1 +12)\nexit", nullptr,
     "0 retval=1 data=60 ctx=0"},
    {"XDP from no interface", kXdp, kOne,
     [](R& r, B& b) {
       context(r, b, 24);
       b.word(4, 60);
       b.word(12, 4242);
     },
     "-19"},
    {"XDP queue without an interface", kXdp, kOne,
     [](R& r, B& b) {
       context(r, b, 24);
       b.word(4, 60);
       b.word(16, 1);
     },
     "-22"},
    {"XDP to an interface", kXdp, kOne,
     [](R& r, B& b) {
       context(r, b, 24);
       b.word(4, 60);
       b.word(20, 1);
     },
     "-22"},
    {"XDP of a device map", kXdp, kOne, nullptr, "-22", AttachType::kXdpDevmap},
    {"raw tracepoint", kRaw, "r0 = *(u64 *)(r1 +8)\nexit",
     [](R& r, B& b) {
       no_data(r, b);
       r.ctx_in = at(b.ctx_in), r.ctx_size_in = 16;
       b.word(8, 55);
     },
     "0 retval=55 data=0 ctx=0"},
    {"raw tracepoint without what it reads", kRaw, "r0 = *(u64 *)(r1 +8)\nexit",
     [](R& r, B& b) {
       no_data(r, b);
       r.ctx_in = at(b.ctx_in), r.ctx_size_in = 8;
     },
     "-22"},
    {"raw tracepoint of 13 arguments", kRaw, kSeven,
     [](R& r, B& b) {
       no_data(r, b);
       r.ctx_in = at(b.ctx_in), r.ctx_size_in = 104;
     },
     "-22"},
    {"raw tracepoint with data", kRaw, kSeven, nullptr, "-22"},
    {"raw tracepoint repeated", kRaw, kSeven,
     [](R& r, B& b) {
       no_data(r, b);
       r.repeat = 1;
     },
     "-22"},
    {"raw tracepoint without anything", kRaw, kSeven, no_data, "0 retval=7 data=0 ctx=0"},
    {"raw tracepoint on a cpu without the flag", kRaw, kSeven,
     [](R& r, B& b) {
       no_data(r, b);
       r.cpu = 1;
     },
     "-22"},
    {"raw tracepoint on cpu 0", kRaw, kSeven,
     [](R& r, B& b) {
       no_data(r, b);
       r.flags = 1;
     },
     "0 retval=7 data=0 ctx=0"},
    {"raw tracepoint on a cpu that is not there", kRaw, kSeven,
     [](R& r, B& b) {
       no_data(r, b);
       r.flags = 1;
       r.cpu = 4095;
     },
     "-6"},
    {"raw tracepoint with a context to write", kRaw, kSeven,
     [](R& r, B& b) {
       no_data(r, b);
       context(r, b, 8);
     },
     "-22"},
    {"syscall", kSyscall, "r0 = *(u32 *)(r1 +4)\nexit",
     [](R& r, B& b) {
       no_data(r, b);
       r.ctx_in = at(b.ctx_in), r.ctx_size_in = 8;
       b.word(4, 66);
     },
     "0 retval=66 data=0 ctx=0"},
    {"syscall with a flag", kSyscall, kSeven,
     [](R& r, B& b) {
       no_data(r, b);
       r.flags = 1;
     },
     "-22"},
    {"syscall with a context of 64 KB", kSyscall, kSeven,
     [](R& r, B& b) {
       no_data(r, b);
       b.ctx_in.resize(70000);
       r.ctx_in = at(b.ctx_in), r.ctx_size_in = 65536;
     },
     "-22"},
    {"syscall with data", kSyscall, kSeven, nullptr, "-22"},
    {"cgroup_sock has no test run", ProgramType::kCgroupSock, kOne, nullptr, "-524"},
    {"cgroup_sock_addr has none", ProgramType::kCgroupSockAddr, kOne, nullptr, "-524",
     AttachType::kCgroupInet4Connect},
    {"sock_ops has none", ProgramType::kSockOps, kOne, nullptr, "-524"},
    {"kprobe has none", ProgramType::kKprobe, kOne, nullptr, "-524"},
    {"tracepoint has none", ProgramType::kTracepoint, kOne, nullptr, "-524"},
    {"raw_tracepoint_writable has none", ProgramType::kRawTracepointWritable, kOne, nullptr,
     "-524"},
};

class TestRunAnswers : public testing::TestWithParam<Question> {};

TEST_P(TestRunAnswers, AreTheKernels) {
  const Question& q = GetParam();
  auto kernel = make_kernel(default_profile());
  EXPECT_EQ(ask(*kernel, q), q.answer);
  EXPECT_TRUE(kernel->unsupported().empty()) << kernel->unsupported().front();
}

TEST_P(TestRunAnswers, AreThoseOfTheRunningKernel) {
  if (!HostKernel::answers())
    GTEST_SKIP() << "skipped: no kernel to compare with (bpf(2) needs root)";
  HostKernel host;
  EXPECT_EQ(ask(host, GetParam()), GetParam().answer);
}

INSTANTIATE_TEST_SUITE_P(Questions, TestRunAnswers, testing::ValuesIn(kQuestions),
                         [](const auto& info) {
                           std::string name = info.param.name;
                           for (char& c : name)
                             if (!isalnum(static_cast<unsigned char>(c))) c = '_';
                           return name;
                         });

int load(Session& session, const std::string& text) {
  auto insns = isa::assemble(text);
  EXPECT_TRUE(insns) << insns.error().message;
  attr::ProgLoad load{.prog_type = static_cast<uint32_t>(kSock),
                      .insn_cnt = static_cast<uint32_t>(insns->size()),
                      .insns = reinterpret_cast<uint64_t>(insns->data()),
                      .license = reinterpret_cast<uint64_t>("GPL")};
  return static_cast<int>(session.call("load", BpfCommand::kProgLoad, load));
}

template <class T>
uint64_t address_of(T& value) {
  return reinterpret_cast<uint64_t>(&value);
}

uint32_t run(Session& session, int program) {
  Buffers buffers;
  attr::TestRun run{.prog_fd = program, .data_size_in = 60, .data_in = at(buffers.data_in)};
  session.call("run", BpfCommand::kProgTestRun, run);
  return run.retval;
}

/// What a program returns that calls another by way of a program array, which holds the caller too:
/// before and after the array's descriptor is closed.
std::vector<uint32_t> tail_call_and_close(BpfBackend& kernel) {
  Session session(kernel);
  attr::MapCreate create{.map_type = static_cast<uint32_t>(MapType::kProgArray),
                         .key_size = 4,
                         .value_size = 4,
                         .max_entries = 2};
  int array = static_cast<int>(session.call("create", BpfCommand::kMapCreate, create));
  int target = load(session, "r0 = 7\nexit");
  int caller = load(session, "r2 = map_fd " + std::to_string(array) +
                                 " ll\nr3 = 0\ncall bpf_tail_call#12\nr0 = 1\nexit");
  uint32_t key = 0;
  for (int program : {target, caller}) {
    attr::MapElement element{.map_fd = array, .key = address_of(key), .value = address_of(program)};
    session.call("put", BpfCommand::kMapUpdateElem, element);
    ++key;
  }
  std::vector<uint32_t> returned{run(session, caller)};
  session.forget(array);
  // A real kernel empties the array a little later.
  for (int i = 0; i < 200 && run(session, caller) == 7; ++i) usleep(5000);
  returned.push_back(run(session, caller));
  return returned;
}

// What nobody can change any more is emptied; or else array and caller would keep each other.
TEST(TestRun, AProgramArrayThatUserSpaceLetGoOfIsEmptied) {
  const std::vector<uint32_t> expected{7, 1};
  auto kernel = make_kernel(default_profile());
  EXPECT_EQ(tail_call_and_close(*kernel), expected);
  EXPECT_EQ(kernel->descriptors().next_id(ObjectKind::kProgram, 0), 0u) << "a program stays behind";
  if (!HostKernel::answers()) GTEST_SKIP() << "skipped: the running kernel was not asked";
  HostKernel host;
  EXPECT_EQ(tail_call_and_close(host), expected);
}

int make_array(Session& session, uint32_t value) {
  attr::MapCreate create{.map_type = static_cast<uint32_t>(MapType::kArray),
                         .key_size = 4,
                         .value_size = 4,
                         .max_entries = 1};
  int array = static_cast<int>(session.call("array", BpfCommand::kMapCreate, create));
  uint32_t key = 0;
  attr::MapElement element{.map_fd = array, .key = address_of(key), .value = address_of(value)};
  session.call("fill", BpfCommand::kMapUpdateElem, element);
  return array;
}

/// What a program finds in the inner map: of no map, of one, of another, of none again.
std::vector<uint32_t> look_into_inner_maps(BpfBackend& kernel) {
  Session session(kernel);
  int first = make_array(session, 11), second = make_array(session, 22);
  attr::MapCreate create{.map_type = static_cast<uint32_t>(MapType::kHashOfMaps),
                         .key_size = 4,
                         .value_size = 4,
                         .max_entries = 1,
                         .inner_map_fd = first};
  int outer = static_cast<int>(session.call("outer", BpfCommand::kMapCreate, create));
  int program = load(session, "*(u32 *)(r10 -4) = 0\nr2 = r10\nr2 += -4\nr1 = map_fd " +
                                  std::to_string(outer) +
                                  " ll\ncall bpf_map_lookup_elem#1\nif r0 == 0 goto pc+6\nr1 = r0\n"
                                  "r2 = r10\nr2 += -4\ncall bpf_map_lookup_elem#1\n"
                                  "if r0 == 0 goto pc+1\nr0 = *(u32 *)(r0 +0)\nexit");
  std::vector<uint32_t> found{run(session, program)};
  uint32_t key = 0;
  for (int inner : {first, second}) {
    attr::MapElement put{.map_fd = outer, .key = address_of(key), .value = address_of(inner)};
    session.call("put", BpfCommand::kMapUpdateElem, put);
    found.push_back(run(session, program));
  }
  attr::MapElement erase{.map_fd = outer, .key = address_of(key)};
  session.call("erase", BpfCommand::kMapDeleteElem, erase);
  found.push_back(run(session, program));
  return found;
}

TEST(TestRun, InnerMapsAreThoseOfTheMoment) {
  const std::vector<uint32_t> expected{0, 11, 22, 0};
  EXPECT_EQ(look_into_inner_maps(*make_kernel(default_profile())), expected);
  if (!HostKernel::answers()) GTEST_SKIP() << "skipped: the running kernel was not asked";
  HostKernel host;
  EXPECT_EQ(look_into_inner_maps(host), expected);
}

// As 6.18.44 has it.
TEST(TestRun, WhatARunLeavesInAMapTheNextMayTake) {
  auto kernel = make_kernel(default_profile());
  const std::string file = DRYDOCK_TEST_OBJECTS "/stash.bpf.o";
  auto elf = read_file(file);
  ASSERT_TRUE(elf) << elf.error().message;
  auto object = Loader(*kernel).load(*elf, file, {});
  ASSERT_TRUE(object) << object.error().message;
  auto run = [&](const char* name) {
    attr::TestRun run{.prog_fd = (*object)->program(name)->fd};
    int64_t err = kernel->call(BpfCommand::kProgTestRun, run);
    return err ? err : static_cast<int64_t>(run.retval);
  };
  EXPECT_EQ(run("put"), 0);
  EXPECT_EQ(run("put"), 0);
  EXPECT_EQ(run("take"), 142);
  EXPECT_EQ(run("take"), 0);
  EXPECT_TRUE(kernel->unsupported().empty()) << kernel->unsupported().front();
}

TEST(TestRun, SaysWhatIsNotModelled) {
  auto kernel = make_kernel(default_profile());
  EXPECT_EQ(ask(*kernel, {"", ProgramType::kSkLookup, kOne, nullptr, "", AttachType::kSkLookup}),
            "-524");
  ASSERT_FALSE(kernel->unsupported().empty());
  EXPECT_NE(kernel->unsupported().front().find("BPF_PROG_TEST_RUN of sk_lookup"),
            std::string::npos);
}

}  // namespace
}  // namespace drydock
