// SPDX-License-Identifier: Apache-2.0
// The running kernel's side of kfunc_table.h.
#include <unistd.h>

#include "answers/host_bpf.h"
#include "answers/kfunc_table.h"

namespace drydock::kfunc_table {
namespace {

constexpr uint32_t kLogStatistics = 4;

int create_map(MapType type, const char* name, uint32_t key, uint32_t value, uint32_t entries) {
  attr::MapCreate attr{};
  attr.map_type = static_cast<uint32_t>(type);
  attr.key_size = key;
  attr.value_size = value;
  attr.max_entries = entries;
  test::copy_name(attr.map_name, name);
  return test::host_call(BpfCommand::kMapCreate, attr);
}

}  // namespace

Loader host_loader(const Btf& btf) {
  return [&btf, log = std::string(size_t{1} << 20, '\0')](
             const Site& site, const std::vector<isa::Insn>& code) mutable -> Answer {
    log[0] = 0;
    attr::ProgLoad attr{};
    attr.prog_type = static_cast<uint32_t>(site.type);
    attr.expected_attach_type = static_cast<uint32_t>(site.attach);
    attr.insns = test::address(code.data());
    attr.insn_cnt = static_cast<uint32_t>(code.size());
    attr.license = test::address("GPL");
    attr.log_buf = test::address(log.data());
    attr.log_size = static_cast<uint32_t>(log.size());
    attr.log_level = kLogStatistics;
    attr.prog_flags = site.sleepable ? testing::kLoadSleepable : 0;
    if (!site.target.empty()) attr.attach_btf_id = btf.find(site.target, site.target_kind);
    const int fd = testing::load_within_limit(attr);
    if (fd >= 0) close(fd);
    return {fd < 0 ? -fd : 0, answer_of(log.c_str())};
  };
}

Maps host_maps() {
  return {.array = create_map(MapType::kArray, "array", 4, 64, 1),
          .ringbuf = create_map(MapType::kRingbuf, "ringbuf", 0, 0, 4096)};
}

}  // namespace drydock::kfunc_table
