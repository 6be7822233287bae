// SPDX-License-Identifier: Apache-2.0
// Maps: creation, elements, batches, freezing. What a type of map allows is its row in
// maps/map_rows.h; this file has what holds for all of them, in the order in which the kernel
// looks.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "emulator/syscall/commands.h"
#include "kernel/btf_fields.h"

namespace drydock::syscall_impl {
namespace {

constexpr uint64_t kLock = 4;  // BPF_F_LOCK

// -- Creation

// One of O_RDWR, O_RDONLY, O_WRONLY of the creation and open flags, or -EINVAL.
int file_mode(uint32_t flags) {
  bool read_only = flags & kMapRdonly, write_only = flags & kMapWronly;
  if (read_only && write_only) return -EINVAL;
  return read_only ? O_RDONLY : write_only ? O_WRONLY : O_RDWR;
}

// What a kind of special field asks of the type of map is in the type's row.
int64_t check_record(const Call& call, const Map& map, const BtfRecord& record) {
  if (record.fields.empty()) return 0;
  if (!call.capabilities().bpf) return -EPERM;
  if (map.map_flags & (kMapRdonlyProg | kMapWronlyProg)) return -EACCES;
  if (record.kinds & ~map_row(map.type)->fields) return -EOPNOTSUPP;
  return 0;
}

bool is_int32(const Btf& btf, uint32_t id) {
  const BtfType* type = btf.type(id);
  return type && type->kind() == BtfKind::kInt && type->size() == 4 && type->int_offset() == 0 &&
         type->int_bits() == 32;
}

// Rules of single map types about the BTF of their keys.
int64_t check_key_type(const Map& map, const Btf& btf) {
  uint32_t key_id = 0;
  const BtfType* key = btf.skip_modifiers(map.btf_key_type_id, &key_id);
  const BtfType* value = btf.skip_modifiers(map.btf_value_type_id);
  switch (map.type) {
    case MapType::kArray:
      // The map of a data section has no key type.
      if (!key_id) return map.max_entries == 1 && value->kind() == BtfKind::kDatasec ? 0 : -EINVAL;
      [[fallthrough]];
    case MapType::kPercpuArray:
    case MapType::kSkStorage:
    case MapType::kInodeStorage:
    case MapType::kTaskStorage:
    case MapType::kCgrpStorage: return is_int32(btf, key_id) ? 0 : -EINVAL;
    case MapType::kLpmTrie: return key->kind() == BtfKind::kStruct ? 0 : -EINVAL;
    case MapType::kBloomFilter: return key_id ? -EINVAL : 0;
    case MapType::kArena: return 0;
    default: return key_id ? 0 : -EINVAL;
  }
}

int64_t check_map_types(const Call& call, Map& map, const BtfObject& object,
                        const attr::MapCreate& a) {
  const Btf& btf = *map.btf;
  if (a.btf_key_type_id) {
    auto size = btf.size_of(a.btf_key_type_id);
    if (!size || *size != map.key_size) return -EINVAL;
  }
  auto size = btf.size_of(a.btf_value_type_id);
  if (!size || *size != map.value_size) return -EINVAL;
  FieldKinds every = FieldKind::kSpinLock | FieldKind::kResSpinLock;
  every = every | FieldKind::kTimer | FieldKind::kListHead | FieldKind::kRbRoot |
          FieldKind::kRefcount | FieldKind::kWorkqueue | FieldKind::kUptr | FieldKind::kTaskWork;
  every |= kAnyKptr;
  uint32_t value_id = 0;
  if (!btf.skip_modifiers(a.btf_value_type_id, &value_id)) return -EINVAL;
  const Profile& kernel = call.kernel.profile();
  auto record = parse_map_fields(btf, value_id, every, map.value_size, kernel);
  // Fields that are not well formed are no error here: the map has none, as programs will be told.
  if (record) {
    if (int64_t err = check_record(call, map, *record)) return err;
    if (Status linked = link_record(*record, object.struct_metas); !linked)
      return -(linked.error().err ? linked.error().err : EINVAL);
    map.record = std::move(*record);
  }
  return check_key_type(map, btf);
}

int64_t take_btf(const Call& call, const attr::MapCreate& a, MapSpec& spec,
                 std::shared_ptr<BtfObject>& btf) {
  if (!a.btf_key_type_id && !a.btf_value_type_id && !a.btf_vmlinux_value_type_id) return 0;
  if (int64_t err = lookup(call, a.btf_fd, btf)) return err;
  if (btf->kernel()) return -EACCES;
  spec.btf = btf->btf;
  return 0;
}

bool holds_maps(MapType type) {
  return type == MapType::kArrayOfMaps || type == MapType::kHashOfMaps;
}

int64_t take_inner(const Call& call, const attr::MapCreate& a, MapSpec& spec) {
  if (!holds_maps(spec.type)) return 0;
  std::shared_ptr<MapObject> inner;
  if (int64_t err = lookup(call, a.inner_map_fd, inner)) return err;
  const MapInfo& info = *inner->map;
  if (holds_maps(info.type)) return -EINVAL;  // one level only
  if (info.type == MapType::kProgArray || info.type == MapType::kStructOps ||
      info.type == MapType::kCgroupStorage || info.type == MapType::kPercpuCgroupStorage)
    return -kENOTSUPP;
  // What is kept is the shape alone: neither name nor contents.
  auto shape = std::make_shared<MapInfo>(info);
  shape->id = 0;
  shape->name.clear();
  shape->map_extra = 0;
  shape->inner.reset();
  shape->frozen = false;
  spec.inner = std::move(shape);
  return 0;
}

// The value of a struct_ops map is a struct of the kernel that wraps the operations of one kind.
int64_t check_struct_ops(const Call& call, const MapSpec& spec) {
  if (spec.type != MapType::kStructOps) return 0;
  const Btf& btf = *call.kernel.profile().btf();
  const BtfType* value = btf.type(spec.btf_vmlinux_value_type_id);
  if (!value || value->kind() != BtfKind::kStruct ||
      !btf.name_of(*value).starts_with("bpf_struct_ops_"))
    return -kENOTSUPP;
  return value->size() == spec.value_size ? 0 : -EINVAL;
}

int64_t check_privilege(const Call& call, const MapRow& row) {
  const Capabilities& can = call.capabilities();
  if (call.kernel.settings().unprivileged_bpf_disabled && !can.bpf) return -EPERM;
  if (row.privileged && !can.bpf) return -EPERM;
  if (row.net_admin && !can.net_admin) return -EPERM;
  return 0;
}

int64_t check_attributes(const attr::MapCreate& a) {
  auto type = static_cast<MapType>(a.map_type);
  if (a.btf_vmlinux_value_type_id) {
    if (type != MapType::kStructOps || a.btf_key_type_id || a.btf_value_type_id) return -EINVAL;
  } else if (a.btf_key_type_id && !a.btf_value_type_id) {
    return -EINVAL;
  }
  if (type != MapType::kBloomFilter && type != MapType::kArena && a.map_extra) return -EINVAL;
  if (int mode = file_mode(a.map_flags); mode < 0) return mode;
  if ((a.map_flags & kMapNumaNode) && a.numa_node != 0) return -EINVAL;  // one node
  if (!a.excl_prog_hash && a.excl_prog_hash_size) return -EINVAL;
  return 0;
}

MapSpec spec_of(const attr::MapCreate& a, uint32_t cpus) {
  MapSpec spec;
  spec.type = static_cast<MapType>(a.map_type);
  spec.key_size = a.key_size;
  spec.value_size = a.value_size;
  spec.max_entries = a.max_entries;
  spec.map_flags = a.map_flags & ~kMapTokenFd;
  spec.map_extra = a.map_extra;
  spec.btf_key_type_id = a.btf_key_type_id;
  spec.btf_value_type_id = a.btf_value_type_id;
  spec.btf_vmlinux_value_type_id = a.btf_vmlinux_value_type_id;
  spec.cpus = cpus;
  return spec;
}

// CONFIG_NR_CPUS: what an array by CPU may have.
uint32_t most_cpus(const Profile& profile) {
  uint32_t n = 0;
  const std::string digits(profile.config("CONFIG_NR_CPUS").value_or("1"));
  for (char c : digits) n = n * 10 + static_cast<uint32_t>(c - '0');
  return n;
}

// -- Elements

struct Element {
  std::shared_ptr<MapObject> object;
  std::vector<std::byte> key;
  Map& map() const { return *object->map; }
};

// The map behind a descriptor, with the access that the command needs.
enum Need : unsigned { kRead = 1, kWrite = 2 };
int64_t take_map(const Call& call, int fd, unsigned need, std::shared_ptr<MapObject>& out) {
  if (int64_t err = lookup(call, fd, out)) return err;
  int mode = Descriptors::mode_of(fd);
  bool readable = mode != O_WRONLY, writable = mode != O_RDONLY && !out->map->frozen;
  if ((need & kRead && !readable) || (need & kWrite && !writable)) return -EPERM;
  return 0;
}

int64_t read_key(const Call& call, const Map& map, uint64_t address, std::vector<std::byte>& key) {
  if (map.key_size == 0) return address ? -EINVAL : 0;
  key.resize(map.key_size);
  return call.memory().read(address, key.data(), key.size()) ? 0 : -EFAULT;
}

int64_t lock_without_field(const Map& map, uint64_t flags) {
  return (flags & kLock) && !map.record.has(FieldKind::kSpinLock) ? -EINVAL : 0;
}

bool holds_objects(const Map& map) {
  switch (map.type) {
    case MapType::kProgArray:
    case MapType::kPerfEventArray:
    case MapType::kCgroupArray:
    case MapType::kArrayOfMaps:
    case MapType::kHashOfMaps: return true;
    default: return false;
  }
}

bool redirects(const Map& map) {
  return map.type == MapType::kDevmap || map.type == MapType::kDevmapHash ||
         map.type == MapType::kCpumap || map.type == MapType::kXskmap;
}

bool is_queue(const Map& map) {
  return map.type == MapType::kQueue || map.type == MapType::kStack ||
         map.type == MapType::kBloomFilter;
}

int64_t copy_value(Map& map, ByteSpan key, std::span<std::byte> value, uint64_t flags) {
  if (map.type == MapType::kBloomFilter || map.type == MapType::kQueue ||
      map.type == MapType::kStack)
    return map.peek(value);
  return map.user_lookup(key, value, flags);
}

// May a map be an element of an outer map whose template is `inner`?
bool same_shape(const MapInfo& inner, const MapInfo& map) {
  if (inner.type != map.type || inner.key_size != map.key_size ||
      inner.value_size != map.value_size || inner.map_flags != map.map_flags)
    return false;
  bool sized = inner.type == MapType::kArray && !(inner.map_flags & kMapInnerMap);
  return !sized || inner.max_entries == map.max_entries;
}

// A value that is a descriptor: what it stands for goes into the map.
int64_t put_object(const Call& call, Map& map, ByteSpan key, ByteSpan value, uint64_t flags) {
  int fd;
  std::memcpy(&fd, value.data(), sizeof fd);
  auto* holder = dynamic_cast<ObjectMap*>(&map);
  if (!holder) {
    call.kernel.note_unsupported("elements of map type " + std::string(name_of(map.type)));
    return -kENOTSUPP;
  }
  std::shared_ptr<KernelObject> object;
  if (map.type == MapType::kProgArray) {
    std::shared_ptr<ProgramObject> program;
    if (int64_t err = lookup(call, fd, program)) return err;
    object = program;
  } else if (holds_maps(map.type)) {
    std::shared_ptr<MapObject> inner;
    if (int64_t err = lookup(call, fd, inner)) return err;
    if (!same_shape(*map.inner, *inner->map)) return -EINVAL;
    // Programs reach the inner map itself, not the descriptor's object.
    return holder->put(key, inner->map, inner->id, flags);
  } else {
    object = call.kernel.descriptors().find(fd);
    if (!object) return Descriptors::mode_of(fd) >= 0 ? -EINVAL : -EBADF;
  }
  return holder->put(key, object, object->id, flags);
}

int64_t update_value(const Call& call, Map& map, ByteSpan key, ByteSpan value, uint64_t flags) {
  if (holds_objects(map)) return put_object(call, map, key, value, flags);
  if (is_queue(map)) return map.push(value, flags);
  int64_t err = map.user_update(key, value, flags);
  if (err == -kENOTSUPP && redirects(map))
    call.kernel.note_unsupported("sockets and programs in maps of type " +
                                 std::string(name_of(map.type)));
  return err;
}

// What user space moves for a value of this map.
uint32_t user_bytes(const Map& map) {
  return holds_objects(map) ? sizeof(uint32_t) : map.user_value_size();
}

// -- Batches: one loop for the four commands, which differ in what they do to an element.

struct Batch {
  attr::MapBatch a;
  std::shared_ptr<MapObject> object;
  uint64_t count_at = 0;  // address of the count in the caller's attributes
  Map& map() const { return *object->map; }
};

bool has_batches(MapType type) {
  switch (type) {
    case MapType::kHash:
    case MapType::kPercpuHash:
    case MapType::kLruHash:
    case MapType::kLruPercpuHash:
    case MapType::kArray:
    case MapType::kPercpuArray:
    case MapType::kLpmTrie:
    case MapType::kArrayOfMaps:
    case MapType::kHashOfMaps: return true;
    default: return false;
  }
}
bool is_hash(MapType type) {
  return type == MapType::kHash || type == MapType::kPercpuHash || type == MapType::kLruHash ||
         type == MapType::kLruPercpuHash;
}
bool has_delete_batch(MapType type) {
  return has_batches(type) && type != MapType::kArray && type != MapType::kPercpuArray;
}

// 1: go on; 0 or a negative errno: the answer.
int64_t begin_batch(const Call& call, unsigned need, Batch& batch, bool (*supported)(MapType)) {
  batch.a = call.as<attr::MapBatch>();
  if (int64_t err = take_map(call, batch.a.map_fd, need, batch.object)) return err;
  if (!supported(batch.map().type)) return -kENOTSUPP;
  if (batch.a.elem_flags & ~kLock) return -EINVAL;
  if (int64_t err = lock_without_field(batch.map(), batch.a.elem_flags)) return err;
  if (batch.a.count == 0) return 0;
  batch.count_at = call.user + offsetof(attr::MapBatch, count);
  return call.memory().write(batch.count_at, uint32_t{0}) ? 1 : -EFAULT;
}

int64_t end_batch(const Call& call, const Batch& batch, uint32_t done, int64_t err) {
  return call.memory().write(batch.count_at, done) ? err : -EFAULT;
}

int64_t lookup_batch(const Call& call, bool and_delete) {
  Batch batch;
  if (int64_t go = begin_batch(call, and_delete ? kRead | kWrite : kRead, batch,
                               and_delete ? is_hash : has_batches);
      go != 1)
    return go;
  Map& map = batch.map();
  if (batch.a.flags && is_hash(map.type)) return -EINVAL;
  const UserMemory& memory = call.memory();
  std::vector<std::byte> last, key(map.key_size), value(user_bytes(map));
  if (batch.a.in_batch) {
    last.resize(map.key_size);
    if (!memory.read(batch.a.in_batch, last.data(), last.size())) return -EFAULT;
  }
  std::vector<std::vector<std::byte>> to_delete;
  uint32_t done = 0;
  int64_t err = 0;
  while (done < batch.a.count) {
    if ((err = map.next_key(last, key))) break;
    err = copy_value(map, key, value, batch.a.elem_flags);
    if (err && err != -ENOENT) return err;
    if (!err) {
      if (!memory.write(batch.a.keys + uint64_t{done} * key.size(), key.data(), key.size()) ||
          !memory.write(batch.a.values + uint64_t{done} * value.size(), value.data(), value.size()))
        return -EFAULT;
      ++done;
      if (and_delete) to_delete.push_back(key);
    }
    err = 0;
    last = key;
  }
  // The token of the next batch is the last key, which deletion would take away.
  if (done && batch.a.out_batch && !memory.write(batch.a.out_batch, last.data(), last.size()))
    err = -EFAULT;
  if (done && !batch.a.out_batch) err = -EFAULT;
  for (const auto& gone : to_delete) map.user_erase(gone);
  return end_batch(call, batch, done, err);
}

}  // namespace

int64_t map_create(const Call& call) {
  auto a = call.as<attr::MapCreate>();
  if (int64_t err = check_attributes(a)) return err;
  const MapRow* row = map_row(static_cast<MapType>(a.map_type));
  if (!row || !row->make || !has_map_type(*row, call.kernel.profile())) return -EINVAL;
  MapSpec spec = spec_of(a, call.kernel.settings().cpus);
  if (a.map_ifindex) {
    call.kernel.note_unsupported("maps offloaded to a device");
    return -EINVAL;
  }
  if (int err = check_map_spec(spec)) return -err;
  if (int err = check_release_limits(spec, call.kernel.profile())) return -err;
  if (a.map_flags & kMapTokenFd) return no_token(a.map_token_fd);
  if (int64_t err = check_privilege(call, *row)) return err;
  if (spec.type == MapType::kCpumap && spec.max_entries > most_cpus(call.kernel.profile()))
    return -E2BIG;
  if (int64_t err = take_inner(call, a, spec)) return err;
  if (int64_t err = check_struct_ops(call, spec)) return err;
  bool named = read_name(a.map_name, spec.name);
  if (!named) return -EINVAL;
  std::shared_ptr<BtfObject> btf;
  if (int64_t err = take_btf(call, a, spec, btf)) return err;
  auto map = Map::create(spec, call.kernel.memory());
  if (!map) return -(map.error().err ? map.error().err : EINVAL);
  if (spec.btf && a.btf_value_type_id)
    if (int64_t err = check_map_types(call, **map, *btf, a)) return err;
  auto object = std::make_shared<MapObject>();
  object->map = std::move(*map);
  // Whoever may not speculate may not use indices into it unchecked either.
  object->map->bypass_spec_v1 = call.capabilities().perfmon;
  object->btf = std::move(btf);
  object->map->id = call.kernel.descriptors().publish(object);
  return call.kernel.descriptors().open(std::move(object), file_mode(a.map_flags));
}

int64_t map_lookup(const Call& call) {
  auto a = call.as<attr::MapElement>();
  if (a.flags & ~kLock) return -EINVAL;
  Element e;
  if (int64_t err = take_map(call, a.map_fd, kRead, e.object)) return err;
  if (int64_t err = lock_without_field(e.map(), a.flags)) return err;
  if (int64_t err = read_key(call, e.map(), a.key, e.key)) return err;
  std::vector<std::byte> value(user_bytes(e.map()));
  if (e.map().type == MapType::kBloomFilter &&
      !call.memory().read(a.value, value.data(), value.size()))
    return -EFAULT;
  if (int64_t err = copy_value(e.map(), e.key, value, a.flags)) return err;
  return call.memory().write(a.value, value.data(), value.size()) ? 0 : -EFAULT;
}

int64_t map_update(const Call& call) {
  auto a = call.as<attr::MapElement>();
  Element e;
  if (int64_t err = take_map(call, a.map_fd, kWrite, e.object)) return err;
  if (int64_t err = lock_without_field(e.map(), a.flags)) return err;
  if (int64_t err = read_key(call, e.map(), a.key, e.key)) return err;
  std::vector<std::byte> value(user_bytes(e.map()));
  if (!call.memory().read(a.value, value.data(), value.size())) return -EFAULT;
  return update_value(call, e.map(), e.key, value, a.flags);
}

int64_t map_delete(const Call& call) {
  auto a = call.as<attr::MapElement>();
  Element e;
  if (int64_t err = take_map(call, a.map_fd, kWrite, e.object)) return err;
  if (int64_t err = read_key(call, e.map(), a.key, e.key)) return err;
  return e.map().user_erase(e.key);
}

int64_t map_next_key(const Call& call) {
  auto a = call.as<attr::MapElement>();
  Element e;
  if (int64_t err = take_map(call, a.map_fd, kRead, e.object)) return err;
  if (a.key)
    if (int64_t err = read_key(call, e.map(), a.key, e.key)) return err;
  std::vector<std::byte> next(e.map().key_size);
  if (int64_t err = e.map().next_key(e.key, next)) return err;
  return call.memory().write(a.value, next.data(), next.size()) ? 0 : -EFAULT;
}

int64_t map_lookup_and_delete(const Call& call) {
  auto a = call.as<attr::MapElement>();
  if (a.flags & ~kLock) return -EINVAL;
  Element e;
  if (int64_t err = take_map(call, a.map_fd, kRead | kWrite, e.object)) return err;
  Map& map = e.map();
  bool queue = map.type == MapType::kQueue || map.type == MapType::kStack;
  if (a.flags && queue) return -EINVAL;
  if (int64_t err = lock_without_field(map, a.flags)) return err;
  if (int64_t err = read_key(call, map, a.key, e.key)) return err;
  std::vector<std::byte> value(user_bytes(map));
  int64_t err = queue               ? map.pop(value)
                : is_hash(map.type) ? map.user_lookup_and_delete(e.key, value, a.flags)
                                    : -kENOTSUPP;
  if (err) return err;
  return call.memory().write(a.value, value.data(), value.size()) ? 0 : -EFAULT;
}

int64_t map_freeze(const Call& call) {
  auto a = call.as<attr::MapElement>();
  std::shared_ptr<MapObject> object;
  if (int64_t err = lookup(call, a.map_fd, object)) return err;
  Map& map = *object->map;
  if (map.type == MapType::kStructOps || !map.record.fields.empty()) return -kENOTSUPP;
  // A frozen map is not writable any more, so that freezing it again is EPERM, not EBUSY.
  if (Descriptors::mode_of(a.map_fd) == O_RDONLY || map.frozen) return -EPERM;
  map.frozen = true;
  return 0;
}

int64_t map_lookup_batch(const Call& call) { return lookup_batch(call, false); }
int64_t map_lookup_and_delete_batch(const Call& call) { return lookup_batch(call, true); }

int64_t map_update_batch(const Call& call) {
  Batch batch;
  if (int64_t go = begin_batch(call, kWrite, batch, has_batches); go != 1) return go;
  Map& map = batch.map();
  std::vector<std::byte> key(map.key_size), value(user_bytes(map));
  uint32_t done = 0;
  int64_t err = 0;
  for (; done < batch.a.count; ++done) {
    err = -EFAULT;
    if (!call.memory().read(batch.a.keys + uint64_t{done} * key.size(), key.data(), key.size()) ||
        !call.memory().read(batch.a.values + uint64_t{done} * value.size(), value.data(),
                            value.size()))
      break;
    if ((err = update_value(call, map, key, value, batch.a.elem_flags))) break;
  }
  return end_batch(call, batch, done, err);
}

int64_t map_delete_batch(const Call& call) {
  Batch batch;
  if (int64_t go = begin_batch(call, kWrite, batch, has_delete_batch); go != 1) return go;
  Map& map = batch.map();
  std::vector<std::byte> key(map.key_size);
  uint32_t done = 0;
  int64_t err = 0;
  for (; done < batch.a.count; ++done) {
    err = -EFAULT;
    if (!call.memory().read(batch.a.keys + uint64_t{done} * key.size(), key.data(), key.size()))
      break;
    if ((err = map.user_erase(key))) break;
  }
  return end_batch(call, batch, done, err);
}

}  // namespace drydock::syscall_impl
