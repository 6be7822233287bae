// SPDX-License-Identifier: Apache-2.0
// Random loads and stores against the running kernel: verdict, errno and every line of the log at
// level 2 (states, order of the walk, pruning, precision, counts).
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <regex>

#include "host_kernel.h"
#include "log_difference.h"
#include "random_memory_program.h"
#include "verifier/verify.h"

namespace drydock::verifier {
namespace {

/// Two maps, known to the kernel and to us by the same descriptors.
class HostMaps final : public FdTable {
 public:
  HostMaps() {
    add(MapType::kArray, 4, test::kValueSize, 1);
    add(MapType::kHash, 8, test::kHashValueSize, 8);
  }
  ~HostMaps() override {
    for (auto& [fd, info] : maps_) close(fd);
  }
  int fd(MapType type) const {
    for (const auto& [fd, info] : maps_)
      if (info->type == type) return fd;
    return -1;
  }
  std::shared_ptr<const MapInfo> map(int fd, int* err) override {
    auto found = maps_.find(fd);
    if (found != maps_.end()) return found->second;
    *err = EBADF;
    return nullptr;
  }
  std::shared_ptr<const Btf> btf(int, int* err) override {
    *err = EBADF;
    return nullptr;
  }

 private:
  void add(MapType type, uint32_t key, uint32_t value, uint32_t entries) {
    attr::MapCreate attr{};
    attr.map_type = static_cast<uint32_t>(type);
    attr.key_size = key;
    attr.value_size = value;
    attr.max_entries = entries;
    const int fd = test::host_call(BpfCommand::kMapCreate, attr);
    if (fd < 0) return;
    auto info = std::make_shared<MapInfo>();
    info->type = type;
    info->key_size = key;
    info->value_size = value;
    info->max_entries = entries;
    maps_[fd] = info;
  }
  std::map<int, std::shared_ptr<MapInfo>> maps_;
};

/// Addresses of kernel objects differ from boot to boot.
std::string without_addresses(const std::string& log) {
  static const std::regex kAddress("(\\(18\\) r[0-9]+ = )0x[0-9a-f]+ *");
  return std::regex_replace(log, kAddress, "$1ADDRESS");
}

TEST(HostMemory, LogsAgreeLineByLine) {
  if (auto why = test::host_unavailable(); !why.empty()) GTEST_SKIP() << "skipped: " << why;
  const auto profile = test::running_profile();
  if (!profile) GTEST_SKIP() << "skipped: " << profile.error().message;
  HostMaps maps;
  const int array = maps.fd(MapType::kArray), hash = maps.fd(MapType::kHash);
  if (array < 0 || hash < 0) GTEST_SKIP() << "skipped: the kernel makes no maps for us";
  // DRYDOCK_SEED=n looks at one program and prints both logs.
  const char* only = std::getenv("DRYDOCK_SEED");
  const uint64_t first = only ? std::strtoull(only, nullptr, 10) : 1;
  const uint64_t programs = std::getenv("DRYDOCK_LONG") ? 6000 : 600;
  const uint64_t last = only ? first : programs;
  uint64_t accepted = 0, differ = 0;
  for (uint64_t seed = first; seed <= last && differ < 5; ++seed) {
    test::RandomMemoryProgram random(seed, array, hash);
    ProgramInput program;
    program.insns = random.generate();
    program.type = random.type();
    program.license = "GPL";
    if (program.type == ProgramType::kCgroupSockAddr)
      program.expected_attach_type = AttachType::kCgroupInet4Connect;
    const test::HostAnswer host = test::host_load(program, kLogLevel2);
    Options options;
    options.log_level = kLogLevel2;
    const Verdict ours = verify(program, **profile, maps, options);
    accepted += host.err == 0;
    const std::string kernel_log = without_addresses(host.log),
                      our_log = without_addresses(ours.log);
    if (only) std::printf("---- kernel\n%s\n---- ours\n%s\n", kernel_log.c_str(), our_log.c_str());
    if (ours.err == host.err && kernel_log == our_log &&
        (host.err == 0) == (ours.kind == VerdictKind::kAccepted))
      continue;
    ++differ;
    ADD_FAILURE() << "seed " << seed << " " << name_of(program.type) << ": kernel errno "
                  << host.err << ", ours " << ours.err << " (" << ours.message << ")\n"
                  << test::first_difference(kernel_log, our_log);
  }
  // Were most of them refused at once, the test would show little.
  if (!only) {
    EXPECT_GT(accepted, programs / 15);
  }
}

}  // namespace
}  // namespace drydock::verifier
