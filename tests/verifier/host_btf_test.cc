// SPDX-License-Identifier: Apache-2.0
// Random walks through the kernel's structs against the running kernel, with the BTF that it
// publishes: verdict, errno and every line of the log at level 2.
#include <gtest/gtest.h>

#include <cstdlib>

#include "host_kernel.h"
#include "log_difference.h"
#include "random_btf_program.h"
#include "verifier/verify.h"

namespace drydock::verifier {
namespace {

using test::NoDescriptors;

TEST(HostBtf, LogsAgreeLineByLine) {
  if (auto why = test::host_unavailable(); !why.empty()) GTEST_SKIP() << "skipped: " << why;
  const auto profile = test::running_profile();
  if (!profile) GTEST_SKIP() << "skipped: " << profile.error().message;
  const std::shared_ptr<const Btf> btf = (*profile)->btf();
  const std::vector<uint32_t> tracepoints = test::RandomBtfProgram::tracepoints_of(*btf);
  if (tracepoints.empty()) GTEST_SKIP() << "skipped: the kernel has no tracepoints";
  // DRYDOCK_SEED=n looks at one program and prints both logs.
  const char* only = std::getenv("DRYDOCK_SEED");
  const uint64_t first = only ? std::strtoull(only, nullptr, 10) : 1;
  const uint64_t programs = std::getenv("DRYDOCK_LONG") ? 10000 : 1000;
  const uint64_t last = only ? first : programs;
  NoDescriptors fds;
  uint64_t accepted = 0, differ = 0;
  for (uint64_t seed = first; seed <= last && differ < 5; ++seed) {
    test::RandomBtfProgram random(seed, *btf, tracepoints);
    ProgramInput program;
    program.insns = random.generate();
    program.type = ProgramType::kTracing;
    program.expected_attach_type = AttachType::kTraceRawTp;
    program.attach_btf_id = random.target();
    program.attach_btf = btf;
    program.license = "GPL";
    const test::HostAnswer host = test::host_load(program, kLogLevel2);
    Options options;
    options.log_level = kLogLevel2;
    const Verdict ours = verify(program, **profile, fds, options);
    accepted += host.err == 0;
    if (only) std::printf("---- kernel\n%s\n---- ours\n%s\n", host.log.c_str(), ours.log.c_str());
    if (ours.err == host.err && host.log == ours.log &&
        (host.err == 0) == (ours.kind == VerdictKind::kAccepted))
      continue;
    ++differ;
    ADD_FAILURE() << "seed " << seed << " " << btf->name_of(random.target()) << ": kernel errno "
                  << host.err << ", ours " << ours.err << " (" << ours.message << ")\n"
                  << test::first_difference(host.log, ours.log);
  }
  // Were most of them refused at once, the test would show little.
  if (!only) {
    EXPECT_GT(accepted, programs / 15);
  }
}

}  // namespace
}  // namespace drydock::verifier
