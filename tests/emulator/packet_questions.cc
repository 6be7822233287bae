// SPDX-License-Identifier: Apache-2.0
#include "tests/emulator/packet_questions.h"

#include <sys/utsname.h>

#include <sstream>

#include "helpers/helper_row.h"
#include "tests/support/host_call.h"

namespace drydock::packets {
namespace {

constexpr auto kCls = ProgramType::kSchedCls, kSock = ProgramType::kSocketFilter,
               kXdp = ProgramType::kXdp, kSkb = ProgramType::kCgroupSkb,
               kLwt = ProgramType::kLwtXmit;
constexpr uint32_t kComplete = 4;  // BPF_F_TEST_SKB_CHECKSUM_COMPLETE

// An entry, none, none at all; actions; flags that are one's or not.
constexpr const char* kRedirects =
    "redirect_map map 1 0\nredirect_map map 1 2\nredirect_map map 2 0\nredirect_map map 2 1\n"
    "redirect_map map 2 3\nredirect_map map 9 2\nredirect_map map 0x100000001 1\n"
    "redirect_map map 2 4\nredirect_map map 2 8\nredirect_map map 2 0x1a\nredirect_map map 1 32";

const std::vector<PacketQuestion> kQuestions = {
    // -- Bytes
    {"load bytes", kCls,
     "skb_load_bytes 0 buf 8\nskb_load_bytes 14 buf 4\nskb_load_bytes 20 buf 40"},
    {"load at the end", kCls,
     "skb_load_bytes 15 buf 1\nskb_load_bytes 16 buf 1\nskb_load_bytes 60 buf 4"},
    {"load beyond", kCls, "skb_load_bytes 4000 buf 4\nskb_load_bytes 0xffffffff buf 4"},
    {"load from the network header", kSock, "skb_load_bytes 0 buf 2\nskb_load_bytes 9 buf 4"},
    {"load in a cgroup", kSkb, "skb_load_bytes 0 buf 2\nskb_load_bytes 12 buf 8"},
    {"load relative", kCls,
     "skb_load_bytes_relative 0 buf 6 0\nskb_load_bytes_relative 0 buf 2 1\n"
     "skb_load_bytes_relative 12 buf 8 1\nskb_load_bytes_relative 0 buf 2 2\n"
     "skb_load_bytes_relative 0x10000 buf 2 0"},
    {"load relative without Ethernet", kSock,
     "skb_load_bytes_relative 0 buf 6 0\nskb_load_bytes_relative 12 buf 2 0\n"
     "skb_load_bytes_relative 0 buf 2 1\nskb_load_bytes_relative 40 buf 8 1"},
    {"store bytes", kCls, "skb_store_bytes 0 buf 6 0\nskb_store_bytes 15 buf 1 0"},
    {"store beyond", kCls, "skb_store_bytes 16 buf 40 0\nskb_store_bytes 4000 buf 4 0"},
    {"store with a bad flag", kCls, "skb_store_bytes 0 buf 6 4"},
    {"store and keep the sum", kCls, "skb_store_bytes 14 buf 2 1\nskb_store_bytes 21 buf 7 1",
     kComplete},
    {"store and lose the sum", kCls, "skb_store_bytes 14 buf 2 0", kComplete},
    {"store before the sum", kCls, "skb_store_bytes 0 buf 6 0", kComplete},
    {"store and forget the hash", kCls,
     "set_hash 77\nskb_store_bytes 0 buf 6 2\n|r1 = *(u32 *)(r6 +68)\n|w7 += w1"},
    {"pull", kCls,
     "skb_pull_data 0\nskb_pull_data 16\nskb_pull_data 17\nskb_pull_data 61\n"
     "skb_pull_data 5000"},
    // -- LD_ABS and LD_IND
    {"absolute byte", kSock, "|r0 = *(u8 *)skb[0]\n|w7 = w0"},
    {"absolute half", kSock, "|r0 = *(u16 *)skb[2]\n|w7 = w0"},
    {"absolute word", kSock, "|r0 = *(u32 *)skb[16]\n|w7 = w0"},
    {"absolute word at the end", kSock, "|r0 = *(u32 *)skb[42]\n|w7 = w0"},
    {"absolute half over the end", kSock, "|r0 = *(u16 *)skb[1]\n|w7 = w0"},
    {"absolute of the link layer", kSock, "|r0 = *(u16 *)skb[-2097140]\n|w7 = w0"},
    {"absolute of the network", kSock, "|r0 = *(u32 *)skb[-1048560]\n|w7 = w0"},
    {"absolute of the network in tc", kCls, "|r0 = *(u16 *)skb[-1048576]\n|w7 = w0"},
    {"absolute of the link layer in tc", kCls, "|r0 = *(u32 *)skb[-2097146]\n|w7 = w0"},
    {"absolute of an ancillary offset", kSock, "|r0 = *(u32 *)skb[-4096]\n|w7 = w0"},
    {"absolute below every area", kSock, "|r0 = *(u32 *)skb[-2097153]\n|w7 = w0"},
    {"indirect", kSock, "|r8 = 3\n|r0 = *(u16 *)skb[r8 + 1]\n|w7 = w0"},
    {"indirect backwards", kSock, "|r8 = 12\n|r0 = *(u32 *)skb[r8 + -4]\n|w7 = w0"},
    {"indirect before the start", kSock, "|r8 = 1\n|r0 = *(u8 *)skb[r8 + -2]\n|w7 = w0"},
    {"indirect of the link layer", kSock, "|r8 = 6\n|r0 = *(u16 *)skb[r8 + -2097152]\n|w7 = w0"},
    // -- Checksums
    {"l3 checksum of 2 bytes", kCls, "l3_csum_replace 24 0x1122 0x3344 2"},
    {"l3 checksum of 4 bytes", kCls, "l3_csum_replace 24 0x11223344 0x55667788 4"},
    {"l3 checksum by difference", kCls, "l3_csum_replace 24 0 0x1234567 0"},
    {"l3 checksum to zero", kCls,
     "|r1 = 0\n|*(u16 *)(r10 -64) = r1\nskb_store_bytes 24 buf 2 0\n"
     "l3_csum_replace 24 0 0xffff 2"},
    {"l3 checksum of everything", kCls,
     "|r1 = 0\n|*(u16 *)(r10 -64) = r1\n"
     "skb_store_bytes 24 buf 2 0\nl3_csum_replace 24 0 0xffffffff 4"},
    {"l3 checksum refused", kCls,
     "l3_csum_replace 24 1 2 0\nl3_csum_replace 24 1 2 3\nl3_csum_replace 24 1 2 16\n"
     "l3_csum_replace 25 1 2 2\nl3_csum_replace 4000 1 2 2\nl3_csum_replace 0x10000 1 2 2"},
    {"l4 checksum of 2 bytes", kCls, "l4_csum_replace 40 0x1122 0x3344 2"},
    {"l4 checksum of 4 bytes", kCls, "l4_csum_replace 40 0x11223344 0x55667788 4"},
    {"l4 checksum by difference", kCls, "l4_csum_replace 40 0 0x1234567 0"},
    {"l4 checksum of a pseudo header", kCls, "l4_csum_replace 40 0x11223344 0x55667788 0x14"},
    {"l4 checksum that is none", kCls,
     "|r1 = 0\n|*(u16 *)(r10 -64) = r1\n"
     "skb_store_bytes 40 buf 2 0\nl4_csum_replace 40 1 2 0x22\nl4_csum_replace 40 1 2 0x62"},
    {"l4 checksum that becomes none", kCls,
     "|r1 = 0\n|*(u16 *)(r10 -64) = r1\n"
     "skb_store_bytes 40 buf 2 0\nl4_csum_replace 40 0 0xffff 0x62"},
    {"l4 checksum refused", kCls,
     "l4_csum_replace 40 1 2 0\nl4_csum_replace 40 1 2 6\nl4_csum_replace 40 1 2 0x102\n"
     "l4_csum_replace 41 1 2 2\nl4_csum_replace 4000 1 2 2"},
    {"l4 checksum, known sum", kCls, "l4_csum_replace 40 0x11223344 0x55667788 4", kComplete},
    {"l4 pseudo header, known sum", kCls,
     "skb_store_bytes 26 buf 4 0\nl4_csum_replace 40 0x11223344 0x03020100 0x14", kComplete},
    {"l4 pseudo header by difference, known sum", kCls, "l4_csum_replace 40 0 0x1234 0x10",
     kComplete},
    {"l4 pseudo header of IPv6, known sum", kCls, "l4_csum_replace 40 0 0x1234 0x90", kComplete},
    {"sum updated", kCls, "csum_update 0\ncsum_update 0x12345678", kComplete},
    {"sum updated by nothing", kCls, "csum_update 0", kComplete},
    {"no sum to update", kCls, "csum_update 1"},
    {"checksum level", kCls,
     "csum_level 0\ncsum_level 1\ncsum_level 0\ncsum_level 1\ncsum_level 1\ncsum_level 1\n"
     "csum_level 1\ncsum_level 0\ncsum_level 2\ncsum_level 0\ncsum_level 3\ncsum_level 0\n"
     "csum_level 4"},
    {"checksum level goes down", kCls, "csum_level 1\ncsum_level 2\ncsum_level 0\ncsum_level 2"},
    {"checksum level of a known sum", kCls, "csum_level 1\ncsum_level 0\ncsum_level 2", kComplete},
    // -- Room
    {"head grows", kCls, "skb_change_head 14 0"},
    {"head grows beyond its room", kCls, "skb_change_head 200 0\nskb_store_bytes 0 buf 20 0"},
    {"head grows and the network stays", kCls,
     "skb_change_head 8 0\nskb_load_bytes_relative 0 buf 4 1\nskb_load_bytes_relative 0 buf 4 0"},
    {"head refuses", kCls,
     "skb_change_head 14 1\nskb_change_head 0xffffffff 0\n"
     "skb_change_head 16049 0"},
    {"the longest head", kCls, "skb_change_head 12000 0"},
    {"head for lwt", kLwt, "skb_change_head 14 0\nskb_store_bytes 0 buf 14 0"},
    {"tail grows", kCls, "skb_change_tail 70 0"},
    {"tail grows beyond its room", kCls, "skb_change_tail 5000 0\nskb_store_bytes 4000 buf 4 0"},
    {"tail shrinks", kCls, "skb_change_tail 15 0"},
    {"tail to the network header", kCls, "skb_change_tail 14 0\nskb_change_tail 13 0"},
    {"tail refuses", kCls, "skb_change_tail 20 1\nskb_change_tail 16065 0\nskb_change_tail 0 0"},
    {"the longest tail", kCls, "skb_change_tail 16064 0"},
    {"tail shrinks and grows", kCls, "skb_change_tail 16 0\nskb_change_tail 40 0"},
    {"tail and a known sum", kCls, "skb_change_tail 40 0\ncsum_update 0", kComplete},
    {"tail resets an offload", kCls, "skb_change_tail 40 0\n|r1 = *(u32 *)(r6 +176)\n|w7 += w1", 0,
     100},
    {"room behind the network header", kCls, "skb_adjust_room 8 0 0"},
    {"room behind the Ethernet header", kCls, "skb_adjust_room 20 1 0"},
    {"a lot of room", kCls, "skb_adjust_room 0xfff 1 0\nskb_adjust_room 0x1000 1 0"},
    {"less room behind the network header", kCls, "skb_adjust_room -8 0 0"},
    {"less room behind the Ethernet header", kCls, "skb_adjust_room -20 1 0"},
    {"too little room", kCls, "skb_adjust_room -46 1 0\nskb_adjust_room -27 1 0"},
    {"room in no mode", kCls, "skb_adjust_room 8 2 0\nskb_adjust_room 8 1 0x200"},
    {"room and a known sum", kCls, "skb_adjust_room 20 1 0\nskb_adjust_room -20 1 0", kComplete},
    {"less room and a known sum", kCls, "skb_adjust_room -20 1 0", kComplete},
    {"encapsulates in IPv4", kCls,
     "skb_adjust_room 20 1 2\nskb_adjust_room 20 1 2\nskb_change_tail 200 0\n"
     "skb_load_bytes_relative 0 buf 4 1"},
    {"encapsulates in IPv6", kCls, "skb_adjust_room 40 1 4\nskb_load_bytes_relative 0 buf 4 1"},
    {"encapsulates in UDP", kCls, "skb_adjust_room 28 1 0x12\nskb_change_tail 30 0"},
    {"encapsulates with an inner Ethernet header", kCls, "skb_adjust_room 42 1 0x0e00000000000052"},
    {"encapsulates wrongly", kCls,
     "skb_adjust_room 20 1 6\nskb_adjust_room 20 1 0x1a\nskb_adjust_room 20 1 0x42\n"
     "skb_adjust_room 20 1 0x1e00000000000002"},
    {"decapsulates IPv4", kCls, "skb_adjust_room -20 1 0x80"},
    {"decapsulates IPv6", kCls, "skb_adjust_room -20 1 0x100\nskb_adjust_room -4 1 0x100"},
    {"decapsulates wrongly", kCls,
     "skb_adjust_room 20 1 0x80\nskb_adjust_room -20 1 0x180\n"
     "skb_adjust_room -20 1 2"},
    {"room and the checksum level", kCls,
     "csum_level 1\nskb_adjust_room 8 1 0x20\ncsum_level 0\nskb_adjust_room 8 1 0\ncsum_level 0"},
    {"room in an offloaded packet", kCls, "skb_adjust_room 8 1 0\nskb_adjust_room -8 1 1", 0, 100},
    {"IPv4 becomes IPv6", kCls, "skb_change_proto 0xdd86 0"},
    {"IPv6 becomes IPv4", kCls, "skb_change_proto 0x0008 0"},
    {"protocol refuses", kCls, "skb_change_proto 0xdd86 1\nskb_change_proto 0x0081 0"},
    {"a tag is pushed", kCls, "skb_vlan_push 0x0081 0x2123"},
    {"two tags are pushed", kCls, "skb_vlan_push 0x0081 0x2123\nskb_vlan_push 0xa888 7"},
    {"three tags are pushed", kCls,
     "skb_vlan_push 0x0081 1\nskb_vlan_push 0xa888 2\nskb_vlan_push 0x1234 3"},
    {"a tag is popped", kCls, "skb_vlan_pop"},
    {"tags are popped", kCls, "skb_vlan_pop\nskb_vlan_pop\nskb_vlan_pop"},
    {"tags come and go", kCls,
     "skb_vlan_push 0x0081 1\nskb_vlan_push 0x0081 2\nskb_vlan_pop\nskb_vlan_pop\nskb_vlan_pop"},
    {"tags and a known sum", kCls, "skb_vlan_push 0x0081 1\nskb_vlan_push 0x0081 2", kComplete},
    {"a tag popped from a known sum", kCls, "skb_vlan_pop", kComplete},
    // -- What is known of it
    {"the hash", kCls,
     "get_hash_recalc\n|w8 = w0\n|w7 = 0\nget_hash_recalc\n|w7 = 1\n|if w0 == w8 goto pc+1\n|w7 = "
     "2\n"
     "|if w8 != 0 goto pc+1\n|w7 = 3"},
    {"the hash that was set", kCls,
     "set_hash 0x1234\nget_hash_recalc\n|r1 = *(u32 *)(r6 +68)\n|w7 += w1\nset_hash_invalid\n"
     "|r1 = *(u32 *)(r6 +68)\n|w7 += w1\n"},
    {"a hash of 0", kCls, "set_hash 0\nget_hash_recalc"},
    {"the type", kCls,
     "skb_change_type 3\n|r1 = *(u32 *)(r6 +4)\n|w7 += w1\nskb_change_type 4\n"
     "skb_change_type 1"},
    {"the time", kCls, "skb_set_tstamp 1000 1\nskb_set_tstamp 0 1\nskb_set_tstamp 5 3"},
    {"the real time", kCls, "skb_set_tstamp 77 0"},
    {"the atomic time", kCls,
     "skb_set_tstamp 77 2\nskb_set_tstamp 0 2\n"
     "|r1 = *(u8 *)(r6 +180)\n|w7 += w1"},
    {"congestion", kCls, "skb_ecn_set_ce"},
    {"congestion and a known sum", kCls, "skb_ecn_set_ce", kComplete},
    {"congestion behind a pushed tag", kCls,
     "skb_vlan_push 0x0081 1\nskb_vlan_push 0x0081 2\nskb_ecn_set_ce"},
    {"congestion in a cgroup", kSkb, "skb_ecn_set_ce"},
    {"the cgroup", kCls,
     "get_current_cgroup_id\n|r8 = r0\n|w7 = 0\nskb_cgroup_id\n|w7 = 1\n|if r0 == r8 goto "
     "pc+1\n|w7 = 2"},
    {"an ancestor of the cgroup", kCls, "skb_ancestor_cgroup_id -1\nskb_ancestor_cgroup_id 200"},
    // -- Elsewhere
    {"redirect", kCls, "redirect 1 0\nredirect 1 1\nredirect 1 2\nredirect 4242 0"},
    {"redirect to a peer", kCls, "redirect_peer 1 0\nredirect_peer 1 1"},
    {"redirect to a neighbour", kCls,
     "redirect_neigh 1 0 0 0\nredirect_neigh 1 buf 20 0\nredirect_neigh 1 buf 19 0\n"
     "redirect_neigh 1 0 0 1"},
    {"redirect of a clone", kCls,
     "clone_redirect 1 2\nclone_redirect 4242 0\nclone_redirect 0 0\nclone_redirect 1 1"},
    {"redirect of an offloaded clone", kCls, "clone_redirect 1 0", 0, 100},
    {"the MTU", kCls,
     "|r1 = 0\n|*(u64 *)(r10 -64) = r1\ncheck_mtu 0 buf 0 0\n"
     "|r1 = 0\n|*(u64 *)(r10 -64) = r1\ncheck_mtu 1 buf 65477 0\n"
     "|r1 = 0\n|*(u64 *)(r10 -64) = r1\ncheck_mtu 1 buf -4 0"},
    {"the MTU is too small", kCls,
     "|r1 = 65536\n|*(u64 *)(r10 -64) = r1\ncheck_mtu 1 buf 0 0\n"
     "|r1 = 65537\n|*(u64 *)(r10 -64) = r1\ncheck_mtu 1 buf 0 0\n"
     "|r1 = 65537\n|*(u64 *)(r10 -64) = r1\ncheck_mtu 1 buf -1 0"},
    {"the MTU refused", kCls, "check_mtu 4242 buf 0 0\ncheck_mtu 1 buf 0 2\ncheck_mtu 1 buf 1 1"},
    {"the MTU of segments", kCls,
     "|r1 = 0\n|*(u64 *)(r10 -64) = r1\ncheck_mtu 1 buf 0 1\n"
     "|r1 = 70000\n|*(u64 *)(r10 -64) = r1\ncheck_mtu 1 buf 0 0",
     0, 100},
    // -- XDP
    {"XDP head grows", kXdp, "xdp_adjust_head -14"},
    {"XDP head grows to the limit", kXdp, "xdp_adjust_head -216\nxdp_adjust_head -1"},
    {"XDP head shrinks", kXdp, "xdp_adjust_head 2\nxdp_adjust_head 46\nxdp_adjust_head 1"},
    {"XDP head refuses", kXdp, "xdp_adjust_head 5000\nxdp_adjust_head -217"},
    {"XDP meta data", kXdp,
     "xdp_adjust_meta -8\n|r2 = *(u32 *)(r6 +8)\n|r3 = *(u32 *)(r6 +0)\n"
     "|r4 = r2\n|r4 += 8\n|if r4 > r3 goto pc+2\n|r5 = 0x1234\n"
     "|*(u32 *)(r2 +0) = r5"},
    {"XDP meta data and the head", kXdp,
     "xdp_adjust_meta -4\n|r2 = *(u32 *)(r6 +8)\n|r3 = *(u32 *)(r6 +0)\n|r4 = r2\n|r4 += 4\n"
     "|if r4 > r3 goto pc+2\n|r5 = 0x1234\n|*(u32 *)(r2 +0) = r5\nxdp_adjust_head -8\n"
     "xdp_adjust_head -204\nxdp_adjust_head 2"},
    {"XDP meta data refused", kXdp,
     "xdp_adjust_meta -3\nxdp_adjust_meta 4\nxdp_adjust_meta -220\nxdp_adjust_meta -216"},
    {"XDP meta data go", kXdp, "xdp_adjust_meta -32\nxdp_adjust_meta 32"},
    {"XDP tail grows", kXdp, "xdp_adjust_tail 40\nxdp_load_bytes 60 buf 8"},
    {"XDP tail grows to the limit", kXdp,
     "xdp_adjust_tail 3460\nxdp_adjust_tail 3505\n"
     "xdp_adjust_tail 1"},
    {"XDP tail shrinks", kXdp, "xdp_adjust_tail -2\nxdp_adjust_tail -40\nxdp_adjust_tail -7"},
    {"XDP tail shrinks and grows", kXdp, "xdp_adjust_tail -2\nxdp_adjust_tail 6"},
    {"XDP tail loses pages", kXdp,
     "xdp_adjust_tail -5000\nxdp_get_buff_len\nxdp_adjust_tail 100\n"
     "xdp_adjust_tail -2000\nxdp_get_buff_len\nxdp_adjust_tail 10"},
    {"XDP length", kXdp, "xdp_get_buff_len\nxdp_adjust_head 2\nxdp_get_buff_len"},
    {"XDP bytes", kXdp,
     "xdp_load_bytes 0 buf 8\nxdp_load_bytes 14 buf 2\nxdp_load_bytes 40 buf 8\n"
     "xdp_load_bytes 3516 buf 8\nxdp_load_bytes 7614 buf 8"},
    {"XDP bytes beyond", kXdp,
     "xdp_load_bytes 0x10000 buf 4\nxdp_load_bytes 9000 buf 1\n"
     "xdp_load_bytes 15 buf 2"},
    {"XDP stores", kXdp,
     "xdp_store_bytes 0 buf 12\nxdp_store_bytes 12 buf 40\n"
     "xdp_store_bytes 3516 buf 8\nxdp_store_bytes 7614 buf 8\n"
     "xdp_store_bytes 0x10000 buf 8"},
    {"XDP redirect", kXdp, "redirect 1 0\nredirect 1 1\nredirect 4242 0"},
    {"XDP redirect by devmap", kXdp, kRedirects, 0, 0, MapType::kDevmap, 1},
    {"XDP redirect by hashed devmap", kXdp, kRedirects, 0, 0, MapType::kDevmapHash, 1},
    {"XDP redirect by cpumap", kXdp, kRedirects, 0, 0, MapType::kCpumap, 0},
    {"XDP redirect by xskmap", kXdp, kRedirects, 0, 0, MapType::kXskmap, 0},
    {"XDP MTU", kXdp,
     "|r1 = 0\n|*(u64 *)(r10 -64) = r1\ncheck_mtu 0 buf 0 0\n"
     "|r1 = 65537\n|*(u64 *)(r10 -64) = r1\ncheck_mtu 1 buf 0 0\n"
     "check_mtu 4242 buf 0 0\ncheck_mtu 1 buf 0 1"},
};

void pad(std::vector<uint8_t>& bytes, size_t size) {
  while (bytes.size() < size) bytes.push_back(static_cast<uint8_t>(bytes.size() * 7 + 1));
}

std::vector<uint8_t> frame(std::vector<uint8_t> types, std::vector<uint8_t> rest, size_t size) {
  std::vector<uint8_t> bytes = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
  bytes.insert(bytes.end(), types.begin(), types.end());
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  pad(bytes, size);
  return bytes;
}

/// A header of IPv4 with ECN bits, over UDP.
std::vector<uint8_t> ipv4(uint8_t tos) {
  return {0x45, tos, 0, 46, 0, 1, 0x40, 0, 64, 17, 0x12, 0x34, 10, 0, 0, 1, 10, 0, 0, 2};
}
std::vector<uint8_t> ipv6(uint8_t ecn) {
  std::vector<uint8_t> bytes = {0x60, static_cast<uint8_t>(ecn << 4), 0, 0, 0, 26, 17, 64};
  pad(bytes, 40);
  return bytes;
}

void argument(std::ostringstream& out, int number, const std::string& text, int map) {
  if (text == "buf") {
    out << "r" << number << " = r10\nr" << number << " += -64\n";
  } else if (text == "map") {
    out << "r" << number << " = map_fd " << map << " ll\n";
  } else {
    out << "r" << number << " = " << text << " ll\n";
  }
}

/// Helpers whose first argument is not the context.
bool takes_context(const std::string& helper) {
  return !(helper.starts_with("redirect") || helper == "get_current_cgroup_id");
}

void call(std::ostringstream& out, const std::string& line, int map) {
  std::istringstream words(line);
  std::string helper, word;
  words >> helper;
  const HelperRow* row = helper_named(helper);
  if (!row) return;
  int number = 1;
  bool context = takes_context(helper), fills = false;
  if (context) out << "r" << number++ << " = r6\n";
  for (; words >> word; ++number) {
    argument(out, number, word, map);
    fills |= word == "buf";
  }
  out << "call bpf_" << helper << "#" << row->id << "\nw7 *= 31\nw7 += w0\n";
  if (fills) out << "r1 = *(u64 *)(r10 -64)\nw7 *= 31\nw7 += w1\nr1 >>= 32\nw7 += w1\n";
}

}  // namespace

std::string reason_not_to_ask() {
  if (std::string why = test::host_unavailable(); !why.empty()) return why;
  utsname name{};
  uname(&name);
  std::string release = name.release;
  return release.starts_with("6.18.") ? ""
                                      : "the answers are of 6.18, the running kernel is " + release;
}

const std::vector<PacketQuestion>& questions() { return kQuestions; }

std::vector<NamedPacket> packets_for(const PacketQuestion& question) {
  std::vector<NamedPacket> packets = {
      // Of no protocol that is looked into: some kernels refuse IP frames shorter than its header.
      {"short", frame({0x88, 0xb5}, {0x45, 2}, 16)},
      {"bare", frame({0x88, 0xb5}, {}, 14)},
      {"ipv4", frame({8, 0}, ipv4(2), 60)},
      {"congested", frame({8, 0}, ipv4(3), 60)},
      {"ipv6", frame({0x86, 0xdd}, ipv6(1), 80)},
      {"vlan", frame({0x81, 0, 0x20, 5, 8, 0}, ipv4(1), 64)},
      {"two tags", frame({0x88, 0xa8, 0, 6, 0x81, 0, 0x20, 5, 8, 0}, ipv4(0), 68)},
      {"large", frame({8, 0}, ipv4(1), 3000)},
  };
  if (question.type == kXdp) packets.push_back({"pages", frame({8, 0}, ipv4(1), 9000)});
  return packets;
}

std::string program_text(const PacketQuestion& question, int map) {
  std::ostringstream out;
  out << "r6 = r1\nr7 = 0\nr8 = 0\nr1 = 0x0001020304050607 ll\n";
  for (int at = -64; at < 0; at += 8) out << "*(u64 *)(r10 " << at << ") = r1\n";
  std::istringstream steps(question.steps);
  for (std::string line; std::getline(steps, line);) {
    if (line.starts_with('|')) out << line.substr(1) << "\n";
    else call(out, line, map);
  }
  if (question.type != kXdp) {
    out << "*(u32 *)(r6 +48) = r7\n";
    const int shown[][2] = {{0, 52}, {16, 56}, {4, 60}};  // len, protocol, pkt_type
    for (auto [from, to] : shown)
      out << "r1 = *(u32 *)(r6 +" << from << ")\n*(u32 *)(r6 +" << to << ") = r1\n";
    // The tag: tci, present, proto.
    out << "r1 = *(u32 *)(r6 +24)\nr2 = *(u32 *)(r6 +20)\nw2 <<= 16\nw1 ^= w2\n"
           "r2 = *(u32 *)(r6 +28)\nw2 <<= 17\nw1 ^= w2\n*(u32 *)(r6 +64) = r1\n";
  }
  out << (question.type == kSkb || question.type == kLwt ? "r0 = 1\nexit\n" : "r0 = r7\nexit\n");
  return out.str();
}

}  // namespace drydock::packets
