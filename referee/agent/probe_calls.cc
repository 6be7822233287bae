// SPDX-License-Identifier: Apache-2.0
#include "referee/agent/probe_calls.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "base/file.h"
#include "emulator/cases/values.h"
#include "kernel/uapi.h"
#include "verifier/log_lines.h"

namespace drydock::agent {
namespace {

using referee::CallsRequest;
using referee::Json;

constexpr uint32_t kLogBytes = 64u << 10;
constexpr int kPackLevel = 6;

std::string load(const CallsRequest& r, const std::vector<bpf_insn>& insns) {
  LIBBPF_OPTS(bpf_prog_load_opts, options);
  std::string log(kLogBytes, '\0');
  options.expected_attach_type = static_cast<bpf_attach_type>(r.attach_type);
  options.prog_flags = r.flags;
  options.attach_btf_id = r.attach_btf_id;
  options.log_level = 1;
  options.log_buf = log.data();
  options.log_size = kLogBytes;
  options.attempts = 5;
  int fd = bpf_prog_load(static_cast<bpf_prog_type>(r.type), nullptr, "GPL", insns.data(),
                         insns.size(), &options);
  if (fd >= 0) {
    close(fd);
    return "";
  }
  std::string line = verifier::final_error_line(log.c_str());
  return line.empty() ? "errno " + std::to_string(-fd) : line;
}

std::vector<bpf_insn> program(const CallsRequest& r, const uint32_t* function) {
  constexpr uint8_t kPseudoKfuncCall = 2;
  std::vector<bpf_insn> insns;
  if (function)
    insns.push_back({.code = BPF_JMP | BPF_CALL,
                     .dst_reg = 0,
                     .src_reg = r.kfuncs ? kPseudoKfuncCall : uint8_t{0},
                     .off = 0,
                     .imm = static_cast<int32_t>(*function)});
  insns.push_back({.code = BPF_ALU64 | BPF_MOV | BPF_K,
                   .dst_reg = 0,
                   .src_reg = 0,
                   .off = 0,
                   .imm = r.returns});
  insns.push_back({.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0});
  return insns;
}

/// An arena takes 4 GB of addresses and their tables, for which a machine may be too small: that is
/// no no.
bool too_large_here(MapType type) {
  if (type != MapType::kArena) return false;
  LIBBPF_OPTS(bpf_map_create_opts, options);
  options.map_flags = BPF_F_MMAPABLE;
  int fd = bpf_map_create(BPF_MAP_TYPE_ARENA, nullptr, 0, 0, 1, &options);
  if (fd >= 0) close(fd);
  return fd == -ENOMEM;
}

}  // namespace

Json try_calls(const CallsRequest& request) {
  std::map<std::string, size_t> known;
  Json messages = Json::array(), answers = Json::array();
  for (uint32_t function : request.functions) {
    std::string message = load(request, program(request, &function));
    auto [at, fresh] = known.try_emplace(message, known.size());
    if (fresh) messages.push_back(message);
    answers.push_back(at->second);
  }
  return {{"base", load(request, program(request, nullptr))},
          {"messages", messages},
          {"answers", answers}};
}

Json creatable_maps() {
  Json types = Json::array();
  for (MapType type : all_map_types()) {
    // A struct_ops map is of a struct that not every kernel has first; its programs came with it.
    bool there = type == MapType::kStructOps
                     ? libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_STRUCT_OPS, nullptr) > 0
                     : libbpf_probe_bpf_map_type(static_cast<bpf_map_type>(type), nullptr) > 0;
    there = there || too_large_here(type);
    if (there) types.push_back(static_cast<uint32_t>(type));
  }
  return types;
}

std::string packed_symbols() {
  auto text = read_text_file("/proc/kallsyms");
  std::string lines;
  for (std::string_view rest = text ? std::string_view(*text) : std::string_view();
       !rest.empty();) {
    size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    size_t blank = line.find(' ');
    if (blank == line.npos || line.find('\t') != line.npos) continue;
    lines.append(line.substr(blank + 1)).append("\n");
  }
  std::vector<std::byte> packed(ZSTD_compressBound(lines.size()));
  size_t size = ZSTD_compress(packed.data(), packed.size(), lines.data(), lines.size(), kPackLevel);
  packed.resize(ZSTD_isError(size) ? 0 : size);
  return cases::hex_of(packed);
}

}  // namespace drydock::agent
