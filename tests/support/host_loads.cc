// SPDX-License-Identifier: Apache-2.0
#include "tests/support/host_loads.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "emulator/syscall/attr.h"
#include "emulator/syscall/kernel.h"
#include "maps/map.h"
#include "verifier/diagnose.h"

namespace drydock::test {
namespace {

constexpr size_t kLogBytes = 16u << 20;
constexpr int kNoDescriptor = 1 << 24;  // above the limit of descriptors of any process

void parse_statistics(const std::string& log, HostAnswer& a) {
  size_t at = log.rfind("processed ");
  if (at == std::string::npos) return;
  unsigned long insns = 0;
  unsigned most = 0, total = 0, peak = 0;
  int read = std::sscanf(
      log.c_str() + at,
      "processed %lu insns (limit %*u) max_states_per_insn %u total_states %u peak_states %u",
      &insns, &most, &total, &peak);
  if (read != 4) return;
  a.verifier_spoke = true;
  a.insns_processed = insns;
  a.max_states_per_insn = most;
  a.total_states = total;
  a.peak_states = peak;
  if (size_t time = log.rfind("verification time "); time != std::string::npos)
    a.duration_us = std::strtoull(log.c_str() + time + 18, nullptr, 10);
  if (size_t depth = log.rfind("stack depth "); depth != std::string::npos)
    for (const char* p = log.c_str() + depth + 12; *p && *p != '\n';) {
      char* end = nullptr;
      a.stack_depth += static_cast<uint32_t>(std::strtoul(p, &end, 10));
      if (end == p) break;
      p = *end == '+' ? end + 1 : end;
    }
}

}  // namespace

Result<int> HostLoads::btf_fd(const std::shared_ptr<const Btf>& btf) {
  if (auto known = btfs_.find(btf.get()); known != btfs_.end()) return known->second->get();
  attr::BtfLoad load = {};
  load.btf = address(btf->bytes().data());
  load.btf_size = static_cast<uint32_t>(btf->bytes().size());
  int fd = host_call(BpfCommand::kBtfLoad, load);
  if (fd < 0)
    return std::unexpected(Error{ErrorKind::kMalformed, "the kernel refuses the program's BTF",
                                 -fd});
  btfs_[btf.get()] = std::make_shared<HostFd>(fd);
  return fd;
}

Result<int> HostLoads::map_fd(const std::shared_ptr<MapObject>& object) {
  Map& m = *object->map;
  // The first program to use a prog array decides which others may: each program gets its own.
  auto& made = m.type == MapType::kProgArray ? arrays_ : maps_;
  if (auto known = made.find(&m); known != made.end()) return known->second->get();
  attr::MapCreate create = {};
  create.map_type = static_cast<uint32_t>(m.type);
  create.key_size = m.key_size;
  create.value_size = m.value_size;
  create.max_entries = m.max_entries;
  create.map_flags = m.map_flags;
  create.map_extra = m.type == MapType::kArena ? m.arena_user_start : m.map_extra;
  copy_name(create.map_name, m.name);
  std::shared_ptr<HostFd> inner;
  if (m.inner) {
    attr::MapCreate t = {};
    t.map_type = static_cast<uint32_t>(m.inner->type);
    t.key_size = m.inner->key_size;
    t.value_size = m.inner->value_size;
    t.max_entries = m.inner->max_entries;
    t.map_flags = m.inner->map_flags;
    if (m.inner->btf && m.inner->btf_value_type_id) {
      auto btf = btf_fd(m.inner->btf);
      if (!btf) return btf;
      t.btf_fd = *btf;
      t.btf_key_type_id = m.inner->btf_key_type_id;
      t.btf_value_type_id = m.inner->btf_value_type_id;
    }
    int fd = host_call(BpfCommand::kMapCreate, t);
    if (fd < 0)
      return std::unexpected(Error{ErrorKind::kMalformed,
                                   "the kernel refuses the inner map of `" + m.name + "`", -fd});
    inner = std::make_shared<HostFd>(fd);
    create.inner_map_fd = fd;
  }
  if (m.btf && m.btf_value_type_id) {
    auto btf = btf_fd(m.btf);
    if (!btf) return btf;
    create.btf_fd = *btf;
    create.btf_key_type_id = m.btf_key_type_id;
    create.btf_value_type_id = m.btf_value_type_id;
  }
  int fd = host_call(BpfCommand::kMapCreate, create);
  if (fd < 0)
    return std::unexpected(Error{ErrorKind::kMalformed, "the kernel refuses map `" + m.name + "`",
                                 -fd});
  made[&m] = std::make_shared<HostFd>(fd);
  if (m.frozen && m.max_entries == 1) {
    // A frozen map's contents are constants to the verifier.
    uint32_t zero = 0;
    std::vector<std::byte> value(m.value_size);
    m.user_lookup(std::as_bytes(std::span(&zero, 1)), value, 0);
    attr::MapElement element = {
        .map_fd = fd, .key = address(&zero), .value = address(value.data()), .flags = 0};
    host_call(BpfCommand::kMapUpdateElem, element);
    host_call(BpfCommand::kMapFreeze, fd);
  }
  return fd;
}

Result<HostAnswer> HostLoads::load(const ProgramObject& program, uint32_t log_level) {
  const ProgramInput& in = program.input;
  arrays_.clear();
  std::vector<isa::Insn> insns = in.insns;
  std::vector<int> fds = in.fd_array;
  auto host_fd = [&](int fd) -> Result<int> {
    auto entry = program.fds->entries.find(fd);
    // What is no descriptor of the program's must be none of this process either.
    if (entry == program.fds->entries.end()) return fd < 0 ? fd : kNoDescriptor + fd;
    if (entry->second.map) return map_fd(entry->second.map);
    if (entry->second.btf && !entry->second.btf->kernel()) return btf_fd(entry->second.btf->btf);
    return fd;
  };
  for (size_t i = 0; i + 1 < insns.size(); ++i) {
    if (!isa::is_ld_imm64(insns[i])) continue;
    if (insns[i].src == isa::kPseudoMapFd || insns[i].src == isa::kPseudoMapValue) {
      auto fd = host_fd(insns[i].imm);
      if (!fd) return std::unexpected(fd.error());
      insns[i].imm = *fd;
    }
    if (insns[i].src == isa::kPseudoBtfId && insns[i + 1].imm) {
      auto fd = host_fd(insns[i + 1].imm);
      if (!fd) return std::unexpected(fd.error());
      insns[i + 1].imm = *fd;
    }
    ++i;
  }
  for (int& fd : fds) {
    auto mapped = host_fd(fd);
    if (!mapped) return std::unexpected(mapped.error());
    fd = *mapped;
  }
  attr::ProgLoad load = {};
  load.prog_type = static_cast<uint32_t>(in.type);
  load.expected_attach_type = static_cast<uint32_t>(in.expected_attach_type);
  load.prog_flags = in.flags;
  load.insns = address(insns.data());
  load.insn_cnt = static_cast<uint32_t>(insns.size());
  load.license = address(in.license.c_str());
  copy_name(load.prog_name, in.name);
  if (in.btf && (!in.func_info.empty() || !in.line_info.empty())) {
    auto btf = btf_fd(in.btf);
    if (!btf) return std::unexpected(btf.error());
    load.prog_btf_fd = *btf;
    load.func_info = address(in.func_info.data());
    load.func_info_cnt = static_cast<uint32_t>(in.func_info.size());
    load.func_info_rec_size = sizeof(FuncInfo);
    load.line_info = address(in.line_info.data());
    load.line_info_cnt = static_cast<uint32_t>(in.line_info.size());
    load.line_info_rec_size = sizeof(LineInfo);
  }
  load.attach_btf_id = in.attach_btf_id;
  load.fd_array = address(fds.data());
  log_.resize(kLogBytes);
  log_[0] = 0;
  load.log_level = log_level;
  load.log_buf = address(log_.data());
  load.log_size = kLogBytes;
  int fd = host_call(BpfCommand::kProgLoad, load);
  if (fd >= 0) close(fd);
  HostAnswer a{.accepted = fd >= 0, .err = fd < 0 ? -fd : 0};
  a.log = log_.data();
  parse_statistics(a.log, a);
  if (!a.accepted) a.message = verifier::final_error_line(a.log);
  return a;
}

}  // namespace drydock::test
