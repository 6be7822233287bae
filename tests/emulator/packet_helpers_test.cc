// SPDX-License-Identifier: Apache-2.0
// Helpers on packets, LD_ABS and LD_IND: each program of packet_questions.h runs on each packet,
// and what BPF_PROG_TEST_RUN gives back (errno, r0, packet, context) is what Linux 6.18 gave.
//
// The answers are kept in packet_answers.txt. DRYDOCK_BLESS=1, as root on a 6.18 kernel, writes
// them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>

#include "emulator/syscall/standard_kernel.h"
#include "isa/assemble.h"
#include "tests/emulator/bpf_kernel.h"
#include "tests/emulator/bpf_session.h"
#include "tests/emulator/packet_questions.h"

namespace drydock {
namespace {

using packets::NamedPacket;
using packets::PacketQuestion;

uint64_t at(const void* bytes) { return reinterpret_cast<uint64_t>(bytes); }

std::string hex(std::span<const uint8_t> bytes) {
  std::string text;
  char digits[3];
  for (uint8_t byte : bytes) {
    snprintf(digits, sizeof digits, "%02x", byte);
    text += digits;
  }
  return text;
}

/// A long packet is known by its first bytes and a hash (FNV-1a).
std::string shown(std::span<const uint8_t> bytes) {
  constexpr size_t kWhole = 80, kHead = 24;
  if (bytes.size() <= kWhole) return hex(bytes);
  uint32_t hash = 2166136261u;
  for (uint8_t byte : bytes) hash = (hash ^ byte) * 16777619u;
  return hex(bytes.first(kHead)) + "~" + std::to_string(hash);
}

std::string context_of(const std::vector<uint8_t>& context, bool xdp) {
  if (xdp) return hex(std::span(context).first(12));
  uint64_t tstamp;
  std::memcpy(&tstamp, &context[152], 8);
  uint32_t segments;
  std::memcpy(&segments, &context[164], 4);
  return hex(std::span(context).subspan(48, 20)) + " " + std::to_string(tstamp) + " " +
         std::to_string(segments);
}

std::string run(Session& session, int64_t fd, const PacketQuestion& q, const NamedPacket& packet) {
  const bool xdp = q.type == ProgramType::kXdp;
  std::vector<uint8_t> context(xdp ? 24 : 192), context_out(context.size());
  std::vector<uint8_t> out(20000, 0xee);
  if (xdp) {
    auto end = static_cast<uint32_t>(packet.bytes.size());
    std::memcpy(&context[4], &end, 4);
  } else {
    const uint32_t segments = q.gso_size ? 3 : 0;
    std::memcpy(&context[164], &segments, 4);
    std::memcpy(&context[176], &q.gso_size, 4);
  }
  attr::TestRun run{.prog_fd = static_cast<int32_t>(fd),
                    .data_size_in = static_cast<uint32_t>(packet.bytes.size()),
                    .data_size_out = static_cast<uint32_t>(out.size()),
                    .data_in = at(packet.bytes.data()),
                    .data_out = at(out.data()),
                    .ctx_size_in = static_cast<uint32_t>(context.size()),
                    .ctx_size_out = static_cast<uint32_t>(context.size()),
                    .ctx_in = at(context.data()),
                    .ctx_out = at(context_out.data()),
                    .flags = q.flags};
  int64_t result = session.call("run", BpfCommand::kProgTestRun, run);
  if (result) return std::to_string(result);
  return std::to_string(run.retval) + " " + std::to_string(run.data_size_out) + " " +
         shown(std::span(out).first(run.data_size_out)) + " " + context_of(context_out, xdp);
}

std::string key_of(const PacketQuestion& q, const NamedPacket& packet) {
  return std::string(q.name) + " | " + packet.name + " | ";
}

using Answers = std::map<std::string, std::string>;

int64_t make_map(Session& session, const PacketQuestion& q) {
  attr::MapCreate create{
      .map_type = static_cast<uint32_t>(q.map), .key_size = 4, .value_size = 4, .max_entries = 4};
  int64_t fd = session.call("map", BpfCommand::kMapCreate, create);
  const uint32_t key = 1, value = q.value;
  attr::MapElement element{
      .map_fd = static_cast<int32_t>(fd), .key = at(&key), .value = at(&value)};
  int64_t err = fd < 0 || !value ? 0 : session.call("update", BpfCommand::kMapUpdateElem, element);
  return err ? err : fd;
}

/// A line a packet.
Answers ask(BpfBackend& kernel, const PacketQuestion& q) {
  Session session(kernel);
  Answers answers;
  int64_t map = q.map == MapType::kUnspec ? 0 : make_map(session, q);
  if (map < 0) return {{"no map", std::to_string(map)}};
  auto insns = isa::assemble(packets::program_text(q, static_cast<int>(map)));
  if (!insns) return {{"does not assemble", insns.error().message}};
  attr::ProgLoad load{.prog_type = static_cast<uint32_t>(q.type),
                      .insn_cnt = static_cast<uint32_t>(insns->size()),
                      .insns = at(insns->data()),
                      .license = at("GPL")};
  int64_t fd = session.call("load", BpfCommand::kProgLoad, load);
  if (fd < 0) return {{"not loaded", std::to_string(fd)}};
  for (const NamedPacket& packet : packets::packets_for(q))
    answers[key_of(q, packet)] = run(session, fd, q, packet);
  return answers;
}

// -- The kept answers: "question | packet | answer" a line.

const char* const kFile = DRYDOCK_SOURCE_DIR "/tests/emulator/packet_answers.txt";

Answers kept_answers(const PacketQuestion& q) {
  Answers answers;
  std::ifstream file(kFile);
  for (std::string line; std::getline(file, line);) {
    size_t bar = line.rfind(" | ");
    if (bar != std::string::npos && line.starts_with(std::string(q.name) + " | "))
      answers[line.substr(0, bar + 3)] = line.substr(bar + 3);
  }
  return answers;
}

class PacketAnswers : public testing::TestWithParam<PacketQuestion> {};

TEST_P(PacketAnswers, AreTheKernels) {
  auto kernel = make_kernel(default_profile());
  const Answers kept = kept_answers(GetParam());
  ASSERT_FALSE(kept.empty()) << "no kernel's answers: run with DRYDOCK_BLESS=1";
  EXPECT_EQ(ask(*kernel, GetParam()), kept);
  for (const std::string& what : kernel->unsupported()) ADD_FAILURE() << what;
}

TEST_P(PacketAnswers, AreThoseOfTheRunningKernel) {
  if (auto why = packets::reason_not_to_ask(); !why.empty()) GTEST_SKIP() << "skipped: " << why;
  HostKernel host;
  const Answers answers = ask(host, GetParam());
  if (std::getenv("DRYDOCK_BLESS")) {
    std::ofstream file(kFile, std::ios::app);
    for (const auto& [key, answer] : answers) file << key << answer << "\n";
    return;
  }
  EXPECT_EQ(answers, kept_answers(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Questions, PacketAnswers, testing::ValuesIn(packets::questions()),
                         [](const auto& info) {
                           std::string name = info.param.name;
                           for (char& c : name)
                             if (!isalnum(static_cast<unsigned char>(c))) c = '_';
                           return name;
                         });

}  // namespace
}  // namespace drydock
