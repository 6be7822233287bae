// SPDX-License-Identifier: Apache-2.0
// BPF_OBJ_GET_INFO_BY_FD: what the kernel tells of an object. Structures grow with releases: the
// caller says how many bytes it knows, gets as many, and must have zeroes in what we do not know.
#include <algorithm>
#include <cerrno>

#include "emulator/syscall/commands.h"

namespace drydock::syscall_impl {
namespace {

struct ProgInfo {
  uint32_t type, id;
  uint8_t tag[8];
  uint32_t jited_prog_len, xlated_prog_len;
  uint64_t jited_prog_insns, xlated_prog_insns, load_time;
  uint32_t created_by_uid, nr_map_ids;
  uint64_t map_ids;
  char name[attr::kNameLength];
  uint32_t ifindex, gpl_compatible;
  uint64_t netns_dev, netns_ino;
  uint32_t nr_jited_ksyms, nr_jited_func_lens;
  uint64_t jited_ksyms, jited_func_lens;
  uint32_t btf_id, func_info_rec_size;
  uint64_t func_info;
  uint32_t nr_func_info, nr_line_info;
  uint64_t line_info, jited_line_info;
  uint32_t nr_jited_line_info, line_info_rec_size, jited_line_info_rec_size, nr_prog_tags;
  uint64_t prog_tags, run_time_ns, run_cnt, recursion_misses;
  uint32_t verified_insns, attach_btf_obj_id, attach_btf_id, pad;
};
static_assert(sizeof(ProgInfo) == 232);

struct MapInformation {
  uint32_t type, id, key_size, value_size, max_entries, map_flags;
  char name[attr::kNameLength];
  uint32_t ifindex, btf_vmlinux_value_type_id;
  uint64_t netns_dev, netns_ino;
  uint32_t btf_id, btf_key_type_id, btf_value_type_id, btf_vmlinux_id;
  uint64_t map_extra, hash;
  uint32_t hash_size, pad;
};
static_assert(sizeof(MapInformation) == 104);

struct BtfInfo {
  uint64_t btf;
  uint32_t btf_size, id;
  uint64_t name;
  uint32_t name_len, kernel_btf;
};
static_assert(sizeof(BtfInfo) == 32);

struct LinkInfo {
  uint32_t type, id, prog_id, pad;
  union {
    struct {
      uint64_t name;
      uint32_t name_len, pad;
      uint64_t cookie;
    } raw_tracepoint;
    struct {
      uint32_t attach_type, target_obj_id, target_btf_id, pad;
      uint64_t cookie;
    } tracing;
    struct {
      uint64_t cgroup_id;
      uint32_t attach_type;
    } cgroup;
    struct {
      uint64_t name;
      uint32_t name_len, map_id;
    } iter;
    uint32_t struct_ops_map_id;
    uint64_t words[6];
  };
};
static_assert(sizeof(LinkInfo) == 64);

void copy_name(char (&to)[attr::kNameLength], const std::string& name) {
  name.copy(to, sizeof to - 1);
}

class Answer {
 public:
  Answer(const Call& call, const attr::InfoByFd& a) : call_(call), a_(a) {}
  const UserMemory& memory() const { return call_.memory(); }

  // Takes the caller's bytes (some fields are questions).
  template <class Info>
  int64_t read(Info& info) {
    size_t known = std::min<size_t>(a_.info_len, sizeof info);
    if (a_.info_len > 4096) return -E2BIG;
    std::vector<std::byte> given(a_.info_len);
    if (!memory().read(a_.info, given.data(), given.size())) return -EFAULT;
    if (known) std::memcpy(&info, given.data(), known);
    return std::all_of(given.begin() + static_cast<long>(known), given.end(),
                       [](std::byte b) { return b == std::byte{}; })
               ? 0
               : -E2BIG;
  }
  template <class Info>
  int64_t write(const Info& info) {
    auto size = static_cast<uint32_t>(std::min<size_t>(a_.info_len, sizeof info));
    bool good = memory().write(a_.info, &info, size) &&
                memory().write(call_.user + offsetof(attr::InfoByFd, info_len), size);
    return good ? 0 : -EFAULT;
  }
  // An array that the caller gave room for: `count` says how much, and becomes how many there are.
  template <class Item>
  int64_t list(uint64_t address, uint32_t& count, const std::vector<Item>& items) {
    uint32_t room = count;
    count = static_cast<uint32_t>(items.size());
    if (!room || items.empty()) return 0;
    size_t n = std::min<size_t>(room, items.size());
    return memory().write(address, items.data(), n * sizeof(Item)) ? 0 : -EFAULT;
  }
  // A text with room for `length` bytes; -ENOSPC when it was cut.
  int64_t text(uint64_t address, uint32_t& length, const std::string& text) {
    if (!address != !length) return -EINVAL;
    uint32_t room = length;
    length = static_cast<uint32_t>(text.size()) + 1;
    if (!address) return 0;
    size_t n = std::min<size_t>(text.size(), room - 1);
    if (!memory().write(address, text.data(), n) || !memory().write(address + n, '\0'))
      return -EFAULT;
    return n < text.size() ? -ENOSPC : 0;
  }

 private:
  const Call& call_;
  const attr::InfoByFd& a_;
};

int64_t program_info(const Call& call, Answer& answer, const ProgramObject& program) {
  ProgInfo given{};
  if (int64_t err = answer.read(given)) return err;
  const ProgramInput& in = program.input;
  ProgInfo info{};
  info.type = static_cast<uint32_t>(in.type);
  info.id = program.id;
  std::ranges::copy(program.tag, info.tag);
  info.load_time = program.load_time_ns;
  info.created_by_uid = call.kernel.settings().uid;
  copy_name(info.name, in.name);
  info.gpl_compatible = program.gpl_compatible;
  info.btf_id = program.btf ? program.btf->id : 0;
  info.verified_insns = static_cast<uint32_t>(program.verdict.statistics.insns_processed);
  info.attach_btf_id = in.attach_btf_id;
  if (auto btf = in.attach_btf ? call.kernel.btf_object(in.attach_btf) : nullptr)
    info.attach_btf_obj_id = btf->id;
  if (program.target && program.target->btf) info.attach_btf_obj_id = program.target->btf->id;
  info.func_info_rec_size = sizeof(FuncInfo);
  info.line_info_rec_size = sizeof(LineInfo);
  info.map_ids = given.map_ids;
  info.nr_map_ids = given.nr_map_ids;
  info.func_info = given.func_info;
  info.nr_func_info = given.nr_func_info;
  info.line_info = given.line_info;
  info.nr_line_info = given.nr_line_info;
  std::vector<uint32_t> maps;
  for (const auto& map : program.maps) maps.push_back(map->id);
  if (int64_t err = answer.list(given.map_ids, info.nr_map_ids, maps)) return err;
  if (int64_t err = answer.list(given.func_info, info.nr_func_info, in.func_info)) return err;
  if (int64_t err = answer.list(given.line_info, info.nr_line_info, in.line_info)) return err;
  // The program as the kernel rewrote it does not exist here: said by name to whoever asks for it.
  if (given.xlated_prog_len || given.jited_prog_len)
    call.kernel.note_unsupported("bpf_prog_info: translated instructions");
  return answer.write(info);
}

int64_t map_info(Answer& answer, const MapObject& object, const Kernel& kernel) {
  MapInformation info{};
  if (int64_t err = answer.read(info)) return err;
  info = {};
  const Map& map = *object.map;
  info.type = static_cast<uint32_t>(map.type);
  info.id = object.id;
  info.key_size = map.key_size;
  info.value_size = map.value_size;
  info.max_entries = map.max_entries;
  info.map_flags = map.map_flags;
  info.map_extra = map.map_extra;
  copy_name(info.name, map.name);
  info.btf_key_type_id = map.btf_key_type_id;
  info.btf_value_type_id = map.btf_value_type_id;
  info.btf_vmlinux_value_type_id = map.btf_vmlinux_value_type_id;
  if (map.btf_vmlinux_value_type_id) info.btf_vmlinux_id = kernel.vmlinux_btf()->id;
  if (object.btf) info.btf_id = object.btf->id;
  return answer.write(info);
}

int64_t btf_info(Answer& answer, const BtfObject& object) {
  BtfInfo info{};
  if (int64_t err = answer.read(info)) return err;
  auto bytes = object.btf->bytes();
  size_t n = std::min<size_t>(info.btf_size, bytes.size());
  if (n && !answer.memory().write(info.btf, bytes.data(), n)) return -EFAULT;
  info.btf_size = static_cast<uint32_t>(bytes.size());
  info.id = object.id;
  info.kernel_btf = object.kernel();
  int64_t err = answer.text(info.name, info.name_len, object.btf->name());
  info.name_len = static_cast<uint32_t>(object.btf->name().size());
  if (err && err != -ENOSPC) return err;
  int64_t failed = answer.write(info);
  return failed ? failed : err;
}

int64_t link_info(Answer& answer, const LinkObject& link) {
  LinkInfo info{};
  if (int64_t err = answer.read(info)) return err;
  LinkInfo given = info;
  info = {};
  info.type = static_cast<uint32_t>(link.type);
  info.id = link.id;
  info.prog_id = link.program ? link.program->id : 0;
  int64_t err = 0;
  switch (link.type) {
    case LinkType::kRawTracepoint:
      info.raw_tracepoint = {given.raw_tracepoint.name, given.raw_tracepoint.name_len, 0,
                             link.cookie};
      err = answer.text(info.raw_tracepoint.name, info.raw_tracepoint.name_len, link.name);
      break;
    case LinkType::kTracing:
      info.tracing = {static_cast<uint32_t>(link.attach_type), link.target_object_id,
                      link.target_btf_id, 0, link.cookie};
      break;
    case LinkType::kCgroup:
      info.cgroup = {link.target ? link.target->id : 0, static_cast<uint32_t>(link.attach_type)};
      break;
    case LinkType::kIter:
      info.iter = {given.iter.name, given.iter.name_len, link.map ? link.map->id : 0};
      err = answer.text(info.iter.name, info.iter.name_len, link.name);
      break;
    case LinkType::kStructOps: info.struct_ops_map_id = link.map ? link.map->id : 0; break;
    default: break;
  }
  if (err && err != -ENOSPC) return err;
  int64_t failed = answer.write(info);
  return failed ? failed : err;
}

}  // namespace

int64_t obj_info(const Call& call) {
  auto a = call.as<attr::InfoByFd>();
  auto object = call.kernel.descriptors().find(a.bpf_fd);
  if (!object) return Descriptors::mode_of(a.bpf_fd) < 0 ? -EBADFD : -EINVAL;
  Answer answer(call, a);
  switch (object->kind) {
    case ObjectKind::kProgram:
      return program_info(call, answer, static_cast<ProgramObject&>(*object));
    case ObjectKind::kMap: return map_info(answer, static_cast<MapObject&>(*object), call.kernel);
    case ObjectKind::kBtf: return btf_info(answer, static_cast<BtfObject&>(*object));
    case ObjectKind::kLink: return link_info(answer, static_cast<LinkObject&>(*object));
    default: return -EINVAL;
  }
}

}  // namespace drydock::syscall_impl
