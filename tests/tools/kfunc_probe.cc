// SPDX-License-Identifier: Apache-2.0
// Fills the table of kfunc calls (tests/verifier/kfunc_table.h) on the running kernel, as root.
// Self-contained, so that it can be linked statically and run as the only program of a VM:
//   g++ -std=c++23 -static -DFMT_HEADER_ONLY -I. tests/tools/kfunc_probe.cc kernel/btf.cc \
//       kernel/btf_format.cc kernel/uapi.cc
// A line an answer: kfunc, arguments, programs that got it (bit n: site n), errno, the log.
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

#include "tests/verifier/kfunc_table.h"

namespace drydock::kfunc_table {
namespace {

std::vector<std::byte> read_file(const char* path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<char> text{std::istreambuf_iterator<char>(in), {}};
  std::vector<std::byte> bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

struct Answer {
  int err = 0;
  std::string log;
  auto operator<=>(const Answer&) const = default;
};

Answer load(const Btf& btf, const Site& site, const std::vector<isa::Insn>& code) {
  static char log[1 << 20];
  log[0] = 0;
  bpf_attr attr;
  std::memset(&attr, 0, sizeof attr);
  attr.prog_type = static_cast<uint32_t>(site.type);
  attr.expected_attach_type = static_cast<uint32_t>(site.attach);
  attr.insns = reinterpret_cast<uint64_t>(code.data());
  attr.insn_cnt = static_cast<uint32_t>(code.size());
  attr.license = reinterpret_cast<uint64_t>("GPL");
  attr.log_buf = reinterpret_cast<uint64_t>(log);
  attr.log_size = sizeof log;
  attr.log_level = 4;
  attr.prog_flags = site.sleepable ? BPF_F_SLEEPABLE : 0;
  if (!site.target.empty()) attr.attach_btf_id = btf.find(site.target, site.target_kind);
  long fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr);
  int err = fd < 0 ? errno : 0;
  if (fd >= 0) close(static_cast<int>(fd));
  return {err, answer_of(log)};
}

int run(int argc, char** argv) {
  auto btf = Btf::parse(read_file("/sys/kernel/btf/vmlinux"), "vmlinux");
  std::ifstream names(argc > 1 ? argv[1] : "/kfuncs.txt");
  if (!btf || !names) return 1;
  for (std::string name; std::getline(names, name);) {
    uint32_t id = (*btf)->find(name, BtfKind::kFunc);
    if (!id) continue;
    for (char pattern : kPatterns) {
      std::map<Answer, uint64_t> answers;
      std::vector<isa::Insn> code = program(**btf, id, pattern);
      for (size_t i = 0; i < std::size(kSites); ++i)
        answers[load(**btf, kSites[i], code)] |= uint64_t{1} << i;
      for (const auto& [answer, sites] : answers)
        std::printf("%s\t%c\t%llx\t%d\t%s\n", name.c_str(), pattern,
                    static_cast<unsigned long long>(sites), answer.err, answer.log.c_str());
    }
  }
  return 0;
}

}  // namespace
}  // namespace drydock::kfunc_table

int main(int argc, char** argv) { return drydock::kfunc_table::run(argc, argv); }
