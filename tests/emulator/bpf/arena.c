// SPDX-License-Identifier: Apache-2.0
// Pages of an arena, a list that lives in them, and globals of the arena's. What they return is what
// BPF_PROG_TEST_RUN of a 6.18.44 kernel gave.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "notes.h"

char LICENSE[] SEC("license") = "GPL";

struct {
  __uint(type, BPF_MAP_TYPE_ARENA);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 10);
} arena SEC(".maps");

extern void __arena *bpf_arena_alloc_pages(void *map, void __arena *at, __u32 pages, int node, __u64 flags) __ksym __weak;
extern void bpf_arena_free_pages(void *map, void __arena *at, __u32 pages) __ksym __weak;

int __arena counter = 40;

RETURNS(42)
SEC("syscall") int globals_live_in_the_arena(void *ctx) {
  counter += 2;
  return counter;
}

RETURNS(7)
SEC("syscall") int pages_come_and_go(void *ctx) {
  volatile int __arena *page = bpf_arena_alloc_pages(&arena, 0, 1, -1, 0);
  volatile int __arena *others = bpf_arena_alloc_pages(&arena, 0, 2, -1, 0);
  int good = 0;
  if (!page || !others) return -1;
  page[1023] = 5;
  others[1024] = 6;
  good |= (page[1023] + others[1024] == 11) << 0;
  bpf_arena_free_pages(&arena, (void __arena *)page, 1);
  good |= (page[1023] == 0) << 1;   // gone: reads as 0
  page[1023] = 9;                   // and what is stored there is lost
  good |= (page[1023] == 0) << 2;
  bpf_arena_free_pages(&arena, (void __arena *)others, 2);
  return good;
}

RETURNS(9)
SEC("syscall") int no_more_than_there_are(void *ctx) {
  int pages = 0, i;
  void __arena *first = 0;
  bpf_for(i, 0, 12) {
    void __arena *page = bpf_arena_alloc_pages(&arena, 0, 1, -1, 0);
    if (!page) break;
    if (!first) first = page;
    pages++;
  }
  return pages;
}

struct node { struct node __arena *next; int value; };

RETURNS(45)
SEC("syscall") int a_list_of_pointers(void *ctx) {
  struct node __arena *nodes = bpf_arena_alloc_pages(&arena, 0, 1, -1, 0), *head = 0;
  int i, sum = 0;
  if (!nodes) return -1;
  bpf_for(i, 0, 10) {
    nodes[i].value = i;
    nodes[i].next = head;
    head = nodes + i;
  }
  bpf_for(i, 0, 20) {
    if (!head) break;
    sum += head->value;
    head = head->next;
  }
  return sum;
}
