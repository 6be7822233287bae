// SPDX-License-Identifier: Apache-2.0
// Fills the table of kfunc calls (tests/verifier/kfunc_table.h) on the running kernel, as root.
// Self-contained, so that it can be linked statically and run as the only program of a VM:
//   g++ -std=c++23 -static -DFMT_HEADER_ONLY -I. tests/tools/kfunc_probe.cc kernel/btf.cc kernel/btf_format.cc kernel/uapi.cc
// A line an answer: kfunc, arguments, programs that got it (bit n: site n), errno, the log.
// With a second parameter "arguments" it fills the table of arguments instead.
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

int create_map(uint32_t type, uint32_t key, uint32_t value, uint32_t entries) {
  bpf_attr attr;
  std::memset(&attr, 0, sizeof attr);
  attr.map_type = type;
  attr.key_size = key;
  attr.value_size = value;
  attr.max_entries = entries;
  std::strcpy(attr.map_name, type == BPF_MAP_TYPE_ARRAY ? "array" : "ringbuf");
  return static_cast<int>(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr));
}

/// Every kfunc from every kind of program.
void ask_calls(const Btf& btf, const std::string& name, uint32_t id) {
  for (char pattern : kPatterns) {
    std::map<Answer, uint64_t> answers;
    std::vector<isa::Insn> code = program(btf, id, pattern);
    for (size_t i = 0; i < std::size(kSites); ++i)
      answers[load(btf, kSites[i], code)] |= uint64_t{1} << i;
    for (const auto& [answer, sites] : answers)
      std::printf("%s\t%c\t%llx\t%d\t%s\n", name.c_str(), pattern,
                  static_cast<unsigned long long>(sites), answer.err, answer.log.c_str());
  }
}

/// Every kind of register in every argument: kfunc, argument, sites, kinds, errno, log.
void ask_arguments(const Btf& btf, const std::string& name, uint32_t id, const Maps& maps) {
  auto params = static_cast<uint32_t>(btf.type(btf.type(id)->type())->params().size());
  for (uint32_t position = 0; position < params && position < 5; ++position) {
    std::map<std::pair<std::string, Answer>, std::string> sites;  // by kinds and answer
    for (std::string_view site : kArgumentSites) {
      std::map<Answer, std::string> answers;
      for (char kind : kRegisterKinds)
        answers[load(btf, site_named(site), program_with(btf, id, position, kind, maps))] += kind;
      for (const auto& [answer, kinds] : answers) {
        std::string& list = sites[{kinds, answer}];
        list += (list.empty() ? "" : ",") + std::string(site);
      }
    }
    for (const auto& [key, list] : sites) {
      const auto& [kinds, answer] = key;
      if (answer.log.find("is not allowed") != std::string::npos) continue;
      std::printf("%s\t%u\t%s\t%s\t%d\t%s\n", name.c_str(), position, list.c_str(),
                  kinds.c_str(), answer.err, answer.log.c_str());
    }
  }
}

int run(int argc, char** argv) {
  auto btf = Btf::parse(read_file("/sys/kernel/btf/vmlinux"), "vmlinux");
  std::ifstream names(argc > 1 ? argv[1] : "/kfuncs.txt");
  bool arguments = argc > 2 && std::string_view(argv[2]).ends_with("arguments");
  if (!btf || !names) return 1;
  Maps maps{.array = create_map(BPF_MAP_TYPE_ARRAY, 4, 64, 1),
            .ringbuf = create_map(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096)};
  for (std::string name; std::getline(names, name);) {
    uint32_t id = (*btf)->find(name, BtfKind::kFunc);
    if (!id) continue;
    if (arguments) ask_arguments(**btf, name, id, maps);
    else ask_calls(**btf, name, id);
  }
  return 0;
}

}  // namespace
}  // namespace drydock::kfunc_table

int main(int argc, char** argv) { return drydock::kfunc_table::run(argc, argv); }
