// SPDX-License-Identifier: Apache-2.0
// Larger programs that walk over bytes: what parsers and matchers of real users look like to a
// verifier. Accepted, and long in the verifying.
#include "corpus.h"

#define TEXT 192

struct text { __u8 at[TEXT]; };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct text);
} texts SEC(".maps");

struct rule { __u32 from, to; __u16 least, most; __u8 protocol, action; };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct rule);
} rules SEC(".maps");

static __always_inline struct text *text_of(__u32 which)
{
	return bpf_map_lookup_elem(&texts, &which);
}

/* Words of a line, their number and the longest one. */
SEC("tc")
int count_words(struct __sk_buff *skb)
{
	struct text *t = text_of(0);
	__u32 words = 0, length = 0, longest = 0;

	if (!t)
		return 0;
	for (int i = 0; i < 11; i++) {
		__u8 c = t->at[i];

		if (c == 0)
			break;
		if (c == ' ' || c == '\t') {
			if (length > longest)
				longest = length;
			words += length != 0;
			length = 0;
		} else {
			length++;
		}
	}
	return words << 8 | (longest & 0xff);
}

/* A path: its parts, whether one is "..", a hash of the last. */
SEC("tc")
int scan_path(struct __sk_buff *skb)
{
	struct text *t = text_of(1);
	__u32 hash = 2166136261u, parts = 0, dots = 0;
	bool climbs = false;

	if (!t)
		return 0;
	for (int i = 0; i < 14; i++) {
		__u8 c = t->at[i];

		if (c == '/' || c == 0) {
			climbs |= dots == 2;
			dots = 0;
			parts++;
			if (c == 0)
				break;
			hash = 2166136261u;
			continue;
		}
		dots = c == '.' ? dots + 1 : 3;
		hash = (hash ^ c) * 16777619u;
	}
	return climbs ? -1 : (int)(hash ^ parts);
}

/* A request line, by a machine of states. */
enum { START, METHOD, SPACE, TARGET, VERSION, END, BAD };

SEC("tc")
int tokenize(struct __sk_buff *skb)
{
	struct text *t = text_of(2);
	__u32 state = START, method = 0, target = 0;

	if (!t)
		return 0;
	for (int i = 0; i < 120; i++) {
		__u8 c = t->at[i];

		switch (state) {
		case START:
			state = c >= 'A' && c <= 'Z' ? METHOD : BAD;
			break;
		case METHOD:
			method++;
			if (c == ' ')
				state = SPACE;
			else if (method > 7)
				state = BAD;
			break;
		case SPACE:
			state = c == '/' ? TARGET : c == '*' ? VERSION : BAD;
			break;
		case TARGET:
			target++;
			if (c == ' ')
				state = VERSION;
			break;
		case VERSION:
			if (c == '\r')
				state = END;
			break;
		default:
			return state == END ? (int)target : -1;
		}
	}
	return -1;
}

/* The first rule that matches the packet. */
SEC("tc")
int match_rules(struct __sk_buff *skb)
{
	__u32 source = skb->mark, action = 0;
	__u16 port = skb->priority;
	__u8 protocol = skb->tc_index;

#pragma clang loop unroll(full)
	for (int i = 0; i < 64; i++) {
		__u32 key = i;
		struct rule *r = bpf_map_lookup_elem(&rules, &key);

		if (!r)
			continue;
		if (source < r->from || source > r->to)
			continue;
		if (r->protocol && r->protocol != protocol)
			continue;
		if (port < r->least || port > r->most)
			continue;
		action = r->action;
		if (action == 2)
			return 2;
	}
	return action & 1;
}

/* Type, length, value: options behind a header, however they are arranged. */
SEC("xdp")
int parse_options(struct xdp_md *ctx)
{
	__u8 *at = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 seen = 0, sum = 0;

	if (at + 34 > end)
		return XDP_PASS;
	at += 34;
#pragma clang loop unroll(full)
	for (int i = 0; i < 20; i++) {
		__u8 type, length;

		if (at + 2 > end)
			break;
		type = at[0];
		length = at[1];
		if (type == 0)
			break;
		if (type == 1) {
			at += 1;
			continue;
		}
		if (length < 2 || length > 40 || at + length > end)
			return XDP_DROP;
		if (type == 8 && length == 10 && at + 10 <= end)
			sum += at[2] << 8 | at[3];
		else if (type == 3 && at + 3 <= end)
			sum += at[2] & 15;
		seen |= 1u << (type & 31);
		at += length;
	}
	return (seen ^ sum) & 1 ? XDP_PASS : XDP_DROP;
}
