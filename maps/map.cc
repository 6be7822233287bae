// SPDX-License-Identifier: Apache-2.0
#include "maps/map.h"

#include <cerrno>

namespace drydock {
// A map's address stands for the kernel's struct: at least so much lies behind it.
constexpr uint64_t kBytesOfStruct = 2048;

Map::Map(const MapSpec& spec, Memory& memory) : memory_(memory), cpus_(spec.cpus) {
  type = spec.type;
  name = spec.name;
  key_size = spec.key_size;
  value_size = spec.value_size;
  max_entries = spec.max_entries;
  map_flags = spec.map_flags | map_row(spec.type)->adds_flags;
  map_extra = spec.map_extra;
  btf = spec.btf;
  btf_key_type_id = spec.btf_key_type_id;
  btf_value_type_id = spec.btf_value_type_id;
  btf_vmlinux_value_type_id = spec.btf_vmlinux_value_type_id;
  inner = spec.inner;
  if (type == MapType::kArena) arena_user_start = spec.map_extra;
  region_name_ = "map `" + name + "` value";
  address_ = memory
                 .allocate({.kind = RegionKind::kOpaque,
                            .size = kBytesOfStruct,
                            .name = "map `" + name + "`",
                            .permissions = Permissions::kNone})
                 ->base;
}

Map::~Map() = default;

Result<std::shared_ptr<Map>> Map::create(const MapSpec& spec, Memory& memory) {
  if (int err = check_map_spec(spec))
    return std::unexpected(Error{
        ErrorKind::kMalformed,
        "map `" + spec.name + "` of type " + std::string(name_of(spec.type)) + " cannot be made so",
        err});
  std::unique_ptr<Map> map = map_row(spec.type)->make(spec, memory);
  if (!map)
    return std::unexpected(Error{ErrorKind::kMalformed, "no memory for map `" + spec.name + "`",
                                 ENOMEM});
  return std::shared_ptr<Map>(std::move(map));
}

uint64_t Map::lookup(ByteSpan, uint32_t) { return 0; }
int64_t Map::update(ByteSpan, ByteSpan, uint64_t, uint32_t) { return -kENOTSUPP; }
int64_t Map::erase(ByteSpan) { return -kENOTSUPP; }
int64_t Map::push(ByteSpan, uint64_t) { return -kENOTSUPP; }
int64_t Map::pop(MutableByteSpan) { return -kENOTSUPP; }
int64_t Map::peek(MutableByteSpan) { return -kENOTSUPP; }
int64_t Map::for_each(uint32_t, const Visit&) { return -EINVAL; }

uint32_t Map::user_value_size() const {
  const MapRow* row = map_row(type);
  return row && row->percpu ? value_stride() * cpus_ : value_size;
}
int64_t Map::user_lookup(ByteSpan, MutableByteSpan, uint64_t) { return -kENOTSUPP; }
int64_t Map::user_update(ByteSpan, ByteSpan, uint64_t) { return -kENOTSUPP; }
int64_t Map::user_erase(ByteSpan) { return -kENOTSUPP; }
int64_t Map::user_lookup_and_delete(ByteSpan, MutableByteSpan, uint64_t) { return -kENOTSUPP; }
int64_t Map::next_key(ByteSpan, MutableByteSpan) { return -kENOTSUPP; }

std::unique_ptr<Map> make_inert_map(const MapSpec& spec, Memory& memory) {
  return std::make_unique<Map>(spec, memory);
}

}  // namespace drydock
