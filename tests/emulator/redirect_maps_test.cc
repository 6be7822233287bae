// SPDX-License-Identifier: Apache-2.0
// Elements of devmaps and cpumaps, as user space puts them there: the same calls to the emulated
// kernel and to the running one.
#include <gtest/gtest.h>

#include <map>

#include "emulator/syscall/standard_kernel.h"
#include "tests/emulator/bpf_kernel.h"
#include "tests/emulator/bpf_session.h"
#include "tests/emulator/packet_questions.h"

namespace drydock {
namespace {

bool reads(BpfCommand command) {
  return command == BpfCommand::kMapLookupElem || command == BpfCommand::kMapGetNextKey;
}

/// Updates, look-ups and deletions, in this order, an answer each: an errno, or the value behind 0.
std::string ask(BpfBackend& kernel, MapType type) {
  Session session(kernel);
  attr::MapCreate create{
      .map_type = static_cast<uint32_t>(type), .key_size = 4, .value_size = 8, .max_entries = 2};
  auto fd = static_cast<int32_t>(session.call("create", BpfCommand::kMapCreate, create));
  std::string answers;
  auto element = [&](const char* what, BpfCommand command, uint32_t key, uint64_t value,
                     uint64_t flags) {
    attr::MapElement a{.map_fd = fd,
                       .key = reinterpret_cast<uint64_t>(&key),
                       .value = reinterpret_cast<uint64_t>(&value),
                       .flags = flags};
    if (command == BpfCommand::kMapDeleteElem) a.value = 0;
    int64_t err = session.call(what, command, a);
    answers += (answers.empty() ? "" : " ") + std::to_string(err);
    if (!err && reads(command)) answers += "=" + std::to_string(value);
  };
  using enum BpfCommand;
  struct Call {
    const char* what;
    BpfCommand command;
    uint32_t key;
    uint64_t value, flags;
  };
  const Call calls[] = {
      {"look up nothing", kMapLookupElem, 0, 0, 0},
      {"put the first", kMapUpdateElem, 0, 1, 0},
      {"look it up", kMapLookupElem, 0, 0, 0},
      {"put it again", kMapUpdateElem, 0, 1, kMapExist},
      {"put it anew", kMapUpdateElem, 0, 1, kMapNoExist},
      {"put with a bad flag", kMapUpdateElem, 0, 1, 8},
      {"put a far one", kMapUpdateElem, 9, 1, 0},
      {"put a far one anew", kMapUpdateElem, 8, 1, kMapNoExist},
      {"put one too many", kMapUpdateElem, 7, 1, 0},
      {"put what is not there", kMapUpdateElem, 0, 20000, 0},
      {"put nothing", kMapUpdateElem, 0, 0, 0},
      {"look it up", kMapLookupElem, 0, 0, 0},
      {"nothing with a program", kMapUpdateElem, 0, uint64_t{5000} << 32, 0},
      {"the first key", kMapGetNextKey, 77, 0, 0},
      {"the next key", kMapGetNextKey, 1, 0, 0},
      {"delete", kMapDeleteElem, 0, 0, 0},
      {"delete again", kMapDeleteElem, 0, 0, 0},
      {"delete a far one", kMapDeleteElem, 100, 0, 0},
  };
  for (const Call& c : calls) element(c.what, c.command, c.key, c.value, c.flags);
  return answers;
}

/// What 6.18 answered.
const std::map<MapType, std::string> kKept = {
    {MapType::kDevmap, "-2 0 0=1 0 -17 -22 -7 -7 -7 -22 0 -2 -22 0=0 -2 0 0 -22"},
    {MapType::kDevmapHash, "-2 0 0=1 0 -17 -22 0 -7 -7 -22 -22 0=1 -22 0=0 0=0 0 -2 -2"},
    {MapType::kCpumap, "-2 0 0=1 0 -17 -22 -7 -7 -7 -75 0 -2 0 0=0 -2 0 0 -22"},
};

class RedirectMaps : public testing::TestWithParam<MapType> {};

TEST_P(RedirectMaps, AnswerAsTheRunningKernel) {
  if (auto why = packets::reason_not_to_ask(); !why.empty()) GTEST_SKIP() << "skipped: " << why;
  HostKernel host;
  EXPECT_EQ(ask(host, GetParam()), kKept.at(GetParam()));
}

TEST_P(RedirectMaps, AnswerAsAKernel) {
  auto kernel = make_kernel(default_profile());
  EXPECT_EQ(ask(*kernel, GetParam()), kKept.at(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Types, RedirectMaps,
                         testing::Values(MapType::kDevmap, MapType::kDevmapHash, MapType::kCpumap),
                         [](const auto& info) {
                           return std::string(info.param == MapType::kDevmap   ? "devmap"
                                              : info.param == MapType::kCpumap ? "cpumap"
                                                                               : "devmap_hash");
                         });

}  // namespace
}  // namespace drydock
