// SPDX-License-Identifier: Apache-2.0
// The running kernel's side of register_questions.h: maps, BTF and programs made by bpf(2).
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "answers/host_bpf.h"
#include "answers/register_questions.h"

namespace drydock::testing {
namespace {

int create_map(const RegisterMap& map, const RegisterBtf& btf, int btf_fd, int inner) {
  attr::MapCreate attr{};
  attr.map_type = static_cast<uint32_t>(map.type);
  attr.key_size = map.key_size;
  attr.value_size = map.value_size;
  attr.max_entries = map.max_entries;
  attr.map_flags = map.flags;
  test::copy_name(attr.map_name, map.word);
  if (map.type == MapType::kArrayOfMaps) attr.inner_map_fd = inner;
  if (map.btf != RegisterMap::kNone) {
    attr.btf_fd = btf_fd;
    attr.btf_key_type_id = btf.number;
    attr.btf_value_type_id = map.btf == RegisterMap::kFields ? btf.fields : btf.number + 1;
  }
  return host_call(BpfCommand::kMapCreate, attr);
}

bool fill_and_freeze(int fd) {
  const uint32_t key = 0;
  attr::MapElement element{
      .map_fd = fd, .key = address(&key), .value = address(kFrozenText), .flags = 0};
  if (host_call(BpfCommand::kMapUpdateElem, element) < 0) return false;
  return host_call(BpfCommand::kMapFreeze, fd) == 0;
}

}  // namespace

RegisterHost::RegisterHost(const Profile& profile) : btf_(register_btf()) {
  why_ = host_unavailable();
  if (!why_.empty()) return;
  find_variables(*profile.btf(), &names_);
  attr::BtfLoad attr{.btf = address(btf_.bytes.data()),
                     .btf_size = static_cast<uint32_t>(btf_.bytes.size())};
  btf_fd_ = host_call(BpfCommand::kBtfLoad, attr);
  if (btf_fd_ < 0) why_ = std::string("BPF_BTF_LOAD: ") + std::strerror(-btf_fd_);
  for (const RegisterMap& map : register_maps()) {
    if (!why_.empty()) return;
    const int fd = create_map(map, btf_, btf_fd_, names_.map_fds.empty() ? -1 : names_.map_fds[0]);
    if (fd < 0) why_ = std::string("map ") + map.word + ": " + std::strerror(-fd);
    names_.map_fds.push_back(fd);
    if (fd >= 0 && map.word == std::string_view(kFrozenMap) && !fill_and_freeze(fd))
      why_ = std::string("frozen map: ") + std::strerror(errno);
  }
}

RegisterHost::~RegisterHost() {
  for (int fd : names_.map_fds)
    if (fd >= 0) close(fd);
  if (btf_fd_ >= 0) close(btf_fd_);
}

std::string RegisterHost::ask(const RegisterProgram& program) const {
  std::vector<uint32_t> func_info;
  for (uint32_t start : program.functions)
    func_info.insert(func_info.end(), {start, btf_.function});
  std::string log(256 * 1024, '\0');
  attr::ProgLoad attr{};
  attr.prog_type = static_cast<uint32_t>(ProgramType::kSchedCls);
  attr.insn_cnt = static_cast<uint32_t>(program.insns.size());
  attr.insns = address(program.insns.data());
  attr.license = address("GPL");
  attr.log_level = 1;
  attr.log_size = static_cast<uint32_t>(log.size());
  attr.log_buf = address(log.data());
  attr.prog_btf_fd = btf_fd_;
  attr.func_info_rec_size = 8;
  attr.func_info = address(func_info.data());
  attr.func_info_cnt = static_cast<uint32_t>(program.functions.size());
  const int fd = load_within_limit(attr);
  if (fd >= 0) {
    close(fd);
    return "ok";
  }
  log.resize(std::strlen(log.c_str()));
  return std::string(final_line(log));
}

}  // namespace drydock::testing
