// SPDX-License-Identifier: Apache-2.0
// The running kernel's side of register_questions.h: maps, BTF and programs made by bpf(2).
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "answers/register_questions.h"
#include "answers/host_bpf.h"

namespace drydock::testing {
namespace {

enum Command { kMapCreate = 0, kMapUpdate = 2, kBtfLoad = 18, kMapFreeze = 22 };

// Parts of union bpf_attr, written down here because the system's header may be older than the
// kernel.
struct MapCreateAttr {
  uint32_t map_type, key_size, value_size, max_entries, map_flags, inner_map_fd, numa_node;
  char map_name[16];
  uint32_t map_ifindex, btf_fd, btf_key_type_id, btf_value_type_id;
};
struct MapElementAttr {
  uint32_t map_fd, pad;
  uint64_t key, value, flags;
};
struct BtfLoadAttr {
  uint64_t btf, btf_log_buf;
  uint32_t btf_size, btf_log_size, btf_log_level;
};
struct ProgLoadAttr {
  uint32_t prog_type, insn_cnt;
  uint64_t insns, license;
  uint32_t log_level, log_size;
  uint64_t log_buf;
  uint32_t kern_version, prog_flags;
  char prog_name[16];
  uint32_t prog_ifindex, expected_attach_type, prog_btf_fd, func_info_rec_size;
  uint64_t func_info;
  uint32_t func_info_cnt, line_info_rec_size;
};

uint64_t address(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

template <class Attr>
long bpf(Command command, Attr& attr) {
  long result;
  do {
    result = syscall(SYS_bpf, command, &attr, sizeof attr);
  } while (result < 0 && errno == EAGAIN);
  return result;
}

int create_map(const RegisterMap& map, const RegisterBtf& btf, int btf_fd, int inner) {
  MapCreateAttr attr{};
  attr.map_type = static_cast<uint32_t>(map.type);
  attr.key_size = map.key_size;
  attr.value_size = map.value_size;
  attr.max_entries = map.max_entries;
  attr.map_flags = map.flags;
  std::strncpy(attr.map_name, map.word, sizeof attr.map_name - 1);
  if (map.type == MapType::kArrayOfMaps) attr.inner_map_fd = static_cast<uint32_t>(inner);
  if (map.btf != RegisterMap::kNone) {
    attr.btf_fd = static_cast<uint32_t>(btf_fd);
    attr.btf_key_type_id = btf.number;
    attr.btf_value_type_id = map.btf == RegisterMap::kFields ? btf.fields : btf.number + 1;
  }
  return static_cast<int>(bpf(kMapCreate, attr));
}

bool fill_and_freeze(int fd) {
  const uint32_t key = 0;
  MapElementAttr element{static_cast<uint32_t>(fd), 0, address(&key), address(kFrozenText), 0};
  if (bpf(kMapUpdate, element) < 0) return false;
  MapElementAttr frozen{static_cast<uint32_t>(fd), 0, 0, 0, 0};
  return syscall(SYS_bpf, kMapFreeze, &frozen, sizeof(uint32_t)) == 0;
}

}  // namespace

RegisterHost::RegisterHost(const Profile& profile) : btf_(register_btf()) {
  why_ = host_unavailable();
  if (!why_.empty()) return;
  find_variables(*profile.btf(), &names_);
  BtfLoadAttr attr{address(btf_.bytes.data()), 0, static_cast<uint32_t>(btf_.bytes.size()), 0, 0};
  btf_fd_ = static_cast<int>(bpf(kBtfLoad, attr));
  if (btf_fd_ < 0) why_ = std::string("BPF_BTF_LOAD: ") + std::strerror(errno);
  for (const RegisterMap& map : register_maps()) {
    if (!why_.empty()) return;
    const int fd = create_map(map, btf_, btf_fd_, names_.map_fds.empty() ? -1 : names_.map_fds[0]);
    if (fd < 0) why_ = std::string("map ") + map.word + ": " + std::strerror(errno);
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
  for (uint32_t start : program.functions) func_info.insert(func_info.end(), {start, btf_.function});
  std::string log(256 * 1024, '\0');
  ProgLoadAttr attr{};
  attr.prog_type = static_cast<uint32_t>(ProgramType::kSchedCls);
  attr.insn_cnt = static_cast<uint32_t>(program.insns.size());
  attr.insns = address(program.insns.data());
  attr.license = address("GPL");
  attr.log_level = 1;
  attr.log_size = static_cast<uint32_t>(log.size());
  attr.log_buf = address(log.data());
  attr.prog_btf_fd = static_cast<uint32_t>(btf_fd_);
  attr.func_info_rec_size = 8;
  attr.func_info = address(func_info.data());
  attr.func_info_cnt = static_cast<uint32_t>(program.functions.size());
  const long fd = load_within_limit(&attr, sizeof attr);
  if (fd >= 0) {
    close(static_cast<int>(fd));
    return "ok";
  }
  log.resize(std::strlen(log.c_str()));
  return std::string(final_line(log));
}

}  // namespace drydock::testing
