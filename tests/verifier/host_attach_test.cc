// SPDX-License-Identifier: Apache-2.0
// Attach targets against the running kernel: functions and tracepoints of its BTF, asked as each
// kind of program that attaches by BTF, sleepable and not. Errno and the last line must be the
// kernel's. Where a kernel refuses such programs out of hand (EPERM), nothing can be compared.
#include <gtest/gtest.h>

#include <cstdlib>

#include "host_kernel.h"
#include "verifier/verify.h"

namespace drydock::verifier {
namespace {

using test::NoDescriptors;

struct Kind {
  ProgramType type;
  AttachType attach;
  uint32_t flags;
};
constexpr Kind kKinds[] = {
    {ProgramType::kTracing, AttachType::kTraceFentry, 0},
    {ProgramType::kTracing, AttachType::kTraceFexit, 0},
    {ProgramType::kTracing, AttachType::kTraceFentry, kProgSleepable},
    {ProgramType::kTracing, AttachType::kModifyReturn, 0},
    {ProgramType::kTracing, AttachType::kModifyReturn, kProgSleepable},
    {ProgramType::kTracing, AttachType::kTraceRawTp, 0},
    {ProgramType::kTracing, AttachType::kTraceIter, 0},
    {ProgramType::kLsm, AttachType::kLsmMac, 0},
    {ProgramType::kLsm, AttachType::kLsmMac, kProgSleepable},
    {ProgramType::kStructOps, static_cast<AttachType>(2), 0},
};

/// The reason, without the statistics behind it.
std::string last_line(const std::string& log) {
  std::string line;
  for (size_t start = 0; start < log.size();) {
    size_t end = log.find('\n', start);
    if (end == std::string::npos) end = log.size();
    std::string next = log.substr(start, end - start);
    start = end + 1;
    if (next.starts_with("processed ") || next.starts_with("verification time")) break;
    line = next;
  }
  return line;
}

TEST(HostAttach, TargetsAreTakenOrRefusedAlike) {
  if (auto why = test::host_unavailable(); !why.empty()) GTEST_SKIP() << "skipped: " << why;
  const auto profile = test::running_profile();
  if (!profile) GTEST_SKIP() << "skipped: " << profile.error().message;
  const std::shared_ptr<const Btf> btf = (*profile)->btf();
  NoDescriptors fds;
  const char* every = std::getenv("DRYDOCK_EVERY");  // 1: all functions; takes minutes
  const uint32_t stride = every ? static_cast<uint32_t>(std::atoi(every)) : 97;
  uint64_t compared = 0, differ = 0;
  for (uint32_t id = 1; id < btf->type_count() && differ < 20; ++id) {
    const BtfKind kind = btf->type(id)->kind();
    const bool hook = btf->name_of(id).starts_with("bpf_lsm_") ||
                      btf->name_of(id).starts_with("bpf_iter_") ||
                      btf->name_of(id).starts_with("btf_trace_");
    if (!hook && (id % stride || (kind != BtfKind::kFunc && kind != BtfKind::kStruct))) continue;
    for (const Kind& k : kKinds) {
      ProgramInput program;
      program.type = k.type;
      program.expected_attach_type = k.attach;
      program.flags = k.flags;
      program.attach_btf_id = id;
      program.attach_btf = btf;
      program.license = "GPL";
      program.insns = {{.code = 0xb7}, {.code = 0x95}};
      const test::HostAnswer host = test::host_load(program, kLogLevel1);
      if (host.err == EPERM) continue;
      Options options;
      options.log_level = kLogLevel1;
      const Verdict ours = verify(program, **profile, fds, options);
      ++compared;
      if (ours.err == host.err && last_line(ours.log) == last_line(host.log)) continue;
      ++differ;
      ADD_FAILURE() << btf->name_of(id) << " as " << name_of(k.type) << "/" << name_of(k.attach)
                    << (k.flags ? " sleepable" : "") << ":\nkernel " << host.err << " "
                    << last_line(host.log) << "\nours   " << ours.err << " " << last_line(ours.log);
    }
  }
  EXPECT_GT(compared, 1000u);
}

}  // namespace
}  // namespace drydock::verifier
