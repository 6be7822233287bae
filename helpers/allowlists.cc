// SPDX-License-Identifier: Apache-2.0
// The groups themselves. Facts of Linux 5.10, 6.1, 6.12, 6.18 and 7.2; the exhaustive comparison
// with a real kernel (tests/helpers/allowlist_test.cc, corpus/tables/) keeps them honest.
#include "helpers/allowlists.h"

#include <algorithm>

#include "contexts/lsm_hooks.h"
#include "contexts/program_rules.h"
#include "helpers/rows.h"
#include "kernel/features.h"

namespace drydock {
namespace {

namespace id = helper_id;

// --- Conditions -------------------------------------------------------------------------------

template <class T>
bool one_of(T value, std::initializer_list<T> values) {
  return std::ranges::find(values, value) != values.end();
}

// Cgroup hooks whose caller ignores or fixes the returned value have none to read or set.
bool has_return_value(const CallSite& site, const Profile&) {
  using enum AttachType;
  return !one_of(site.attach_type,
                 {kCgroupInetIngress, kCgroupInetEgress, kCgroupSockOps, kCgroupUdp4Recvmsg,
                  kCgroupUdp6Recvmsg, kCgroupUnixRecvmsg, kCgroupInet4Getpeername,
                  kCgroupInet6Getpeername, kCgroupUnixGetpeername, kCgroupInet4Getsockname,
                  kCgroupInet6Getsockname, kCgroupUnixGetsockname});
}

bool connects_by_ip(const CallSite& site, const Profile&) {
  return one_of(site.attach_type,
                {AttachType::kCgroupInet4Connect, AttachType::kCgroupInet6Connect});
}

bool creates_socket(const CallSite& site, const Profile&) {
  return site.attach_type == AttachType::kCgroupInetSockCreate;
}

// 5.10 has only connecting sockets' options; names of Unix sockets were asked for by mistake.
bool has_socket_to_set(const CallSite& site, const Profile& profile) {
  if (!profile.has(Feature::kSockAddrOptions)) return connects_by_ip(site, profile);
  return !profile.has(Feature::kNoUnixNameOptions) ||
         !one_of(site.attach_type,
                 {AttachType::kCgroupUnixGetpeername, AttachType::kCgroupUnixGetsockname});
}

bool is_about_sockets(const CallSite& site, const Profile&) {
  return one_of(site.program_type, {ProgramType::kCgroupSock, ProgramType::kCgroupSockAddr});
}

bool is_sleepable(const CallSite& site, const Profile&) { return site.sleepable; }

// Whether tracing programs may call what all programs may, and whether they have a list instead.
bool tracing_has_base(const CallSite&, const Profile& profile) {
  return profile.has(Feature::kTracingCallsBase);
}
bool tracing_has_own(const CallSite& site, const Profile& profile) {
  return !tracing_has_base(site, profile);
}
bool tracing_has_earlier(const CallSite&, const Profile& profile) {
  return !profile.has(Feature::kTaskHelpersForAll);
}

bool sets_option(const CallSite& site, const Profile&) {
  return site.attach_type == AttachType::kCgroupSetsockopt;
}

bool is_multi_probe(const CallSite& site, const Profile& profile) {
  using enum AttachType;
  return has_attach_type(site.attach_type, profile) &&
         one_of(site.attach_type,
                {kTraceKprobeMulti, kTraceKprobeSession, kTraceUprobeMulti, kTraceUprobeSession});
}

bool is_iterator(const CallSite& site, const Profile&) {
  return site.attach_type == AttachType::kTraceIter;
}

// Attached through a trampoline, which saves the arguments and counts them.
bool has_trampoline(const CallSite& site, const Profile&) {
  using enum AttachType;
  if (site.program_type == ProgramType::kTracing)
    return one_of(site.attach_type, {kTraceFentry, kTraceFexit, kModifyReturn});
  return site.program_type == ProgramType::kLsm && site.attach_type == kLsmMac;
}

bool has_cookie(const CallSite& site, const Profile& profile) {
  return has_trampoline(site, profile) || (site.program_type == ProgramType::kTracing &&
                                           site.attach_type == AttachType::kTraceRawTp &&
                                           profile.has(Feature::kRawTracepointCookies));
}

// Tracepoints count their arguments too, since 7.0.
bool has_arguments(const CallSite& site, const Profile& profile) {
  return has_trampoline(site, profile) || (site.program_type == ProgramType::kTracing &&
                                           site.attach_type == AttachType::kTraceRawTp &&
                                           profile.has(Feature::kTracepointArgumentHelpers));
}

bool has_perfmon(const CallSite& site, const Profile&) { return site.perfmon; }

bool is_sleepable_lsm_hook(const CallSite& site, const Profile& profile) {
  const LsmHook* hook = lsm_hook(site.attach_func);
  return hook && hook->has(kLsmSleepable, profile);
}

// d_path takes locks: only where the caller of the hook surely holds none of them.
bool may_resolve_path(const CallSite& site, const Profile& profile) {
  if (profile.has(Feature::kPathsInIterators)) {
    if (site.program_type == ProgramType::kTracing && is_iterator(site, profile)) return true;
    if (site.program_type == ProgramType::kLsm) return is_sleepable_lsm_hook(site, profile);
  }
  return one_of<std::string_view>(site.attach_func,
                                  {"security_file_permission", "security_inode_getattr",
                                   "security_file_open", "security_path_truncate", "vfs_truncate",
                                   "vfs_fallocate", "dentry_open", "vfs_getattr", "filp_close"});
}

// A program that traces the socket storage itself would call it again.
bool is_outside_sk_storage(const CallSite& site, const Profile&) {
  using enum AttachType;
  if (site.extends_program) return false;
  if (one_of(site.attach_type, {kTraceIter, kTraceRawTp})) return true;
  return one_of(site.attach_type, {kTraceFentry, kTraceFexit}) &&
         !site.attach_func.starts_with("bpf_sk_storage");
}

// An lsm_cgroup program at a hook whose socket is locked, or not yet anybody else's.
bool owns_socket(const CallSite& site, const Profile& profile) {
  const LsmHook* hook = lsm_hook(site.attach_func);
  return site.attach_type == AttachType::kLsmCgroup && hook &&
         (hook->has(kLsmLockedSock, profile) || hook->has(kLsmFreshSock, profile));
}

bool is_lsm_cgroup(const CallSite& site, const Profile&) {
  return site.attach_type == AttachType::kLsmCgroup;
}

bool is_tcp_congestion(const CallSite& site, const Profile&) {
  return site.struct_ops == "tcp_congestion_ops";
}

// A congestion control that is being retired may allocate nothing more.
bool is_not_release(const CallSite& site, const Profile&) { return site.attach_func != "release"; }

bool iterates_stream_sockets(const CallSite& site, const Profile& profile) {
  return is_iterator(site, profile) &&
         one_of<std::string_view>(site.attach_func, {"bpf_iter_tcp", "bpf_iter_unix"});
}

// clang-format off: a group a table
// --- What every program may call, by capability ------------------------------------------------

constexpr Grant kBase[] = {
    {id::map_lookup_elem}, {id::map_update_elem}, {id::map_delete_elem}, {id::map_push_elem},
    {id::map_pop_elem}, {id::map_peek_elem}, {id::map_lookup_percpu_elem}, {id::get_prandom_u32},
    {.id = id::get_smp_processor_id, .variant = &variant::get_raw_smp_processor_id},
    {id::get_numa_node_id}, {id::tail_call}, {id::ktime_get_ns}, {id::ktime_get_boot_ns},
    {id::ktime_get_tai_ns}, {id::ringbuf_output}, {id::ringbuf_reserve}, {id::ringbuf_submit},
    {id::ringbuf_discard}, {id::ringbuf_query}, {id::strncmp},
    {.id = id::strtol, .since = "5.13"},
    {.id = id::strtoul, .since = "5.13"},
    {.id = id::get_current_pid_tgid, .since = "6.10"},
    {.id = id::get_ns_current_pid_tgid, .since = "6.10"},
    {.id = id::get_current_uid_gid, .since = "6.16"},
};

constexpr Grant kBaseBpf[] = {
    {id::spin_lock}, {id::spin_unlock}, {id::jiffies64}, {id::per_cpu_ptr}, {id::this_cpu_ptr},
    {id::timer_init}, {id::timer_set_callback}, {id::timer_start}, {id::timer_cancel},
    {id::kptr_xchg}, {id::for_each_map_elem}, {id::loop}, {id::user_ringbuf_drain},
    {id::ringbuf_reserve_dynptr}, {id::ringbuf_submit_dynptr}, {id::ringbuf_discard_dynptr},
    {id::dynptr_from_mem}, {id::dynptr_read}, {id::dynptr_write}, {id::dynptr_data},
    {.id = id::cgrp_storage_get, .config = "CONFIG_CGROUPS"},
    {.id = id::cgrp_storage_delete, .config = "CONFIG_CGROUPS"},
    {.id = id::get_current_cgroup_id, .config = "CONFIG_CGROUPS", .since = "6.4"},
    {.id = id::get_current_ancestor_cgroup_id, .config = "CONFIG_CGROUPS", .since = "6.4"},
    {.id = id::current_task_under_cgroup, .config = "CONFIG_CGROUPS", .since = "6.16"},
    {.id = id::get_cgroup_classid, .variant = &variant::get_cgroup_classid_curr,
     .config = "CONFIG_CGROUP_NET_CLASSID", .since = "6.16"},
    {.id = id::task_storage_get, .since = "6.16"},
    {.id = id::task_storage_delete, .since = "6.16"},
};

constexpr Grant kBasePerfmon[] = {
    {id::trace_printk}, {id::get_current_task}, {id::get_current_task_btf},
    {id::probe_read_user}, {id::probe_read_kernel}, {id::probe_read_user_str},
    {id::probe_read_kernel_str}, {id::snprintf_btf}, {id::snprintf}, {id::task_pt_regs},
    {id::trace_vprintk},
    {.id = id::get_current_comm, .since = "6.16"},
    {.id = id::copy_from_user, .since = "6.16"},
    {.id = id::copy_from_user_task, .since = "6.16"},
    {.id = id::perf_event_read_value, .since = "6.16"},
    {.id = id::perf_event_read, .since = "6.16"},
    {.id = id::send_signal, .since = "6.16"},
    {.id = id::send_signal_thread, .since = "6.16"},
    {.id = id::get_task_stack, .since = "6.16"},
    {.id = id::get_branch_snapshot, .since = "6.16"},
    {.id = id::find_vma, .since = "6.16"},
};

// What of that programs of some kinds could call before everybody could: those of cgroup hooks that
// run for the current task, those of sockets' messages, those that trace.
constexpr Grant kCgroupCurrent[] = {
    {.id = id::get_current_uid_gid, .until = "6.15"},
    {.id = id::get_current_comm, .when = is_about_sockets, .until = "5.12"},
    {.id = id::get_current_comm, .since = "5.13", .until = "6.15"},
    {.id = id::get_cgroup_classid, .variant = &variant::get_cgroup_classid_curr,
     .when = is_about_sockets, .config = "CONFIG_CGROUP_NET_CLASSID", .until = "5.12"},
    {.id = id::get_cgroup_classid, .variant = &variant::get_cgroup_classid_curr,
     .config = "CONFIG_CGROUP_NET_CLASSID", .since = "5.13", .until = "6.15"},
    {.id = id::current_task_under_cgroup, .since = "6.2", .until = "6.15"},
    {.id = id::get_current_pid_tgid, .when = is_about_sockets, .until = "5.12"},
    {.id = id::get_current_pid_tgid, .since = "5.13", .until = "6.9"},
    {.id = id::get_current_cgroup_id, .config = "CONFIG_CGROUPS", .until = "6.3"},
    {.id = id::get_current_ancestor_cgroup_id, .when = is_about_sockets,
     .config = "CONFIG_CGROUPS", .until = "5.12"},
    {.id = id::get_current_ancestor_cgroup_id, .config = "CONFIG_CGROUPS", .since = "5.13",
     .until = "6.3"},
};

constexpr Grant kTracingEarlier[] = {
    {id::get_current_pid_tgid}, {id::get_current_uid_gid}, {id::get_current_comm},
    {id::current_task_under_cgroup},
    {.id = id::get_current_cgroup_id, .config = "CONFIG_CGROUPS"},
    {.id = id::get_current_ancestor_cgroup_id, .config = "CONFIG_CGROUPS", .since = "5.13"},
    {id::get_ns_current_pid_tgid}, {id::send_signal}, {id::send_signal_thread},
    {id::perf_event_read}, {id::perf_event_read_value}, {id::get_task_stack},
    {.id = id::copy_from_user, .when = is_sleepable, .until = "5.12"},
    {.id = id::copy_from_user, .since = "5.13"},
    {id::copy_from_user_task}, {id::task_storage_get}, {id::task_storage_delete},
    {id::get_branch_snapshot}, {id::find_vma},
};

// 5.10 asks tracing programs nothing but their own list.
constexpr Grant kTracingAlone[] = {
    {id::map_lookup_elem}, {id::map_update_elem}, {id::map_delete_elem}, {id::map_push_elem},
    {id::map_pop_elem}, {id::map_peek_elem}, {id::get_prandom_u32}, {id::get_numa_node_id},
    {id::tail_call}, {id::ktime_get_ns}, {id::ktime_get_boot_ns}, {id::ringbuf_output},
    {id::ringbuf_reserve}, {id::ringbuf_submit}, {id::ringbuf_discard}, {id::ringbuf_query},
    {id::jiffies64}, {id::per_cpu_ptr}, {id::this_cpu_ptr}, {id::trace_printk},
    {id::get_current_task}, {id::probe_read_user}, {id::probe_read_kernel},
    {id::probe_read_user_str}, {id::probe_read_kernel_str}, {id::snprintf_btf},
};

// --- Networking -------------------------------------------------------------------------------

// The socket casts of this group need CAP_PERFMON, the clock does not.
constexpr Grant kSkBase[] = {
    {.id = id::skc_to_tcp6_sock, .when = has_perfmon},
    {.id = id::skc_to_tcp_sock, .when = has_perfmon},
    {.id = id::skc_to_tcp_timewait_sock, .when = has_perfmon},
    {.id = id::skc_to_tcp_request_sock, .when = has_perfmon},
    {.id = id::skc_to_udp6_sock, .when = has_perfmon},
    {.id = id::skc_to_unix_sock, .when = has_perfmon},
    {.id = id::skc_to_mptcp_sock, .when = has_perfmon},
    {id::ktime_get_coarse_ns},
};

constexpr Grant kCgroupCommon[] = {
    {id::get_local_storage},
    {.id = id::get_retval, .when = has_return_value},
    {.id = id::set_retval, .when = has_return_value},
};

constexpr Grant kSocketFilter[] = {
    {id::skb_load_bytes}, {id::skb_load_bytes_relative}, {id::get_socket_cookie},
    {.id = id::get_netns_cookie, .since = "6.15"},
    {id::get_socket_uid}, {id::perf_event_output},
};

constexpr Grant kCgroupSkb[] = {
    {id::sk_fullsock}, {id::sk_storage_get}, {id::sk_storage_delete}, {id::perf_event_output},
    {.id = id::skb_cgroup_id, .config = "CONFIG_SOCK_CGROUP_DATA"},
    {.id = id::skb_ancestor_cgroup_id, .config = "CONFIG_SOCK_CGROUP_DATA"},
    {.id = id::sk_cgroup_id, .config = "CONFIG_SOCK_CGROUP_DATA"},
    {.id = id::sk_ancestor_cgroup_id, .config = "CONFIG_SOCK_CGROUP_DATA"},
    {id::sk_lookup_tcp}, {id::sk_lookup_udp}, {id::sk_release}, {id::skc_lookup_tcp},
    {id::tcp_sock}, {id::get_listener_sock}, {id::skb_ecn_set_ce},
};

constexpr Grant kCgroupSock[] = {
    {id::get_socket_cookie}, {id::get_netns_cookie}, {id::perf_event_output},
    {.id = id::sk_storage_get, .variant = &variant::sk_storage_get_cg_sock},
    {id::ktime_get_coarse_ns},
    {.id = id::setsockopt, .variant = &variant::sock_addr_setsockopt, .when = creates_socket,
     .since = "7.1"},
    {.id = id::getsockopt, .variant = &variant::sock_addr_getsockopt, .when = creates_socket,
     .since = "7.1"},
};

constexpr Grant kCgroupSockAddr[] = {
    {.id = id::bind, .when = connects_by_ip},
    {id::get_socket_cookie}, {id::get_netns_cookie}, {id::perf_event_output},
    {.id = id::sk_lookup_tcp, .variant = &variant::sock_addr_sk_lookup_tcp},
    {.id = id::sk_lookup_udp, .variant = &variant::sock_addr_sk_lookup_udp},
    {id::sk_release},
    {.id = id::skc_lookup_tcp, .variant = &variant::sock_addr_skc_lookup_tcp},
    {id::sk_storage_get}, {id::sk_storage_delete},
    {.id = id::setsockopt, .variant = &variant::sock_addr_setsockopt, .when = has_socket_to_set},
    {.id = id::getsockopt, .variant = &variant::sock_addr_getsockopt, .when = has_socket_to_set},
};

constexpr Grant kCgroupDevice[] = {
    {id::perf_event_output},
};

constexpr Grant kCgroupSysctl[] = {
    {id::sysctl_get_name}, {id::sysctl_get_current_value}, {id::sysctl_get_new_value},
    {id::sysctl_set_new_value}, {id::ktime_get_coarse_ns}, {id::perf_event_output},
    {id::strtol}, {id::strtoul},
};

constexpr Grant kCgroupSockopt[] = {
    {.id = id::get_netns_cookie, .since = "5.15"},
    {id::sk_storage_get}, {id::sk_storage_delete},
    {.id = id::setsockopt, .when = sets_option, .since = "5.15"},
    {.id = id::getsockopt, .when = sets_option, .since = "5.15"},
    {id::tcp_sock}, {id::perf_event_output},
};

constexpr Grant kSockOps[] = {
    {.id = id::setsockopt, .variant = &variant::sock_addr_setsockopt},
    {.id = id::getsockopt, .variant = &variant::sock_addr_getsockopt},
    {id::sock_ops_cb_flags_set}, {id::sock_map_update}, {id::sock_hash_update},
    {id::get_socket_cookie}, {id::perf_event_output}, {id::sk_storage_get}, {id::sk_storage_delete},
    {.id = id::get_netns_cookie, .since = "5.15"},
    {id::load_hdr_opt}, {id::store_hdr_opt}, {id::reserve_hdr_opt},
    {id::tcp_sock},
};

constexpr Grant kSkMsg[] = {
    {id::msg_redirect_map}, {id::msg_redirect_hash}, {id::msg_apply_bytes}, {id::msg_cork_bytes},
    {id::msg_pull_data}, {id::msg_push_data}, {id::msg_pop_data}, {id::perf_event_output},
    {id::sk_storage_get}, {id::sk_storage_delete},
    {.id = id::get_netns_cookie, .since = "5.15"},
    {.id = id::get_current_uid_gid, .until = "6.15"},
    {.id = id::get_cgroup_classid, .variant = &variant::get_cgroup_classid_curr,
     .config = "CONFIG_CGROUP_NET_CLASSID", .until = "6.15"},
    {.id = id::get_current_pid_tgid, .until = "6.9"},
    {.id = id::get_current_cgroup_id, .config = "CONFIG_CGROUPS", .until = "6.3"},
    {.id = id::get_current_ancestor_cgroup_id, .config = "CONFIG_CGROUPS", .until = "6.3"},
};

constexpr Grant kSkSkb[] = {
    {id::skb_store_bytes}, {id::skb_load_bytes}, {id::skb_pull_data}, {id::skb_change_tail},
    {id::skb_change_head}, {id::skb_adjust_room}, {id::get_socket_cookie}, {id::get_socket_uid},
    {id::sk_redirect_map}, {id::sk_redirect_hash}, {id::perf_event_output}, {id::sk_lookup_tcp},
    {id::sk_lookup_udp}, {id::sk_release}, {id::skc_lookup_tcp},
};

constexpr Grant kSkLookup[] = {
    {id::perf_event_output},
    {.id = id::sk_assign, .variant = &variant::sk_lookup_assign},
    {id::sk_release},
};

constexpr Grant kSkReuseport[] = {
    {id::sk_select_reuseport}, {id::skb_load_bytes}, {id::skb_load_bytes_relative},
    {.id = id::get_socket_cookie, .variant = &variant::get_socket_ptr_cookie, .since = "5.12"},
    {id::ktime_get_coarse_ns},
};

constexpr Grant kFlowDissector[] = {
    {id::skb_load_bytes},
};

constexpr Grant kSchedCls[] = {
    {id::skb_store_bytes}, {id::skb_load_bytes}, {id::skb_load_bytes_relative}, {id::skb_pull_data},
    {id::csum_diff}, {id::csum_update}, {id::csum_level}, {id::l3_csum_replace},
    {id::l4_csum_replace}, {id::clone_redirect}, {id::get_cgroup_classid}, {id::skb_vlan_push},
    {id::skb_vlan_pop}, {id::skb_change_proto}, {id::skb_change_type}, {id::skb_adjust_room},
    {id::skb_change_tail}, {id::skb_change_head}, {id::skb_get_tunnel_key},
    {id::skb_set_tunnel_key}, {id::skb_get_tunnel_opt}, {id::skb_set_tunnel_opt}, {id::redirect},
    {id::redirect_neigh}, {id::redirect_peer}, {id::get_route_realm}, {id::get_hash_recalc},
    {id::set_hash_invalid}, {id::set_hash}, {id::perf_event_output}, {id::get_smp_processor_id},
    {id::skb_under_cgroup}, {id::get_socket_cookie},
    {.id = id::get_netns_cookie, .since = "6.15"},
    {id::get_socket_uid},
    {id::fib_lookup}, {id::check_mtu}, {id::sk_fullsock}, {id::sk_storage_get},
    {id::sk_storage_delete},
    {.id = id::skb_get_xfrm_state, .config = "CONFIG_XFRM"},
    {.id = id::skb_cgroup_classid, .config = "CONFIG_CGROUP_NET_CLASSID"},
    {.id = id::skb_cgroup_id, .config = "CONFIG_SOCK_CGROUP_DATA"},
    {.id = id::skb_ancestor_cgroup_id, .config = "CONFIG_SOCK_CGROUP_DATA"},
    {id::sk_lookup_tcp}, {id::sk_lookup_udp}, {id::sk_release}, {id::tcp_sock},
    {id::get_listener_sock}, {id::skc_lookup_tcp}, {id::tcp_check_syncookie}, {id::skb_ecn_set_ce},
    {id::tcp_gen_syncookie}, {id::sk_assign}, {id::skb_set_tstamp},
    {.id = id::tcp_raw_gen_syncookie_ipv4, .config = "CONFIG_SYN_COOKIES"},
    {.id = id::tcp_raw_gen_syncookie_ipv6, .config = "CONFIG_SYN_COOKIES"},
    {.id = id::tcp_raw_check_syncookie_ipv4, .config = "CONFIG_SYN_COOKIES"},
    {.id = id::tcp_raw_check_syncookie_ipv6, .config = "CONFIG_SYN_COOKIES"},
};

constexpr Grant kXdp[] = {
    {id::perf_event_output}, {id::get_smp_processor_id}, {id::csum_diff}, {id::xdp_adjust_head},
    {id::xdp_adjust_meta}, {id::redirect}, {id::redirect_map}, {id::xdp_adjust_tail},
    {id::xdp_get_buff_len}, {id::xdp_load_bytes}, {id::xdp_store_bytes}, {id::fib_lookup},
    {id::check_mtu}, {id::sk_lookup_udp}, {id::sk_lookup_tcp}, {id::sk_release},
    {id::skc_lookup_tcp}, {id::tcp_check_syncookie}, {id::tcp_gen_syncookie},
    {.id = id::tcp_raw_gen_syncookie_ipv4, .config = "CONFIG_SYN_COOKIES"},
    {.id = id::tcp_raw_gen_syncookie_ipv6, .config = "CONFIG_SYN_COOKIES"},
    {.id = id::tcp_raw_check_syncookie_ipv4, .config = "CONFIG_SYN_COOKIES"},
    {.id = id::tcp_raw_check_syncookie_ipv6, .config = "CONFIG_SYN_COOKIES"},
};

constexpr Grant kLwtOut[] = {
    {id::skb_load_bytes}, {id::skb_pull_data}, {id::csum_diff}, {id::get_cgroup_classid},
    {id::get_route_realm}, {id::get_hash_recalc}, {id::perf_event_output},
    {id::get_smp_processor_id}, {id::skb_under_cgroup},
};

constexpr Grant kLwtIn[] = {
    {id::lwt_push_encap},
};

constexpr Grant kLwtXmit[] = {
    {id::skb_get_tunnel_key}, {id::skb_set_tunnel_key}, {id::skb_get_tunnel_opt},
    {id::skb_set_tunnel_opt}, {id::redirect}, {id::clone_redirect}, {id::skb_change_tail},
    {id::skb_change_head}, {id::skb_store_bytes}, {id::csum_update}, {id::csum_level},
    {id::l3_csum_replace}, {id::l4_csum_replace}, {id::set_hash_invalid}, {id::lwt_push_encap},
};

constexpr Grant kLwtSeg6local[] = {
    {.id = id::lwt_seg6_store_bytes, .config = "CONFIG_IPV6_SEG6_BPF"},
    {.id = id::lwt_seg6_action, .config = "CONFIG_IPV6_SEG6_BPF"},
    {.id = id::lwt_seg6_adjust_srh, .config = "CONFIG_IPV6_SEG6_BPF"},
};

constexpr Grant kTcpCongestion[] = {
    {id::tcp_send_ack}, {id::sk_storage_get}, {id::sk_storage_delete},
    {.id = id::setsockopt, .when = is_not_release, .since = "5.15"},
    {.id = id::getsockopt, .when = is_not_release, .since = "5.15"},
    {id::ktime_get_coarse_ns},
};

// --- Tracing, security, system calls ----------------------------------------------------------

constexpr Grant kTracingAdmin[] = {
    {id::probe_write_user},
};

constexpr Grant kTracing[] = {
    {id::get_smp_processor_id},
    {.id = id::probe_read, .config = "CONFIG_ARCH_HAS_NON_OVERLAPPING_ADDRESS_SPACE"},
    {.id = id::probe_read_str, .config = "CONFIG_ARCH_HAS_NON_OVERLAPPING_ADDRESS_SPACE"},
    {id::get_func_ip},
};

constexpr Grant kKprobe[] = {
    {id::perf_event_output}, {id::get_stackid}, {id::get_stack},
    {.id = id::override_return, .config = "CONFIG_BPF_KPROBE_OVERRIDE"},
    {.id = id::get_func_ip, .variant = &variant::get_func_ip_kprobe_multi, .when = is_multi_probe},
    {id::get_func_ip}, {id::get_attach_cookie},
};

constexpr Grant kTracepoint[] = {
    {id::perf_event_output}, {id::get_stackid}, {id::get_stack}, {id::get_attach_cookie},
};

constexpr Grant kPerfEvent[] = {
    {id::perf_event_output},
    {.id = id::get_stackid, .variant = &variant::get_stackid_pe},
    {id::get_stack}, {id::perf_prog_read_value}, {id::read_branch_records}, {id::get_attach_cookie},
};

constexpr Grant kRawTracepoint[] = {
    {id::perf_event_output}, {id::get_stackid}, {id::get_stack},
    {.id = id::get_attach_cookie, .since = "6.10"},
};

constexpr Grant kTracingBtf[] = {
    {id::skb_output}, {id::xdp_output}, {id::skc_to_tcp6_sock}, {id::skc_to_tcp_sock},
    {id::skc_to_tcp_timewait_sock}, {id::skc_to_tcp_request_sock}, {id::skc_to_udp6_sock},
    {id::skc_to_unix_sock}, {id::skc_to_mptcp_sock},
    {.id = id::sk_storage_get,
     .variant = &variant::sk_storage_get_tracing,
     .at_hook = is_outside_sk_storage,
     .since = "5.11"},
    {.id = id::sk_storage_delete,
     .variant = &variant::sk_storage_delete_tracing,
     .at_hook = is_outside_sk_storage,
     .since = "5.11"},
    {id::sock_from_file},
    {.id = id::get_socket_cookie, .variant = &variant::get_socket_ptr_cookie, .since = "5.12"},
    {.id = id::xdp_get_buff_len, .variant = &variant::xdp_get_buff_len_trace},
    {.id = id::seq_printf, .when = is_iterator},
    {.id = id::seq_write, .when = is_iterator},
    {.id = id::seq_printf_btf, .when = is_iterator},
    {.id = id::d_path, .at_hook = may_resolve_path},
    {.id = id::get_func_arg, .when = has_arguments},
    {.id = id::get_func_ret, .when = has_trampoline},
    {.id = id::get_func_arg_cnt, .when = has_arguments},
    {.id = id::get_attach_cookie, .when = has_cookie},
};

constexpr Grant kLsm[] = {
    {id::inode_storage_get}, {id::inode_storage_delete}, {id::sk_storage_get},
    {id::sk_storage_delete},
    {.id = id::spin_lock, .since = "5.11"},
    {.id = id::spin_unlock, .since = "5.11"},
    {id::bprm_opts_set},
    {.id = id::ima_inode_hash, .at_hook = is_sleepable_lsm_hook},
    {.id = id::ima_file_hash, .at_hook = is_sleepable_lsm_hook},
    {.id = id::get_attach_cookie, .when = has_trampoline},
    {.id = id::setsockopt, .when = owns_socket},
    {.id = id::getsockopt, .when = owns_socket},
};

constexpr Grant kSyscall[] = {
    {.id = id::sys_bpf, .when = has_perfmon},
    {id::btf_find_by_name_kind}, {id::sys_close}, {id::kallsyms_lookup_name},
};

constexpr Grant kLirc[] = {
    {id::rc_repeat}, {id::rc_keydown}, {id::rc_pointer_rel}, {id::map_lookup_elem},
    {id::map_update_elem}, {id::map_delete_elem}, {id::map_push_elem}, {id::map_pop_elem},
    {id::map_peek_elem}, {id::ktime_get_ns}, {id::ktime_get_boot_ns}, {id::tail_call},
    {id::get_prandom_u32},
    {.id = id::trace_printk, .when = has_perfmon},
};

constexpr Grant kTcpIter[] = {
    {.id = id::setsockopt, .since = "5.15"}, {.id = id::getsockopt, .since = "5.15"},
};
// clang-format on

// --- Groups and the order in which a program type asks them ------------------------------------

namespace group {

constexpr HelperGroup indexed(HelperGroup group) {
  for (size_t i = group.grants.size(); i-- > 0;)
    group.first[group.grants[i].id] = static_cast<uint8_t>(i + 1);
  return group;
}

constexpr HelperGroup base = indexed({.name = "base", .grants = kBase});
constexpr HelperGroup base_bpf =
    indexed({.name = "base_bpf", .grants = kBaseBpf, .needs = Capability::kBpf});
constexpr HelperGroup base_perfmon =
    indexed({.name = "base_perfmon", .grants = kBasePerfmon, .needs = Capability::kPerfmon});
constexpr HelperGroup tracing_base =
    indexed({.name = "tracing_base", .grants = kBase, .when = tracing_has_base});
constexpr HelperGroup tracing_base_bpf = indexed({.name = "tracing_base_bpf",
                                                  .grants = kBaseBpf,
                                                  .needs = Capability::kBpf,
                                                  .when = tracing_has_base});
constexpr HelperGroup tracing_base_perfmon = indexed({.name = "tracing_base_perfmon",
                                                      .grants = kBasePerfmon,
                                                      .needs = Capability::kPerfmon,
                                                      .when = tracing_has_base});
constexpr HelperGroup tracing_alone =
    indexed({.name = "tracing_alone", .grants = kTracingAlone, .when = tracing_has_own});
constexpr HelperGroup tracing_earlier =
    indexed({.name = "tracing_earlier", .grants = kTracingEarlier, .when = tracing_has_earlier});
constexpr HelperGroup cgroup_current =
    indexed({.name = "cgroup_current", .grants = kCgroupCurrent});
constexpr HelperGroup sk_base = indexed({.name = "sk_base", .grants = kSkBase});
constexpr HelperGroup cgroup_common = indexed({.name = "cgroup_common", .grants = kCgroupCommon});
constexpr HelperGroup lsm_cgroup =
    indexed({.name = "lsm_cgroup", .grants = kCgroupCommon, .when = is_lsm_cgroup});
constexpr HelperGroup socket_filter = indexed({.name = "socket_filter", .grants = kSocketFilter});
constexpr HelperGroup cgroup_skb = indexed({.name = "cgroup_skb", .grants = kCgroupSkb});
constexpr HelperGroup cgroup_sock = indexed({.name = "cgroup_sock", .grants = kCgroupSock});
constexpr HelperGroup cgroup_sock_addr =
    indexed({.name = "cgroup_sock_addr", .grants = kCgroupSockAddr});
constexpr HelperGroup cgroup_device = indexed({.name = "cgroup_device", .grants = kCgroupDevice});
constexpr HelperGroup cgroup_sysctl = indexed({.name = "cgroup_sysctl", .grants = kCgroupSysctl});
constexpr HelperGroup cgroup_sockopt =
    indexed({.name = "cgroup_sockopt", .grants = kCgroupSockopt});
constexpr HelperGroup sock_ops = indexed({.name = "sock_ops", .grants = kSockOps});
constexpr HelperGroup sk_msg = indexed({.name = "sk_msg", .grants = kSkMsg});
constexpr HelperGroup sk_skb = indexed({.name = "sk_skb", .grants = kSkSkb});
constexpr HelperGroup sk_lookup = indexed({.name = "sk_lookup", .grants = kSkLookup});
constexpr HelperGroup sk_reuseport = indexed({.name = "sk_reuseport", .grants = kSkReuseport});
constexpr HelperGroup flow_dissector =
    indexed({.name = "flow_dissector", .grants = kFlowDissector});
constexpr HelperGroup sched_cls = indexed({.name = "sched_cls", .grants = kSchedCls});
constexpr HelperGroup xdp = indexed({.name = "xdp", .grants = kXdp});
constexpr HelperGroup lwt_out = indexed({.name = "lwt_out", .grants = kLwtOut});
constexpr HelperGroup lwt_in = indexed({.name = "lwt_in", .grants = kLwtIn});
constexpr HelperGroup lwt_xmit = indexed({.name = "lwt_xmit", .grants = kLwtXmit});
constexpr HelperGroup lwt_seg6local = indexed({.name = "lwt_seg6local", .grants = kLwtSeg6local});
constexpr HelperGroup tcp_congestion =
    indexed({.name = "tcp_congestion", .grants = kTcpCongestion, .when = is_tcp_congestion});
constexpr HelperGroup tracing = indexed({.name = "tracing", .grants = kTracing});
constexpr HelperGroup tracing_admin =
    indexed({.name = "tracing_admin", .grants = kTracingAdmin, .needs = Capability::kSysAdmin});
constexpr HelperGroup kprobe = indexed({.name = "kprobe", .grants = kKprobe});
constexpr HelperGroup tracepoint = indexed({.name = "tracepoint", .grants = kTracepoint});
constexpr HelperGroup perf_event = indexed({.name = "perf_event", .grants = kPerfEvent});
constexpr HelperGroup raw_tracepoint =
    indexed({.name = "raw_tracepoint", .grants = kRawTracepoint});
constexpr HelperGroup tracing_btf = indexed({.name = "tracing_btf", .grants = kTracingBtf});
constexpr HelperGroup lsm = indexed({.name = "lsm", .grants = kLsm});
constexpr HelperGroup syscall = indexed({.name = "syscall", .grants = kSyscall});
constexpr HelperGroup lirc = indexed({.name = "lirc", .grants = kLirc});
constexpr HelperGroup stream_iterator =
    indexed({.name = "stream_iterator", .grants = kTcpIter, .when = iterates_stream_sockets});
}  // namespace group

template <const HelperGroup*... Groups>
inline constexpr std::array<const HelperGroup*, sizeof...(Groups)> chain{Groups...};

#define DRYDOCK_BASE &group::base, &group::base_bpf, &group::base_perfmon
#define DRYDOCK_SK_BASE &group::sk_base, DRYDOCK_BASE
#define DRYDOCK_TRACING                                                                  \
  &group::tracing, &group::tracing_earlier, &group::tracing_alone, &group::tracing_base, \
      &group::tracing_base_bpf, &group::tracing_base_perfmon, &group::tracing_admin
#define DRYDOCK_TRACING_BTF \
  &group::tracing_btf, &group::raw_tracepoint, DRYDOCK_TRACING, &group::stream_iterator

std::span<const HelperGroup* const> chain_of(ProgramType type) {
  using enum ProgramType;
  switch (type) {
    case kUnspec:
    case kExt: return {};  // an extension is what the program that it extends is
    case kSocketFilter: return chain<&group::socket_filter, DRYDOCK_SK_BASE>;
    case kKprobe: return chain<&group::kprobe, DRYDOCK_TRACING>;
    case kSchedCls:
    case kSchedAct: return chain<&group::sched_cls, DRYDOCK_SK_BASE>;
    case kTracepoint: return chain<&group::tracepoint, DRYDOCK_TRACING>;
    case kXdp: return chain<&group::xdp, DRYDOCK_SK_BASE>;
    case kPerfEvent: return chain<&group::perf_event, DRYDOCK_TRACING>;
    case kCgroupSkb:
      return chain<&group::cgroup_common, &group::cgroup_skb, &group::socket_filter,
                   DRYDOCK_SK_BASE>;
    case kCgroupSock:
      return chain<&group::cgroup_common, &group::cgroup_current, &group::cgroup_sock,
                   DRYDOCK_BASE>;
    case kLwtIn: return chain<&group::lwt_in, &group::lwt_out, DRYDOCK_SK_BASE>;
    case kLwtOut: return chain<&group::lwt_out, DRYDOCK_SK_BASE>;
    case kLwtXmit: return chain<&group::lwt_xmit, &group::lwt_out, DRYDOCK_SK_BASE>;
    case kLwtSeg6local: return chain<&group::lwt_seg6local, &group::lwt_out, DRYDOCK_SK_BASE>;
    case kSockOps: return chain<&group::cgroup_common, &group::sock_ops, DRYDOCK_SK_BASE>;
    case kSkSkb: return chain<&group::sk_skb, DRYDOCK_SK_BASE>;
    case kCgroupDevice:
      return chain<&group::cgroup_common, &group::cgroup_current, &group::cgroup_device,
                   DRYDOCK_BASE>;
    case kSkMsg: return chain<&group::sk_msg, DRYDOCK_SK_BASE>;
    case kRawTracepoint:
    case kRawTracepointWritable: return chain<&group::raw_tracepoint, DRYDOCK_TRACING>;
    case kCgroupSockAddr:
      return chain<&group::cgroup_common, &group::cgroup_current, &group::cgroup_sock_addr,
                   DRYDOCK_SK_BASE>;
    case kLircMode2: return chain<&group::lirc>;
    case kSkReuseport: return chain<&group::sk_reuseport, DRYDOCK_BASE>;
    case kFlowDissector: return chain<&group::flow_dissector, DRYDOCK_SK_BASE>;
    case kCgroupSysctl:
      return chain<&group::cgroup_common, &group::cgroup_current, &group::cgroup_sysctl,
                   DRYDOCK_BASE>;
    case kCgroupSockopt:
      return chain<&group::cgroup_common, &group::cgroup_current, &group::cgroup_sockopt,
                   DRYDOCK_BASE>;
    case kTracing: return chain<DRYDOCK_TRACING_BTF>;
    case kStructOps: return chain<&group::tcp_congestion, DRYDOCK_BASE>;
    case kLsm: return chain<&group::lsm_cgroup, &group::lsm, DRYDOCK_TRACING_BTF>;
    case kSkLookup: return chain<&group::sk_lookup, DRYDOCK_SK_BASE>;
    case kSyscall: return chain<&group::syscall, DRYDOCK_TRACING_BTF>;
    case kNetfilter: return chain<DRYDOCK_BASE>;
  }
  return {};
}

#undef DRYDOCK_BASE
#undef DRYDOCK_SK_BASE
#undef DRYDOCK_TRACING
#undef DRYDOCK_TRACING_BTF

}  // namespace

std::span<const HelperGroup* const> helper_groups(ProgramType type) { return chain_of(type); }

std::span<const HelperGroup* const> all_helper_groups() {
  static constexpr std::array kAll{&group::base,
                                   &group::base_bpf,
                                   &group::base_perfmon,
                                   &group::tracing_base,
                                   &group::tracing_base_bpf,
                                   &group::tracing_base_perfmon,
                                   &group::tracing_alone,
                                   &group::tracing_earlier,
                                   &group::cgroup_current,
                                   &group::sk_base,
                                   &group::cgroup_common,
                                   &group::lsm_cgroup,
                                   &group::socket_filter,
                                   &group::cgroup_skb,
                                   &group::cgroup_sock,
                                   &group::cgroup_sock_addr,
                                   &group::cgroup_device,
                                   &group::cgroup_sysctl,
                                   &group::cgroup_sockopt,
                                   &group::sock_ops,
                                   &group::sk_msg,
                                   &group::sk_skb,
                                   &group::sk_lookup,
                                   &group::sk_reuseport,
                                   &group::flow_dissector,
                                   &group::sched_cls,
                                   &group::xdp,
                                   &group::lwt_out,
                                   &group::lwt_in,
                                   &group::lwt_xmit,
                                   &group::lwt_seg6local,
                                   &group::tcp_congestion,
                                   &group::tracing,
                                   &group::tracing_admin,
                                   &group::kprobe,
                                   &group::tracepoint,
                                   &group::perf_event,
                                   &group::raw_tracepoint,
                                   &group::tracing_btf,
                                   &group::lsm,
                                   &group::syscall,
                                   &group::lirc,
                                   &group::stream_iterator};
  return kAll;
}

}  // namespace drydock
