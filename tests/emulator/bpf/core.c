// SPDX-License-Identifier: Apache-2.0
// CO-RE, kconfig and ksym externs, LINUX_KERNEL_VERSION: everything that libbpf asks a kernel for.
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct task_struct {
  int pid;
  int tgid;
} __attribute__((preserve_access_index));

extern int CONFIG_HZ __kconfig;
extern int LINUX_KERNEL_VERSION __kconfig;
extern int CONFIG_NO_SUCH_OPTION_EVER __kconfig __weak;
extern void bpf_rcu_read_lock(void) __ksym __weak;
extern const void no_such_symbol_ever __ksym __weak;

int pid_offset, tgid_offset, hz, version, none, has_rcu, has_symbol;

SEC("syscall")
int look(void *ctx) {
  pid_offset = bpf_core_field_offset(struct task_struct, pid);
  tgid_offset = bpf_core_field_offset(struct task_struct, tgid);
  hz = CONFIG_HZ;
  version = LINUX_KERNEL_VERSION;
  none = CONFIG_NO_SUCH_OPTION_EVER;
  has_rcu = bpf_ksym_exists(bpf_rcu_read_lock);
  has_symbol = &no_such_symbol_ever != 0;
  return 0;
}

char _license[] SEC("license") = "GPL";
