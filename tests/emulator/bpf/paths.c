// SPDX-License-Identifier: Apache-2.0
// The path of a file that is opened, and what there is room for.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

struct path { void *mnt; void *dentry; } __attribute__((preserve_access_index));
struct file { struct path f_path; } __attribute__((preserve_access_index));

char path[64], small[8];
long length, small_length;

SEC("lsm/file_open") int BPF_PROG(opened, struct file *file) {
  length = bpf_d_path(&file->f_path, path, sizeof path);
  small_length = bpf_d_path(&file->f_path, small, sizeof small);
  return 0;
}
