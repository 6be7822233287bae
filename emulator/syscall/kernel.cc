// SPDX-License-Identifier: Apache-2.0
#include "emulator/syscall/kernel.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "emulator/syscall/cgroup.h"
#include "emulator/syscall/commands.h"

namespace drydock {
namespace {

using namespace syscall_impl;

struct CommandRow {
  BpfCommand id;
  const char* name;
  size_t known;  // bytes of the attributes up to the end of the last field it knows (CHECK_ATTR)
  Function run;  // null: not modelled
};

#define UNTIL(type, field) (offsetof(type, field) + sizeof(type::field))
using enum BpfCommand;
using namespace attr;
constexpr CommandRow kCommands[] = {
    {kMapCreate, "BPF_MAP_CREATE", UNTIL(MapCreate, excl_prog_hash_size), map_create},
    {kMapLookupElem, "BPF_MAP_LOOKUP_ELEM", UNTIL(MapElement, flags), map_lookup},
    {kMapUpdateElem, "BPF_MAP_UPDATE_ELEM", UNTIL(MapElement, flags), map_update},
    {kMapDeleteElem, "BPF_MAP_DELETE_ELEM", UNTIL(MapElement, key), map_delete},
    {kMapGetNextKey, "BPF_MAP_GET_NEXT_KEY", UNTIL(MapElement, value), map_next_key},
    {kProgLoad, "BPF_PROG_LOAD", UNTIL(ProgLoad, keyring_id), prog_load},
    {kObjPin, "BPF_OBJ_PIN", UNTIL(Object, path_fd), obj_pin},
    {kObjGet, "BPF_OBJ_GET", UNTIL(Object, path_fd), obj_get},
    {kProgAttach, "BPF_PROG_ATTACH", UNTIL(Attach, expected_revision), prog_attach},
    {kProgDetach, "BPF_PROG_DETACH", UNTIL(Attach, expected_revision), prog_detach},
    {kProgTestRun, "BPF_PROG_TEST_RUN", UNTIL(TestRun, batch_size), prog_test_run},
    {kProgGetNextId, "BPF_PROG_GET_NEXT_ID", UNTIL(ById, next_id), prog_next_id},
    {kMapGetNextId, "BPF_MAP_GET_NEXT_ID", UNTIL(ById, next_id), map_next_id},
    {kProgGetFdById, "BPF_PROG_GET_FD_BY_ID", UNTIL(ById, id), prog_fd_by_id},
    {kMapGetFdById, "BPF_MAP_GET_FD_BY_ID", UNTIL(ById, open_flags), map_fd_by_id},
    {kObjGetInfoByFd, "BPF_OBJ_GET_INFO_BY_FD", UNTIL(InfoByFd, info), obj_info},
    {kProgQuery, "BPF_PROG_QUERY", UNTIL(Query, revision), prog_query},
    {kRawTracepointOpen, "BPF_RAW_TRACEPOINT_OPEN", UNTIL(RawTracepoint, cookie),
     raw_tracepoint_open},
    {kBtfLoad, "BPF_BTF_LOAD", UNTIL(BtfLoad, token_fd), btf_load},
    {kBtfGetFdById, "BPF_BTF_GET_FD_BY_ID", UNTIL(ById, token_fd), btf_fd_by_id},
    {kTaskFdQuery, "BPF_TASK_FD_QUERY", kAttrSize, nullptr},
    {kMapLookupAndDeleteElem, "BPF_MAP_LOOKUP_AND_DELETE_ELEM", UNTIL(MapElement, flags),
     map_lookup_and_delete},
    {kMapFreeze, "BPF_MAP_FREEZE", UNTIL(MapElement, map_fd), map_freeze},
    {kBtfGetNextId, "BPF_BTF_GET_NEXT_ID", UNTIL(ById, next_id), btf_next_id},
    {kMapLookupBatch, "BPF_MAP_LOOKUP_BATCH", UNTIL(MapBatch, flags), map_lookup_batch},
    {kMapLookupAndDeleteBatch, "BPF_MAP_LOOKUP_AND_DELETE_BATCH", UNTIL(MapBatch, flags),
     map_lookup_and_delete_batch},
    {kMapUpdateBatch, "BPF_MAP_UPDATE_BATCH", UNTIL(MapBatch, flags), map_update_batch},
    {kMapDeleteBatch, "BPF_MAP_DELETE_BATCH", UNTIL(MapBatch, flags), map_delete_batch},
    {kLinkCreate, "BPF_LINK_CREATE", UNTIL(LinkCreate, uprobe_multi.pid), link_create},
    {kLinkUpdate, "BPF_LINK_UPDATE", UNTIL(LinkUpdate, old_prog_fd), link_update},
    {kLinkGetFdById, "BPF_LINK_GET_FD_BY_ID", UNTIL(ById, id), link_fd_by_id},
    {kLinkGetNextId, "BPF_LINK_GET_NEXT_ID", UNTIL(ById, next_id), link_next_id},
    {kEnableStats, "BPF_ENABLE_STATS", UNTIL(EnableStats, type), enable_stats},
    {kIterCreate, "BPF_ITER_CREATE", UNTIL(IterCreate, flags), iter_create},
    {kLinkDetach, "BPF_LINK_DETACH", UNTIL(LinkDetach, link_fd), link_detach},
    {kProgBindMap, "BPF_PROG_BIND_MAP", UNTIL(BindMap, flags), prog_bind_map},
    {kTokenCreate, "BPF_TOKEN_CREATE", 8, nullptr},
    {kProgStreamReadByFd, "BPF_PROG_STREAM_READ_BY_FD", 20, nullptr},
};
#undef UNTIL
constexpr bool in_order() {
  for (size_t i = 0; i < std::size(kCommands); ++i)
    if (static_cast<size_t>(kCommands[i].id) != i || kCommands[i].known > kAttrSize) return false;
  return true;
}
static_assert(in_order());

constexpr uint32_t kPage = 4096;

// Attributes longer than this kernel's: fine while the rest is zero, which is how a caller says
// that it does not use what this kernel lacks.
int64_t check_tail(const UserMemory& memory, uint64_t attr, uint32_t size) {
  if (size > kPage) return -E2BIG;
  if (size <= kAttrSize) return 0;
  std::vector<std::byte> tail(size - kAttrSize);
  if (!memory.read(attr + kAttrSize, tail.data(), tail.size())) return -EFAULT;
  return std::ranges::all_of(tail, [](std::byte b) { return b == std::byte{}; }) ? 0 : -E2BIG;
}

}  // namespace

namespace syscall_impl {

bool read_name(const char (&field)[attr::kNameLength], std::string& name) {
  std::string_view text(field, std::size(field));
  size_t end = text.find('\0');
  if (end == text.npos) return false;
  name = text.substr(0, end);
  // The kernel's isalnum() knows Latin-1.
  return std::ranges::all_of(name, [](unsigned char c) {
    bool ascii = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    return ascii || c == '_' || c == '.' || (c >= 0xc0 && c != 0xd7 && c != 0xf7);
  });
}

}  // namespace syscall_impl

Kernel::Kernel(std::shared_ptr<const Profile> profile, Settings settings)
    : profile_(std::move(profile)),
      settings_(std::move(settings)),
      root_cgroup_(std::make_shared<CgroupObject>("/", nullptr)),
      user_(std::make_unique<OwnMemory>()) {
  auto add = [this](std::shared_ptr<const Btf> btf) {
    auto object = std::make_shared<BtfObject>();
    object->btf = std::move(btf);
    descriptors_.publish(object);
    kernel_btf_.push_back(std::move(object));
  };
  add(profile_->btf());
  for (const auto& module : profile_->modules()) add(module);
}

std::shared_ptr<CgroupObject> Kernel::cgroup(std::string_view path) {
  std::shared_ptr<CgroupObject> at = root_cgroup_;
  while (!path.empty()) {
    size_t slash = std::min(path.find('/'), path.size());
    if (slash) at = at->shared_child(std::string(path.substr(0, slash)));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  if (!at->id) descriptors_.publish(at);
  return at;
}

int Kernel::open_cgroup(std::string_view path) { return descriptors_.open(cgroup(path), O_RDONLY); }

Kernel::~Kernel() {
  // Links hold programs, programs hold maps; whatever user space left open goes with the tables.
  pins.clear();
}

int64_t Kernel::bpf(uint32_t command, uint64_t attr, uint32_t size) {
  if (int64_t err = check_tail(*user_, attr, size)) return err;
  Call call{*this, attr, std::min<uint32_t>(size, kAttrSize)};
  if (!user_->read(attr, call.bytes.data(), call.size)) return -EFAULT;
  if (command >= std::size(kCommands)) return -EINVAL;
  const CommandRow& row = kCommands[command];
  auto rest = std::span(call.bytes).subspan(row.known);
  if (!std::ranges::all_of(rest, [](std::byte b) { return b == std::byte{}; })) return -EINVAL;
  if (!row.run) {
    note_unsupported(row.name);
    return -EINVAL;
  }
  return row.run(call);
}

void Kernel::close(int fd) {
  descriptors_.closing(fd);
  ::close(fd);
}

void Kernel::note_unsupported(std::string what) {
  if (std::ranges::find(unsupported_, what) == unsupported_.end())
    unsupported_.push_back(std::move(what));
}

Verdict Kernel::verify(const ProgramObject& program, const Options& options) const {
  return settings_.verifier(program.input, *profile_, *program.fds, options);
}

std::shared_ptr<BtfObject> Kernel::btf_object(const std::shared_ptr<const Btf>& btf) const {
  for (const auto& object : kernel_btf_)
    if (object->btf == btf) return object;
  return nullptr;
}

}  // namespace drydock
