// SPDX-License-Identifier: Apache-2.0
// The library's own promises; what programs and events do is tested in the rooms below and by the
// corpus.
#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "drydock/drydock.h"

namespace {

using namespace drydock::api;
using drydock::ErrorKind;

const std::string kObjects = std::string(DRYDOCK_BINARY_DIR) + "/corpus/";

Kernel kernel(const char* name = "6.18") {
  auto profile = Profile::load(name);
  if (!profile) ADD_FAILURE() << profile.error().message;
  return Kernel(*profile);
}

TEST(Library, KnowsItsProfiles) {
  auto names = Profile::embedded();
  EXPECT_NE(std::ranges::find(names, "6.18"), names.end());
  auto profile = Profile::load("6.18");
  ASSERT_TRUE(profile);
  EXPECT_TRUE(profile->release().starts_with("6.18")) << profile->release();
  EXPECT_FALSE(profile->has("no such feature"));
}

TEST(Library, HandlesOutliveWhatTheyCameFrom) {
  std::vector<Program> programs;
  {
    auto object = kernel().open_file(kObjects + "cgroup_sock.bpf.o");
    ASSERT_TRUE(object) << object.error().message;
    programs = object->programs();
  }
  ASSERT_FALSE(programs.empty());
  Verdict verdict = programs.front().verify({.log_level = kLogBranches | kLogStatistics});
  EXPECT_NE(verdict.log.find("processed "), std::string::npos);
}

TEST(Library, RejectionsComeWithTheirReason) {
  auto object = kernel().open_file(kObjects + "cgroup_sock.bpf.o");
  ASSERT_TRUE(object) << object.error().message;
  auto program = object->program("reject_storage_unchecked");
  ASSERT_TRUE(program);
  Verdict verdict = program->verify();
  EXPECT_EQ(verdict.kind, VerdictKind::kRejected);
  EXPECT_EQ(verdict.err, EACCES);
  EXPECT_EQ(verdict.message, "R0 invalid mem access 'map_value_or_null'");
  ASSERT_TRUE(verdict.diagnostic);
  EXPECT_GT(verdict.diagnostic->line, 0u);
  auto slip = object->program("reject_storage_uncheked");
  ASSERT_FALSE(slip);
  EXPECT_EQ(slip.error().kind, ErrorKind::kNotFound);
  EXPECT_NE(slip.error().message.find("did you mean `reject_storage_unchecked`"),
            std::string::npos);
}

TEST(Library, ThreadsVerifyProgramsOfOneObject) {
  auto object = kernel().open_file(kObjects + "cgroup_sock.bpf.o");
  ASSERT_TRUE(object);
  const auto& programs = object->programs();
  std::vector<Verdict> alone, together(programs.size());
  for (const Program& p : programs) alone.push_back(p.verify());
  std::vector<std::thread> pool;
  for (size_t i = 0; i < programs.size(); ++i)
    pool.emplace_back([&, i] { together[i] = programs[i].verify(); });
  for (std::thread& t : pool) t.join();
  for (size_t i = 0; i < programs.size(); ++i) {
    EXPECT_EQ(alone[i].message, together[i].message);
    EXPECT_EQ(alone[i].statistics.insns_processed, together[i].statistics.insns_processed);
  }
}

TEST(Library, RawInstructionsNeedNoObject) {
  const std::string text = "r0 = 1\nexit\n";
  RawProgram raw{.format = RawProgram::Format::kAssembly, .source = std::as_bytes(std::span(text))};
  auto object = kernel().open_raw(raw);
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_TRUE(object->programs().front().verify().accepted());
  auto lines = object->programs().front().disassemble();
  ASSERT_TRUE(lines);
  EXPECT_EQ(lines->size(), 2u);
  raw.type = "socket_filtre";
  EXPECT_EQ(kernel().open_raw(raw).error().kind, ErrorKind::kUsage);
  EXPECT_EQ(Session::load(*object).error().kind, ErrorKind::kUsage);
  std::string memory = "01 02";
  EXPECT_EQ(run_raw("b7000000050000009500000000000000", nullptr), 5u);
  EXPECT_EQ(run_raw("71100000000000009500000000000000", &memory), 1u);
}

TEST(Library, TwoSessionsShareNothing) {
  auto object = kernel().open_file(kObjects + "service_connect.bpf.o");
  ASSERT_TRUE(object) << object.error().message;
  auto one = Session::load(*object), other = Session::load(*object);
  ASSERT_TRUE(one) << one.error().message;
  ASSERT_TRUE(other) << other.error().message;
  auto hits = one->map("hits");
  ASSERT_TRUE(hits);
  ASSERT_TRUE(hits->set(uint32_t{0}, uint64_t{7}));
  EXPECT_EQ(hits->get<uint64_t>(uint32_t{0}), 7u);
  EXPECT_EQ(other->map("hits")->get<uint64_t>(uint32_t{0}), 0u);
}

TEST(Library, WhatOneSessionAttachesRunsInNoOther) {
  auto object = kernel().open_file(kObjects + "cgroup_sock.bpf.o");
  ASSERT_TRUE(object) << object.error().message;
  auto one = Session::load(*object, {.programs = {"deny_raw"}});
  auto other = Session::load(*object, {.programs = {"deny_raw"}});
  ASSERT_TRUE(one && other);
  ASSERT_TRUE(one->attach("deny_raw", {.cgroup = "/"}));
  const CreateSocket raw{.socket = "s", .family = "inet", .type = "raw"};
  auto denied = one->fire(raw), made = other->fire(raw);
  ASSERT_TRUE(denied) << denied.error().message;
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(denied->result, -EPERM);
  EXPECT_EQ(made->result, 0);
}

TEST(Library, MapsSayWhatIsWrong) {
  auto object = kernel().open_file(kObjects + "service_connect.bpf.o");
  ASSERT_TRUE(object);
  auto session = Session::load(*object);
  ASSERT_TRUE(session) << session.error().message;
  auto services = session->map("services");
  ASSERT_TRUE(services);
  std::vector<std::byte> key(services->key_size());
  auto missing = services->lookup(key);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().err, ENOENT);
  EXPECT_EQ(services->erase(std::span(key).first(3)).error().kind, ErrorKind::kUsage);
  EXPECT_NE(session->map("servises").error().message.find("did you mean `services`"),
            std::string::npos);
}

TEST(Library, ListingsAreTheRowsThatVerificationUses) {
  auto profile = Profile::load("6.18");
  ASSERT_TRUE(profile);
  auto helpers = list_helpers(*profile, {.program_type = "cgroup_sock_addr",
                                         .attach_type = "cgroup_inet4_bind"});
  ASSERT_TRUE(helpers) << helpers.error().message;
  EXPECT_TRUE(std::ranges::any_of(*helpers,
                                  [](const auto& h) { return h.name == "bpf_map_lookup_elem"; }));
  EXPECT_FALSE(std::ranges::any_of(*helpers,
                                   [](const auto& h) { return h.name == "bpf_xdp_adjust_head"; }));
  EXPECT_EQ(list_maps(*profile, {.program_type = "nothing"}).error().kind, ErrorKind::kUsage);
  EXPECT_EQ(list_contexts(*profile, {.attach_type = "cgroup_inet4_bind"}).error().kind,
            ErrorKind::kUsage);
}

TEST(Library, CasesRunFromTests) {
  auto file = Case::read(std::string(DRYDOCK_SOURCE_DIR) + "/corpus/cases/service-connect.json");
  ASSERT_TRUE(file) << file.error().message;
  auto profile = Profile::load();
  ASSERT_TRUE(profile);
  EXPECT_TRUE(file->meant_for(*profile));
  drydock::CaseOutcome outcome = file->run(*profile, {kObjects});
  EXPECT_TRUE(outcome.passed()) << outcome.step << " " << outcome.message;
}

}  // namespace
