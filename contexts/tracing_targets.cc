// SPDX-License-Identifier: Apache-2.0
#include "contexts/tracing_targets.h"

#include <algorithm>
#include <array>
#include <span>

#include "kernel/features.h"

namespace drydock {
namespace {

/// A function that is in a list when the option is set ("" always, "!X" when X is not).
struct Listed {
  std::string_view function;
  std::string_view config = {};
};

bool holds(std::string_view config, const Profile& profile) {
  if (config.empty()) return true;
  if (config.starts_with('!')) return !profile.config_enabled(config.substr(1));
  return profile.config_enabled(config);
}

bool listed(std::span<const Listed> list, std::string_view function, const Profile& profile) {
  return std::ranges::any_of(list, [&](const Listed& entry) {
    return entry.function == function && holds(entry.config, profile);
  });
}

// What the trampoline itself calls.
constexpr Listed kDenied[] = {
    {"___migrate_enable", "CONFIG_SMP"},
    {"migrate_disable", "CONFIG_SMP"},
    {"migrate_enable", "CONFIG_SMP"},
    {"rcu_read_unlock_strict", "!CONFIG_PREEMPT_RCU"},
    {"preempt_count_add", "CONFIG_DEBUG_PREEMPT"},
    {"preempt_count_sub", "CONFIG_DEBUG_PREEMPT"},
    {"preempt_count_add", "CONFIG_TRACE_PREEMPT_TOGGLE"},
    {"preempt_count_sub", "CONFIG_TRACE_PREEMPT_TOGGLE"},
    {"__rcu_read_lock", "CONFIG_PREEMPT_RCU"},
    {"__rcu_read_unlock", "CONFIG_PREEMPT_RCU"},
};

constexpr Listed kNoReturn[] = {
    {"__ia32_sys_exit", "CONFIG_IA32_EMULATION"},
    {"__ia32_sys_exit_group", "CONFIG_IA32_EMULATION"},
    {"__kunit_abort", "CONFIG_KUNIT"},
    {"kunit_try_catch_throw", "CONFIG_KUNIT"},
    {"__module_put_and_kthread_exit", "CONFIG_MODULES"},
    {"__x64_sys_exit", "CONFIG_X86_64"},
    {"__x64_sys_exit_group", "CONFIG_X86_64"},
    {"do_exit"},
    {"do_group_exit"},
    {"kthread_complete_and_exit"},
    {"kthread_exit"},
    {"make_task_dead"},
};

// Functions that exist to be modified.
struct Modifiable {
  std::string_view function;
  bool sleepable = false;
  std::string_view config = {};
  std::string_view since = "6.3";  // before: what may be failed by error injection
};
constexpr Modifiable kModifiable[] = {
    {"bpf_modify_return_test"},
    {"bpf_modify_return_test2"},
    {"bpf_modify_return_test_tp"},
    {"bpf_fentry_test1", true},
    {"update_socket_protocol", false, "CONFIG_MPTCP", "6.6"},
};

const Modifiable* modifiable(std::string_view function, const Profile& profile) {
  auto at = std::ranges::find(kModifiable, function, &Modifiable::function);
  bool known = at != std::end(kModifiable) && holds(at->config, profile) &&
               within(profile.version(), at->since, "");
  return known ? at : nullptr;
}

// Functions whose failure may be injected, apart from the system calls.
// clang-format off
constexpr std::string_view kInjectable[] = {
    "__filemap_add_folio",  "bpf_fentry_test1", "bpf_modify_return_test", "btrfs_check_leaf", "btrfs_check_node",
    "btrfs_cow_block",      "btrfs_search_slot", "btrfs_should_cancel_balance",
    "io_ctl_init",          "mtd_block_markbad", "mtd_erase",
    "mtd_read",             "mtd_write",         "open_ctree",
    "page_pool_alloc_netmems", "should_fail_alloc_page", "should_fail_bio",
    "should_fail_net_realloc_skb", "should_failslab",
};
// clang-format on

// Of those, the ones that are called where nothing may sleep as well.
constexpr std::string_view kInjectableInAtomic[] = {"__filemap_add_folio", "should_fail_alloc_page",
                                                    "should_failslab"};

template <size_t N>
bool contains(const std::string_view (&names)[N], std::string_view name) {
  return std::ranges::find(names, name) != std::end(names);
}

bool injectable(std::string_view function, const Profile& profile) {
  if (!profile.config_enabled("CONFIG_FUNCTION_ERROR_INJECTION")) return false;
  bool is_system_call = function.starts_with("__x64_sys_") || function.starts_with("__ia32_sys_") ||
                        function.starts_with("__ia32_compat_sys_");
  return is_system_call || contains(kInjectable, function);
}

struct RawTracepoint {
  std::string_view name;
  RawTracepointArgs args;
  std::string_view since;
};

constexpr RawTracepointArgs operator|(RawTracepointArgs a, RawTracepointArgs b) {
  return {a.nullable | b.nullable, a.error | b.error};
}
// The words of raw_tracepoints.def.
constexpr RawTracepointArgs never_null{};
constexpr RawTracepointArgs nullable(unsigned argument) { return {.nullable = 1ull << argument}; }
constexpr RawTracepointArgs error(unsigned argument) { return {.error = 1ull << argument}; }

constexpr auto kRawTracepoints = std::to_array<RawTracepoint>({
#define DRYDOCK_RAW_TRACEPOINT(name, args, since) {#name, args, since},
#include "contexts/raw_tracepoints.def"
#undef DRYDOCK_RAW_TRACEPOINT
});

}  // namespace

bool tracing_denied(std::string_view function, const Profile& profile) {
  return listed(kDenied, function, profile);
}

bool never_returns(std::string_view function, const Profile& profile) {
  return listed(kNoReturn, function, profile);
}

/// Kernels without error injection that go by the name of what it would have allowed.
bool system_call_by_name(std::string_view function, const Profile& profile) {
  return profile.has(Feature::kSystemCallsSleep) && function.starts_with("__x64_") &&
         !profile.config_enabled("CONFIG_FUNCTION_ERROR_INJECTION");
}

bool may_modify_return(std::string_view function, const Profile& profile) {
  return modifiable(function, profile) || function.starts_with("security_") ||
         injectable(function, profile) || system_call_by_name(function, profile);
}

bool may_sleep_at(std::string_view function, const Profile& profile) {
  if (injectable(function, profile) && !contains(kInjectableInAtomic, function)) return true;
  if (system_call_by_name(function, profile)) return true;
  const Modifiable* target = modifiable(function, profile);
  return target && target->sleepable;
}

std::optional<RawTracepointArgs> raw_tracepoint_args(std::string_view tracepoint,
                                                     const Profile& profile) {
  auto at = std::ranges::find(kRawTracepoints, tracepoint, &RawTracepoint::name);
  if (at == kRawTracepoints.end() || !within(profile.version(), at->since, "")) return std::nullopt;
  return at->args;
}

}  // namespace drydock
