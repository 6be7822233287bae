// SPDX-License-Identifier: Apache-2.0
// Pointers into packets and dynptrs of them. Dynptrs are asked of the running kernel too; pointers
// that a helper has made stale no verifier lets through, so they run behind one that accepts all.
#include <gtest/gtest.h>

#include "base/file.h"
#include "emulator/events/test_run.h"
#include "emulator/syscall/standard_kernel.h"
#include "isa/assemble.h"
#include "kernel/btf.h"
#include "tests/emulator/bpf_kernel.h"
#include "tests/emulator/bpf_session.h"
#include "tests/emulator/packet_questions.h"

namespace drydock {
namespace {

constexpr auto kCls = ProgramType::kSchedCls, kXdp = ProgramType::kXdp,
               kCgroup = ProgramType::kCgroupSkb;

uint64_t at(const void* bytes) { return reinterpret_cast<uint64_t>(bytes); }

/// What a run of the program returns on a frame of bytes 0, 1, 2, ..., or a negative errno.
int64_t run(BpfBackend& kernel, ProgramType type, const std::string& text, uint32_t size,
            std::vector<uint8_t>* out = nullptr) {
  Session session(kernel);
  auto insns = isa::assemble(text);
  EXPECT_TRUE(insns) << (insns ? "" : insns.error().message) << "\n" << text;
  if (!insns) return -1;
  std::vector<char> log(1 << 18);
  attr::ProgLoad load{.prog_type = static_cast<uint32_t>(type),
                      .insn_cnt = static_cast<uint32_t>(insns->size()),
                      .insns = at(insns->data()),
                      .license = at("GPL"),
                      .log_level = 1,
                      .log_size = static_cast<uint32_t>(log.size()),
                      .log_buf = at(log.data())};
  int64_t fd = session.call("load", BpfCommand::kProgLoad, load);
  EXPECT_GE(fd, 0) << log.data();
  std::vector<uint8_t> packet(size), written(20000);
  for (uint32_t i = 0; i < size; ++i) packet[i] = static_cast<uint8_t>(i);
  attr::TestRun a{.prog_fd = static_cast<int32_t>(fd),
                  .data_size_in = size,
                  .data_size_out = 20000,
                  .data_in = at(packet.data()),
                  .data_out = at(written.data())};
  int64_t err = session.call("run", BpfCommand::kProgTestRun, a);
  written.resize(a.data_size_out);
  if (out) *out = written;
  return err ? err : static_cast<int64_t>(a.retval);
}

// -- Dynptrs

// Steps. FROM, SLICE, RDWR, RDONLY and SIZE stand for the kfuncs; r6 is the context, r7 the result;
// the dynptr lies at -16, a buffer at -64.
constexpr const char* kFrom = "r1 = r6\nr2 = 0\nr3 = r10\nr3 += -16\ncall FROM\n";
constexpr const char* kRead =
    "r1 = r10\nr1 += -64\nr2 = 4\nr3 = r10\nr3 += -16\nr4 = OFFSET\nr5 = 0\n"
    "call bpf_dynptr_read#201\nr7 = r0\nr1 = *(u32 *)(r10 -64)\nw7 += w1\n";
constexpr const char* kWrite =
    "r1 = r10\nr1 += -16\nr2 = OFFSET\nr3 = r10\nr3 += -64\nr4 = 4\nr5 = 0\n"
    "call bpf_dynptr_write#202\nr7 = r0\n";
constexpr const char* kSlice =
    "r1 = r10\nr1 += -16\nr2 = OFFSET\nr3 = r10\nr3 += -64\nr4 = 8\ncall SLICE\n"
    "r7 = 77\nif r0 == 0 goto pc+1\nr7 = *(u32 *)(r0 +0)\n";
constexpr const char* kSliceNoBuffer =
    "r1 = r10\nr1 += -16\nr2 = OFFSET\nr3 = 0\nr4 = 8\ncall SLICE\n"
    "r7 = 77\nif r0 == 0 goto pc+1\nr7 = *(u32 *)(r0 +0)\n";
constexpr const char* kRdwr =
    "r1 = r10\nr1 += -16\nr2 = OFFSET\nr3 = r10\nr3 += -64\nr4 = 8\ncall RDWR\n"
    "r7 = 77\nif r0 == 0 goto pc+3\nr1 = 0x01020304\n*(u32 *)(r0 +0) = r1\nr7 = 5\n";
constexpr const char* kSize = "r1 = r10\nr1 += -16\ncall SIZE\nr7 = r0\n";
constexpr const char* kRdonly = "r1 = r10\nr1 += -16\ncall RDONLY\nr7 = r0\n";

std::string with_offset(std::string text, int offset) {
  size_t place = text.find("OFFSET");
  return text.replace(place, 6, std::to_string(offset));
}

std::string program(std::string body, ProgramType type, const Btf& btf) {
  std::string text = "r6 = r1\nr7 = 0\nr1 = 0x1122334455667788 ll\n";
  for (int slot = -64; slot < -16; slot += 8)
    text += "*(u64 *)(r10 " + std::to_string(slot) + ") = r1\n";
  text += body;
  text += type == kCgroup ? "r0 = r7\nr0 &= 1\nexit\n" : "r0 = r7\nexit\n";
  const std::pair<std::string, std::string> kfuncs[] = {
      {"FROM", type == kXdp ? "bpf_dynptr_from_xdp" : "bpf_dynptr_from_skb"},
      {"SLICE", "bpf_dynptr_slice"},
      {"RDWR", "bpf_dynptr_slice_rdwr"},
      {"RDONLY", "bpf_dynptr_is_rdonly"},
      {"SIZE", "bpf_dynptr_size"}};
  for (const auto& [word, name] : kfuncs) {
    uint32_t id = btf.find(name, BtfKind::kFunc);
    for (size_t p; (p = text.find("call " + word + "\n")) != std::string::npos;)
      text.replace(p, 5 + word.size(), "call kernel-function#" + std::to_string(id));
  }
  return text;
}

struct DynptrQuestion {
  const char* name;
  ProgramType type;
  uint32_t size;
  std::string body;
  int64_t returned;
};

std::vector<DynptrQuestion> dynptr_questions() {
  const std::string from = kFrom;
  return {
      {"size", kCls, 60, from + kSize, 60},
      {"size_of_pages", kXdp, 9000, from + kSize, 9000},
      {"may_be_written", kCls, 60, from + kRdonly, 0},
      {"may_not_be_written", kCgroup, 60, from + kRdonly, 1},
      {"read", kCls, 60, from + with_offset(kRead, 20), 0x17161514},
      {"read_beyond", kCls, 60, from + with_offset(kRead, 57), 0x55667788 - 7},
      {"read_xdp", kXdp, 60, from + with_offset(kRead, 20), 0x17161514},
      {"read_across_pages", kXdp, 9000, from + with_offset(kRead, 3518), 0xc1c0bfbe},
      {"write", kCls, 60, from + with_offset(kWrite, 20) + kSize, 60},
      {"write_xdp", kXdp, 9000, from + with_offset(kWrite, 3518), 0},
      {"slice", kCls, 60, from + with_offset(kSlice, 20), 0x17161514},
      {"slice_beyond", kCls, 60, from + with_offset(kSlice, 56), 77},
      {"slice_across_pages", kXdp, 9000, from + with_offset(kSlice, 3518), 0xc1c0bfbe},
      {"slice_of_a_page", kXdp, 9000, from + with_offset(kSlice, 4000), 0xa3a2a1a0},
      {"slice_without_a_buffer", kXdp, 9000, from + with_offset(kSliceNoBuffer, 3518), 77},
      {"slice_in_one_piece", kXdp, 9000, from + with_offset(kSliceNoBuffer, 100), 0x67666564},
      {"slice_to_write", kCls, 60, from + with_offset(kRdwr, 20), 5},
      {"slice_to_write_xdp", kXdp, 60, from + with_offset(kRdwr, 20), 5},
  };
}

TEST(PacketDynptrs, ReadAndWriteThePacket) {
  auto profile = default_profile();
  for (const DynptrQuestion& q : dynptr_questions()) {
    auto kernel = make_kernel(profile);
    EXPECT_EQ(run(*kernel, q.type, program(q.body, q.type, *profile->btf()), q.size), q.returned)
        << q.name;
    for (const std::string& what : kernel->unsupported()) ADD_FAILURE() << q.name << ": " << what;
  }
}

TEST(PacketDynptrs, AreThoseOfTheRunningKernel) {
  if (auto why = packets::reason_not_to_ask(); !why.empty()) GTEST_SKIP() << "skipped: " << why;
  auto bytes = read_file("/sys/kernel/btf/vmlinux");
  if (!bytes) GTEST_SKIP() << "skipped: the running kernel has no BTF";
  auto btf = Btf::parse(std::move(*bytes));
  ASSERT_TRUE(btf);
  auto profile = default_profile();
  auto kernel = make_kernel(profile);
  HostKernel host;
  for (const DynptrQuestion& q : dynptr_questions()) {
    std::vector<uint8_t> ours, theirs;
    EXPECT_EQ(run(host, q.type, program(q.body, q.type, **btf), q.size, &theirs), q.returned)
        << q.name;
    run(*kernel, q.type, program(q.body, q.type, *profile->btf()), q.size, &ours);
    EXPECT_EQ(ours, theirs) << q.name;
  }
}

// -- Stale pointers

std::unique_ptr<Kernel> trusting_kernel_that_runs() {
  return std::make_unique<Kernel>(default_profile(),
                                  Kernel::Settings{.verifier = accept_everything,
                                                   .test_runner = make_test_runner()});
}

/// The message of the fault that a run ends with, or what it returned.
std::string outcome(ProgramType type, const std::string& text) {
  auto kernel = trusting_kernel_that_runs();
  int64_t returned = run(*kernel, type, text, 60);
  return kernel->unsupported().empty() ? std::to_string(returned) : kernel->unsupported().front();
}

constexpr const char* kTake = "r6 = r1\nr7 = *(u32 *)(r1 +76)\n";
constexpr const char* kTakeXdp = "r6 = r1\nr7 = *(u32 *)(r1 +0)\n";
constexpr const char* kUse = "r0 = *(u8 *)(r7 +1)\nexit\n";

TEST(PacketPointers, ToWhereThePacketWasAreUsesAfterFree) {
  for (const char* moves : {"r1 = r6\nr2 = 1\nr3 = 0\ncall bpf_clone_redirect#13\n",
                            "r1 = r6\nr2 = 200\nr3 = 0\ncall bpf_skb_change_head#43\n",
                            "r1 = r6\nr2 = 4000\nr3 = 0\ncall bpf_skb_change_tail#38\n"})
    EXPECT_NE(outcome(kCls, std::string(kTake) + moves + kUse).find("use after free"),
              std::string::npos)
        << moves;
}

TEST(PacketPointers, StayWhereThePacketStays) {
  const char* const store =
      "r1 = r6\nr2 = 0\nr3 = r10\nr3 += -8\nr4 = 8\nr5 = 0\n"
      "call bpf_skb_store_bytes#9\n";
  EXPECT_EQ(outcome(kCls, std::string(kTake) + store + kUse), "0");
  EXPECT_EQ(outcome(kCls, std::string(kTake) +
                              "r1 = r6\nr2 = 4\nr3 = 0\n"
                              "call bpf_skb_change_head#43\n" +
                              kUse),
            "1");
}

TEST(PacketPointers, OutsideOfTheNewBoundsAreFaults) {
  std::string shrunk = outcome(kXdp, std::string(kTakeXdp) +
                                         "r1 = r6\nr2 = 8\ncall bpf_xdp_adjust_head#44\n" + kUse);
  EXPECT_NE(shrunk.find("out of bounds"), std::string::npos) << shrunk;
}

TEST(PacketPointers, AreReadAgainFromTheContext) {
  EXPECT_EQ(outcome(kXdp, std::string(kTakeXdp) +
                              "r1 = r6\nr2 = 8\ncall bpf_xdp_adjust_head#44\n"
                              "r7 = *(u32 *)(r6 +0)\n" +
                              kUse),
            "9");
  EXPECT_EQ(outcome(kCls, std::string(kTake) +
                              "r1 = r6\nr2 = 1\nr3 = 0\ncall bpf_clone_redirect#13\n"
                              "r7 = *(u32 *)(r6 +76)\n" +
                              kUse),
            "1");
}

TEST(PacketPointers, HelpersSayWhereThereIsNoPacket) {
  auto kernel = trusting_kernel_that_runs();
  run(*kernel, kCls, "r1 = r10\nr2 = 0\ncall bpf_skb_pull_data#39\nexit\n", 60);
  ASSERT_FALSE(kernel->unsupported().empty());
  EXPECT_NE(kernel->unsupported().front().find("bpf_skb_pull_data where there is no packet"),
            std::string::npos);
}

}  // namespace
}  // namespace drydock
