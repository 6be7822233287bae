// SPDX-License-Identifier: Apache-2.0
// Programs that say what is expected of them, in the kernel selftests' way.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define NOTE(text) __attribute__((btf_decl_tag("comment:test_" text)))

char LICENSE[] SEC("license") = "GPL";

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, int);
  __type(value, long);
} numbers SEC(".maps");

NOTE("expect_success") NOTE("log_level=2") NOTE("expect_msg=0=exit")
NOTE("expect_not_msg=0=call") NOTE("expect_failure_unpriv")
NOTE("expect_msg_unpriv=0=R0 leaks addr as return value")
SEC("socket") int returns_context(void *ctx) {
  return (int)(long)ctx;
}

NOTE("expect_failure") NOTE("expect_msg=0=invalid mem access '{{map_value_or_null|nothing}}'")
SEC("socket") int unchecked(void *ctx) {
  int key = 0;
  long *value = bpf_map_lookup_elem(&numbers, &key);
  return *(volatile long *)value;
}

NOTE("expect_failure") NOTE("description=expects what does not happen")
SEC("socket") int wrong_about_itself(void *ctx) { return 0; }

NOTE("expect_success") NOTE("arch=ARM64")
SEC("socket") int elsewhere(void *ctx) { return 0; }

NOTE("expect_success") NOTE("retval=7")
SEC("socket") int seven(void *ctx) { return 7; }

/* The kernel's own struct behind a map, which the emulator does not model. */
struct bpf_map { unsigned int max_entries; } __attribute__((preserve_access_index));
NOTE("expect_success") NOTE("retval=1")
SEC("socket") int reads_a_map(void *ctx) { return ((volatile struct bpf_map *)&numbers)->max_entries; }

SEC("socket") int without_annotations(void *ctx) { return 0; }
