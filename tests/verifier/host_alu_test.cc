// SPDX-License-Identifier: Apache-2.0
// Random arithmetic against the running kernel: verdict, errno, and every line of the log at level
// 2, which holds the abstract state after each instruction, the walk's order, where it pruned, and
// the counts at the end.
#include <gtest/gtest.h>

#include "host_kernel.h"
#include "kernel/profile.h"
#include "log_difference.h"
#include "random_program.h"
#include "verifier/verify.h"

namespace drydock::verifier {
namespace {

using test::NoDescriptors;

ProgramInput random_program(uint64_t seed) {
  ProgramInput program;
  program.type = ProgramType::kSocketFilter;
  program.license = "GPL";
  program.insns = test::RandomProgram(seed).generate();
  return program;
}

TEST(HostAlu, LogsAgreeLineByLine) {
  if (auto why = test::host_unavailable(); !why.empty()) GTEST_SKIP() << "skipped: " << why;
  const auto profile = Profile::load("host");
  if (!profile) GTEST_SKIP() << "skipped: " << profile.error().message;
  constexpr uint64_t kPrograms = 3000;
  NoDescriptors fds;
  uint64_t accepted = 0, differ = 0;
  for (uint64_t seed = 1; seed <= kPrograms && differ < 5; ++seed) {
    const ProgramInput program = random_program(seed);
    const test::HostAnswer host = test::host_load(program, kLogLevel2);
    Options options;
    options.log_level = kLogLevel2;
    const Verdict ours = verify(program, **profile, fds, options);
    accepted += host.err == 0;
    const bool same = ours.err == host.err && ours.log == host.log &&
                      (host.err == 0) == (ours.kind == VerdictKind::kAccepted);
    if (same) continue;
    ++differ;
    ADD_FAILURE() << "seed " << seed << ": kernel errno " << host.err << ", ours " << ours.err
                  << "\n"
                  << test::first_difference(host.log, ours.log);
  }
  // Were most of them refused at once, the test would show little.
  EXPECT_GT(accepted, kPrograms / 10);
}

TEST(HostAlu, SmallBuffersHoldTheSameText) {
  if (auto why = test::host_unavailable(); !why.empty()) GTEST_SKIP() << "skipped: " << why;
  const auto profile = Profile::load("host");
  if (!profile) GTEST_SKIP() << "skipped: " << profile.error().message;
  NoDescriptors fds;
  int truncated = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed)
    for (uint32_t level : {kLogLevel1, kLogLevel2, kLogLevel2 | kLogFixed})
      for (uint32_t size : {2u, 100u, 1000u, 20000u}) {
        const ProgramInput program = random_program(seed);
        const test::HostAnswer host = test::host_load(program, level, size);
        Options options;
        options.log_level = level;
        options.log_size = size;
        const Verdict ours = verify(program, **profile, fds, options);
        ASSERT_EQ(host.err, ours.log_truncated ? ENOSPC : ours.err)
            << seed << ' ' << level << ' ' << size;
        ASSERT_EQ(host.log, ours.log) << seed << ' ' << level << ' ' << size;
        truncated += ours.log_truncated;
      }
  EXPECT_GT(truncated, 300);
}

}  // namespace
}  // namespace drydock::verifier
