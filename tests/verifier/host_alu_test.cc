// SPDX-License-Identifier: Apache-2.0
// Random arithmetic against the running kernel: verdict, errno, and every line of the log at level 2,
// which holds the abstract state after each instruction, the walk's order, where it pruned, and the
// counts at the end.
#include <gtest/gtest.h>

#include "host_kernel.h"
#include "kernel/profile.h"
#include "random_program.h"
#include "verifier/verify.h"

namespace drydock::verifier {
namespace {

class NoDescriptors final : public FdTable {
 public:
  std::shared_ptr<const MapInfo> map(int, int* err) override {
    *err = EBADF;
    return nullptr;
  }
  std::shared_ptr<const Btf> btf(int, int* err) override {
    *err = EBADF;
    return nullptr;
  }
};

/// The first line in which they differ, of each, and the line before.
std::string first_difference(std::string_view a, std::string_view b) {
  size_t start = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()) && a[i] == b[i]; ++i)
    if (a[i] == '\n') start = i + 1;
  const auto line = [start](std::string_view s) { return s.substr(std::min(start, s.size())).substr(0, s.substr(std::min(start, s.size())).find('\n')); };
  std::string_view before = a.substr(0, start ? start - 1 : 0);
  before.remove_prefix(before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1);
  return "after:  " + std::string(before) + "\nkernel: " + std::string(line(a)) +
         "\nours:   " + std::string(line(b));
}

TEST(HostAlu, LogsAgreeLineByLine) {
  if (auto why = test::host_unavailable()) GTEST_SKIP() << *why;
  const auto profile = Profile::load("host");
  if (!profile) GTEST_SKIP() << "skipped: " << profile.error().message;
  constexpr uint64_t kPrograms = 3000;
  NoDescriptors fds;
  uint64_t accepted = 0, differ = 0;
  for (uint64_t seed = 1; seed <= kPrograms && differ < 5; ++seed) {
    ProgramInput program;
    program.type = ProgramType::kSocketFilter;
    program.license = "GPL";
    program.insns = test::RandomProgram(seed).generate();
    const test::HostAnswer host = test::host_load(program, kLogLevel2);
    Options options;
    options.log_level = kLogLevel2;
    const Verdict ours = verify(program, **profile, fds, options);
    accepted += host.err == 0;
    const bool same = ours.err == host.err && ours.log == host.log &&
                      (host.err == 0) == (ours.kind == VerdictKind::kAccepted);
    if (same) continue;
    ++differ;
    ADD_FAILURE() << "seed " << seed << ": kernel errno " << host.err << ", ours " << ours.err << "\n"
                  << first_difference(host.log, ours.log);
  }
  // Were most of them refused at once, the test would show little.
  EXPECT_GT(accepted, kPrograms / 10);
}

}  // namespace
}  // namespace drydock::verifier
