// SPDX-License-Identifier: Apache-2.0
// The running kernel's side of kfunc_table.h.
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "answers/host_bpf.h"
#include "answers/kfunc_table.h"

namespace drydock::kfunc_table {
namespace {

constexpr int kMapCreate = 0;
constexpr uint32_t kLogStatistics = 4;

// Parts of union bpf_attr, written down here because the system's header may be older than the
// kernel.
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
  uint64_t line_info;
  uint32_t line_info_cnt, attach_btf_id;
};
struct MapCreateAttr {
  uint32_t map_type, key_size, value_size, max_entries, map_flags, inner_map_fd, numa_node;
  char map_name[16];
};

uint64_t address(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

int create_map(MapType type, const char* name, uint32_t key, uint32_t value, uint32_t entries) {
  MapCreateAttr attr{};
  attr.map_type = static_cast<uint32_t>(type);
  attr.key_size = key;
  attr.value_size = value;
  attr.max_entries = entries;
  std::strncpy(attr.map_name, name, sizeof attr.map_name - 1);
  return static_cast<int>(syscall(SYS_bpf, kMapCreate, &attr, sizeof attr));
}

}  // namespace

Loader host_loader(const Btf& btf) {
  return [&btf, log = std::string(size_t{1} << 20, '\0')](
             const Site& site, const std::vector<isa::Insn>& code) mutable -> Answer {
    log[0] = 0;
    ProgLoadAttr attr{};
    attr.prog_type = static_cast<uint32_t>(site.type);
    attr.expected_attach_type = static_cast<uint32_t>(site.attach);
    attr.insns = address(code.data());
    attr.insn_cnt = static_cast<uint32_t>(code.size());
    attr.license = address("GPL");
    attr.log_buf = address(log.data());
    attr.log_size = static_cast<uint32_t>(log.size());
    attr.log_level = kLogStatistics;
    attr.prog_flags = site.sleepable ? testing::kLoadSleepable : 0;
    if (!site.target.empty()) attr.attach_btf_id = btf.find(site.target, site.target_kind);
    long fd = testing::load_within_limit(&attr, sizeof attr);
    int err = fd < 0 ? errno : 0;
    if (fd >= 0) close(static_cast<int>(fd));
    return {err, answer_of(log.c_str())};
  };
}

Maps host_maps() {
  return {.array = create_map(MapType::kArray, "array", 4, 64, 1),
          .ringbuf = create_map(MapType::kRingbuf, "ringbuf", 0, 0, 4096)};
}

}  // namespace drydock::kfunc_table
