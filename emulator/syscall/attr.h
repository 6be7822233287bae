// SPDX-License-Identifier: Apache-2.0
// Commands of bpf(2), and union bpf_attr, a struct a command: the layouts are the UAPI's (they are
// the wire format that libbpf and every other loader writes), the grouping is ours. Descriptors are
// signed here, as callers pass them; pointers are addresses in the caller's memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace drydock {

/// bpf(2) commands, with the kernel's numbers.
enum class BpfCommand : uint32_t {
  kMapCreate,
  kMapLookupElem,
  kMapUpdateElem,
  kMapDeleteElem,
  kMapGetNextKey,
  kProgLoad,
  kObjPin,
  kObjGet,
  kProgAttach,
  kProgDetach,
  kProgTestRun,
  kProgGetNextId,
  kMapGetNextId,
  kProgGetFdById,
  kMapGetFdById,
  kObjGetInfoByFd,
  kProgQuery,
  kRawTracepointOpen,
  kBtfLoad,
  kBtfGetFdById,
  kTaskFdQuery,
  kMapLookupAndDeleteElem,
  kMapFreeze,
  kBtfGetNextId,
  kMapLookupBatch,
  kMapLookupAndDeleteBatch,
  kMapUpdateBatch,
  kMapDeleteBatch,
  kLinkCreate,
  kLinkUpdate,
  kLinkGetFdById,
  kLinkGetNextId,
  kEnableStats,
  kIterCreate,
  kLinkDetach,
  kProgBindMap,
  kTokenCreate,
  kProgStreamReadByFd,
};

}  // namespace drydock

namespace drydock::attr {

inline constexpr size_t kNameLength = 16;  // BPF_OBJ_NAME_LEN, its NUL included

// Kernels refuse a byte that is not 0 behind the last field that they know. `tail` and `hole` are
// what the compiler would leave there, so that initialising a struct initialises it whole.
template <class Attr>
constexpr bool no_padding = std::has_unique_object_representations_v<Attr>;

struct MapCreate {
  uint32_t map_type, key_size, value_size, max_entries, map_flags;
  int32_t inner_map_fd;
  uint32_t numa_node;
  char map_name[kNameLength];
  uint32_t map_ifindex;
  int32_t btf_fd;
  uint32_t btf_key_type_id, btf_value_type_id, btf_vmlinux_value_type_id;
  uint64_t map_extra;
  int32_t value_type_btf_obj_fd, map_token_fd;
  uint64_t excl_prog_hash;
  uint32_t excl_prog_hash_size, tail;
};
static_assert(offsetof(MapCreate, map_extra) == 64 &&
              offsetof(MapCreate, excl_prog_hash_size) == 88);

struct MapElement {  // also MAP_FREEZE and MAP_GET_NEXT_KEY, whose value is the next key
  int32_t map_fd;
  uint32_t hole;
  uint64_t key, value, flags;
};
static_assert(offsetof(MapElement, flags) == 24);

struct MapBatch {
  uint64_t in_batch, out_batch, keys, values;
  uint32_t count;
  int32_t map_fd;
  uint64_t elem_flags, flags;
};
static_assert(offsetof(MapBatch, flags) == 48);

struct ProgLoad {
  uint32_t prog_type, insn_cnt;
  uint64_t insns, license;
  uint32_t log_level, log_size;
  uint64_t log_buf;
  uint32_t kern_version, prog_flags;
  char prog_name[kNameLength];
  uint32_t prog_ifindex, expected_attach_type;
  int32_t prog_btf_fd;
  uint32_t func_info_rec_size;
  uint64_t func_info;
  uint32_t func_info_cnt, line_info_rec_size;
  uint64_t line_info;
  uint32_t line_info_cnt, attach_btf_id;
  int32_t attach_fd;  // a program's, or a module BTF's
  uint32_t core_relo_cnt;
  uint64_t fd_array, core_relos;
  uint32_t core_relo_rec_size, log_true_size;
  int32_t prog_token_fd;
  uint32_t fd_array_cnt;
  uint64_t signature;
  uint32_t signature_size;
  int32_t keyring_id;
};
static_assert(offsetof(ProgLoad, expected_attach_type) == 68 &&
              offsetof(ProgLoad, fd_array) == 120 && offsetof(ProgLoad, log_true_size) == 140 &&
              offsetof(ProgLoad, keyring_id) == 164);

struct Object {  // OBJ_PIN, OBJ_GET
  uint64_t pathname;
  int32_t bpf_fd;
  uint32_t file_flags;
  int32_t path_fd;
  uint32_t tail;
};
struct Attach {  // PROG_ATTACH, PROG_DETACH
  int32_t target_fd, attach_bpf_fd;
  uint32_t attach_type, attach_flags;
  int32_t replace_bpf_fd, relative_fd;
  uint64_t expected_revision;
};
struct TestRun {
  int32_t prog_fd;
  uint32_t retval, data_size_in, data_size_out;
  uint64_t data_in, data_out;
  uint32_t repeat, duration, ctx_size_in, ctx_size_out;
  uint64_t ctx_in, ctx_out;
  uint32_t flags, cpu, batch_size, tail;
};
static_assert(offsetof(TestRun, batch_size) == 72);
struct ById {  // *_GET_FD_BY_ID, *_GET_NEXT_ID
  uint32_t id, next_id, open_flags;
  int32_t token_fd;
};
struct InfoByFd {
  int32_t bpf_fd;
  uint32_t info_len;
  uint64_t info;
};
struct Query {
  int32_t target_fd;
  uint32_t attach_type, query_flags, attach_flags;
  uint64_t prog_ids;
  uint32_t count, pad;
  uint64_t prog_attach_flags, link_ids, link_attach_flags, revision;
};
static_assert(offsetof(Query, revision) == 56);
struct RawTracepoint {
  uint64_t name;
  int32_t prog_fd;
  uint32_t pad;
  uint64_t cookie;
};
struct BtfLoad {
  uint64_t btf, log_buf;
  uint32_t btf_size, log_size, log_level, log_true_size, flags;
  int32_t token_fd;
};
static_assert(offsetof(BtfLoad, token_fd) == 36);
struct LinkCreate {
  int32_t prog_fd;    // or a struct_ops map's
  int32_t target_fd;  // cgroup, netns, program, or 0
  uint32_t attach_type, flags;
  union {
    struct {
      uint32_t btf_id, pad;
      uint64_t cookie;
    } tracing;
    struct {
      uint64_t info;
      uint32_t info_len, tail;
    } iter;
    struct {
      int32_t relative_fd;
      uint32_t pad;
      uint64_t expected_revision;
    } cgroup;
    struct {
      uint64_t path, offsets, ref_ctr_offsets, cookies;
      uint32_t cnt, flags, pid, tail;
    } uprobe_multi;
  };
};
static_assert(offsetof(LinkCreate, uprobe_multi.pid) == 56);
struct LinkUpdate {
  int32_t link_fd, new_prog_fd;
  uint32_t flags;
  int32_t old_prog_fd;
};
struct LinkDetach {
  int32_t link_fd;
};
struct EnableStats {
  uint32_t type;
};
struct IterCreate {
  int32_t link_fd;
  uint32_t flags;
};
struct BindMap {
  int32_t prog_fd, map_fd;
  uint32_t flags;
};

static_assert(no_padding<MapCreate> && no_padding<MapElement> && no_padding<MapBatch> &&
              no_padding<ProgLoad> && no_padding<Object> && no_padding<Attach> &&
              no_padding<TestRun> && no_padding<ById> && no_padding<InfoByFd> &&
              no_padding<Query> && no_padding<RawTracepoint> && no_padding<BtfLoad> &&
              no_padding<LinkUpdate> && no_padding<LinkDetach> && no_padding<EnableStats> &&
              no_padding<IterCreate> && no_padding<BindMap>);

}  // namespace drydock::attr
