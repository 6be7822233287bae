// SPDX-License-Identifier: Apache-2.0
#include "verifier/struct_writes.h"

#include <algorithm>

#include "kernel/features.h"
#include "verifier/memory_access_text.h"
#include "verifier/struct_ops.h"

namespace drydock::verifier {
namespace {

/// Bytes of a struct, found by the path of its members ("icsk_ack.pending").
struct Extent {
  uint32_t begin = 0, end = 0;
  bool found = false;
};

/// A member by name, looked for inside anonymous structs and unions too.
Extent member_extent(const Btf& btf, uint32_t struct_id, std::string_view name, uint32_t* type_id) {
  const BtfType* t = btf.skip_modifiers(struct_id);
  if (!t || !t->is_struct_or_union()) return {};
  for (const BtfMember& member : t->members()) {
    uint32_t begin = t->member_bit_offset(member) / 8;
    std::string_view member_name = btf.name_of(member);
    if (member_name == name) {
      *type_id = member.type;
      return {begin, begin + btf.size_of(member.type).value_or(0), true};
    }
    if (!member_name.empty()) continue;
    Extent inner = member_extent(btf, member.type, name, type_id);
    if (inner.found) return {begin + inner.begin, begin + inner.end, true};
  }
  return {};
}

Extent path_extent(const Btf& btf, uint32_t struct_id, std::string_view path) {
  Extent whole{0, 0, true};
  while (!path.empty()) {
    size_t dot = path.find('.');
    Extent step = member_extent(btf, struct_id, path.substr(0, dot), &struct_id);
    if (!step.found) return {};
    whole.end = whole.begin + step.end;
    whole.begin += step.begin;
    path = dot == std::string_view::npos ? "" : path.substr(dot + 1);
  }
  return whole;
}

/// A member that may be written. `anywhere`: a write may start at any byte of it, else at its
/// first. `tail` bytes at its end stay out of reach (a string's NUL).
struct Writable {
  std::string_view owner;  // the struct that the path starts from: "sock" within a tcp_sock
  std::string_view path;
  bool anywhere = false;
  uint32_t tail = 0;
  std::string_view since = {};  // the first release that lets it be written
};

uint32_t struct_id(const Btf& btf, std::string_view name) {
  return btf.find(name, BtfKind::kStruct);
}

bool points_to(const Register& reg, std::string_view name) {
  return reg.target.btf.id == struct_id(*reg.target.btf.btf, name);
}

/// The writable member that the write starts in.
template <size_t N>
Extent writable_at(const Env& env, const Btf& btf, const Writable (&rows)[N], int off) {
  for (const Writable& row : rows) {
    if (!drydock::within(env.profile.version(), row.since, "")) continue;
    uint32_t owner = struct_id(btf, row.owner);
    Extent e = owner ? path_extent(btf, owner, row.path) : Extent{};
    if (!e.found) continue;
    uint32_t at = static_cast<uint32_t>(off);
    if (row.anywhere ? at >= e.begin && at < e.end : at == e.begin) return e;
  }
  return {};
}

constexpr Writable kTcpSock[] = {
    {.owner = "sock", .path = "sk_pacing_rate", .since = "6.0"},
    {.owner = "sock", .path = "sk_pacing_status", .since = "6.0"},
    {"inet_connection_sock", "icsk_ca_priv", true},
    {"inet_connection_sock", "icsk_ack.pending"},
    {"tcp_sock", "snd_cwnd"},
    {"tcp_sock", "snd_cwnd_cnt"},
    {.owner = "tcp_sock", .path = "snd_cwnd_stamp", .since = "6.9"},
    {"tcp_sock", "snd_ssthresh"},
    {"tcp_sock", "ecn_flags"},
    {.owner = "tcp_sock", .path = "app_limited", .since = "6.9"},
};
constexpr Writable kScxTask[] = {{"task_struct", "scx.slice"},
                                 {"task_struct", "scx.dsq_vtime"},
                                 {"task_struct", "scx.disallow"}};
constexpr Writable kQdisc[] = {{"Qdisc", "limit"}, {"Qdisc", "q.qlen"}, {"Qdisc", "qstats", true}};
constexpr Writable kConnection[] = {{"nf_conn", "mark"}};
constexpr Writable kHidContext[] = {{"hid_bpf_ctx", "retval", true}};
constexpr Writable kHidDevice[] = {{"hid_device", "name", true, 1},
                                   {"hid_device", "uniq", true, 1},
                                   {"hid_device", "phys", true, 1}};

Check reject_read_only(Env& env) { return env.reject(EACCES, "only read is supported\n"); }

Check within(Env& env, Extent e, std::string_view name, int off, int size) {
  if (static_cast<uint32_t>(off + size) <= e.end) return Check::ok();
  return env.reject(EACCES,
                    "write access at off {} with size {} beyond the member of {} ended at {}\n",
                    off, size, name, e.end);
}

/// One struct of whose members some may be written.
template <size_t N>
Check write_members(Env& env, const Register& reg, const Writable (&rows)[N], std::string_view name,
                    int off, int size) {
  Extent e = writable_at(env, *reg.target.btf.btf, rows, off);
  if (!e.found) return env.reject(EACCES, "no write support to {} at off {}\n", name, off);
  return within(env, e, name, off, size);
}

/// Connection tracking entries, written by TC and XDP programs.
Check write_connection(Env& env, const Register& reg, int off, int size) {
  // The rule is the connection tracker's own; without it every write is refused, and silently.
  bool tracker = env.profile.config("CONFIG_NF_CONNTRACK") == "y" ||
                 std::ranges::any_of(env.profile.modules(), [](const auto& module) {
                   return module->name() == "nf_conntrack";
                 });
  if (!tracker) return Check::error(EACCES);
  if (!points_to(reg, "nf_conn") && !points_to(reg, "nf_conn___init")) return reject_read_only(env);
  return write_members(env, reg, kConnection, "nf_conn", off, size);
}

/// Bytes of qdisc_skb_cb that a scheduler has for itself inside sk_buff's cb.
Extent private_skb_bytes(const Btf& btf) {
  Extent cb = path_extent(btf, struct_id(btf, "sk_buff"), "cb");
  Extent data = path_extent(btf, struct_id(btf, "qdisc_skb_cb"), "data");
  if (!cb.found || !data.found) return {};
  return {cb.begin + data.begin, cb.begin + data.end, true};
}

}  // namespace

Check write_tcp_sock(Env& env, const Register& reg, int off, int size) {
  if (!points_to(reg, "tcp_sock")) return reject_read_only(env);
  return write_members(env, reg, kTcpSock, "tcp_sock", off, size);
}

Check write_dummy_state(Env& env, const Register& reg, int off, int size) {
  const Btf& btf = *reg.target.btf.btf;
  uint32_t state = struct_id(btf, "bpf_dummy_ops_state");
  if (!state) return Check::error(EINVAL);
  if (reg.target.btf.id != state)
    return env.reject(EACCES, "only access to bpf_dummy_ops_state is supported\n");
  if (static_cast<uint32_t>(off + size) > btf.type(state)->size())
    return env.reject(EACCES, "write access at off {} with size {}\n", off, size);
  return Check::ok();
}

Check write_scx_task(Env&, const Register& reg, int off, int size) {
  if (!points_to(reg, "task_struct")) return Check::error(EACCES);
  const Btf& btf = *reg.target.btf.btf;
  for (const Writable& row : kScxTask) {
    Extent e = path_extent(btf, reg.target.btf.id, row.path);
    if (e.found && static_cast<uint32_t>(off) >= e.begin &&
        static_cast<uint32_t>(off + size) <= e.end)
      return Check::ok();
  }
  return Check::error(EACCES);
}

Check write_qdisc(Env& env, const Register& reg, int off, int size) {
  const Btf& btf = *reg.target.btf.btf;
  if (points_to(reg, "Qdisc")) return write_members(env, reg, kQdisc, "Qdisc", off, size);
  if (!points_to(reg, "sk_buff")) return reject_read_only(env);
  uint32_t at = static_cast<uint32_t>(off);
  Extent e = path_extent(btf, reg.target.btf.id, "tstamp");
  if (e.found && at != e.begin) e.found = false;
  if (Extent cb = private_skb_bytes(btf); !e.found && cb.found && at >= cb.begin && at < cb.end)
    e = cb;
  if (!e.found) return env.reject(EACCES, "no write support to sk_buff at off {}\n", off);
  return within(env, e, "sk_buff", off, size);
}

Check write_hid(Env& env, const Register& reg, int off, int size) {
  const Btf& btf = *reg.target.btf.btf;
  bool context = points_to(reg, "hid_bpf_ctx");
  if (!context && !points_to(reg, "hid_device"))
    return env.reject(EACCES, "write access to this struct is not supported\n");
  std::string_view name = context ? "hid_bpf_ctx" : "hid_device";
  if (static_cast<uint32_t>(off + size) > btf.type(reg.target.btf.id)->size())
    return env.reject(EACCES, "write access for struct {} at off {} with size {}\n", name, off,
                      size);
  std::span<const Writable> rows = kHidContext;
  if (!context) rows = kHidDevice;
  for (const Writable& row : rows) {
    Extent e = path_extent(btf, reg.target.btf.id, row.path);
    if (e.found && static_cast<uint32_t>(off) >= e.begin &&
        static_cast<uint32_t>(off + size) <= e.end - row.tail)
      return Check::ok();
  }
  return env.reject(EACCES, "write access at off {} with size {} on read-only part of {}\n", off,
                    size, name);
}

StructWriteRule struct_write_rule(const Env& env) {
  switch (env.type) {
    case ProgramType::kSchedCls:
    case ProgramType::kSchedAct:
    case ProgramType::kXdp: return write_connection;
    case ProgramType::kStructOps:
      return env.attach.struct_ops ? env.attach.struct_ops->write : nullptr;
    default: return nullptr;
  }
}

}  // namespace drydock::verifier
