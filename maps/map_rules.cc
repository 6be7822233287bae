// SPDX-License-Identifier: Apache-2.0
#include "maps/map_rules.h"

#include <algorithm>

namespace drydock {
namespace {

// Lists that several rows share.
constexpr std::string_view kPerfHelpers[] = {"perf_event_read", "perf_event_output", "skb_output",
                                             "perf_event_read_value", "xdp_output"};
constexpr std::string_view kRingbufHelpers[] = {"ringbuf_output",        "ringbuf_reserve",
                                                "ringbuf_query",         "ringbuf_reserve_dynptr",
                                                "ringbuf_submit_dynptr", "ringbuf_discard_dynptr"};
constexpr std::string_view kCgroupArrayHelpers[] = {"skb_under_cgroup",
                                                    "current_task_under_cgroup"};
constexpr std::string_view kRedirectOrLookup[] = {"redirect_map", "map_lookup_elem"};
constexpr std::string_view kSockmapHelpers[] = {"sk_redirect_map", "sock_map_update",
                                                "msg_redirect_map", "sk_select_reuseport",
                                                "map_lookup_elem"};
constexpr std::string_view kSockhashHelpers[] = {"sk_redirect_hash", "sock_hash_update",
                                                 "msg_redirect_hash", "sk_select_reuseport",
                                                 "map_lookup_elem"};
constexpr std::string_view kQueueHelpers[] = {"map_peek_elem", "map_pop_elem", "map_push_elem"};
constexpr std::string_view kSkStorage[] = {"sk_storage_get", "sk_storage_delete", "kptr_xchg"};
constexpr std::string_view kInodeStorage[] = {"inode_storage_get", "inode_storage_delete",
                                              "kptr_xchg"};
constexpr std::string_view kTaskStorage[] = {"task_storage_get", "task_storage_delete",
                                             "kptr_xchg"};
constexpr std::string_view kCgrpStorage[] = {"cgrp_storage_get", "cgrp_storage_delete",
                                             "kptr_xchg"};
constexpr std::string_view kBloomHelpers[] = {"map_peek_elem", "map_push_elem"};
constexpr std::string_view kTailCall[] = {"tail_call"}, kDrain[] = {"user_ringbuf_drain"},
                           kStackId[] = {"get_stackid"}, kLocalStorage[] = {"get_local_storage"},
                           kRedirect[] = {"redirect_map"}, kLookup[] = {"map_lookup_elem"},
                           kReuseport[] = {"sk_select_reuseport"};

// Sockets maps take bpf_map_update_elem and bpf_map_delete_elem too, from some programs: that
// hangs on the program and is the verifier's to say.
constexpr MapTypeRule kOfType[] = {
    {MapType::kProgArray, kTailCall},
    {MapType::kPerfEventArray, kPerfHelpers},
    {MapType::kRingbuf, kRingbufHelpers},
    {MapType::kUserRingbuf, kDrain},
    {MapType::kStackTrace, kStackId},
    {MapType::kCgroupArray, kCgroupArrayHelpers},
    {MapType::kCgroupStorage, kLocalStorage},
    {MapType::kPercpuCgroupStorage, kLocalStorage},
    {MapType::kDevmap, kRedirectOrLookup},
    {MapType::kDevmapHash, kRedirectOrLookup},
    {MapType::kCpumap, kRedirect},
    {MapType::kXskmap, kRedirectOrLookup},
    {MapType::kArrayOfMaps, kLookup},
    {MapType::kHashOfMaps, kLookup},
    {MapType::kSockmap, kSockmapHelpers},
    {MapType::kSockhash, kSockhashHelpers},
    {MapType::kReuseportSockarray, kReuseport},
    {MapType::kQueue, kQueueHelpers},
    {MapType::kStack, kQueueHelpers},
    {MapType::kSkStorage, kSkStorage},
    {MapType::kInodeStorage, kInodeStorage},
    {MapType::kTaskStorage, kTaskStorage},
    {MapType::kCgrpStorage, kCgrpStorage},
    {MapType::kBloomFilter, kBloomHelpers},
};

constexpr MapType kProgArrays[] = {MapType::kProgArray}, kPerfArrays[] = {MapType::kPerfEventArray},
                  kRingbufs[] = {MapType::kRingbuf}, kUserRingbufs[] = {MapType::kUserRingbuf},
                  kStackTraces[] = {MapType::kStackTrace},
                  kCgroupArrays[] = {MapType::kCgroupArray},
                  kRedirectTargets[] = {MapType::kDevmap, MapType::kDevmapHash, MapType::kCpumap,
                                        MapType::kXskmap},
                  kSockmaps[] = {MapType::kSockmap}, kSockhashes[] = {MapType::kSockhash},
                  kCgroupStorages[] = {MapType::kCgroupStorage, MapType::kPercpuCgroupStorage},
                  kReuseportMaps[] = {MapType::kReuseportSockarray, MapType::kSockmap,
                                      MapType::kSockhash},
                  kQueues[] = {MapType::kQueue, MapType::kStack},
                  kQueuesOrBloom[] = {MapType::kQueue, MapType::kStack, MapType::kBloomFilter},
                  kPercpuMaps[] = {MapType::kPercpuArray, MapType::kPercpuHash,
                                   MapType::kLruPercpuHash},
                  kSkStorages[] = {MapType::kSkStorage},
                  kInodeStorages[] = {MapType::kInodeStorage},
                  kTaskStorages[] = {MapType::kTaskStorage},
                  kCgrpStorages[] = {MapType::kCgrpStorage};

constexpr HelperMapRule kOfHelper[] = {
    {"tail_call", kProgArrays},
    {"perf_event_read", kPerfArrays},
    {"perf_event_output", kPerfArrays},
    {"perf_event_read_value", kPerfArrays},
    {"skb_output", kPerfArrays},
    {"xdp_output", kPerfArrays},
    {"ringbuf_output", kRingbufs},
    {"ringbuf_reserve", kRingbufs},
    {"ringbuf_query", kRingbufs},
    {"ringbuf_reserve_dynptr", kRingbufs},
    {"ringbuf_submit_dynptr", kRingbufs},
    {"ringbuf_discard_dynptr", kRingbufs},
    {"user_ringbuf_drain", kUserRingbufs},
    {"get_stackid", kStackTraces},
    {"current_task_under_cgroup", kCgroupArrays},
    {"skb_under_cgroup", kCgroupArrays},
    {"redirect_map", kRedirectTargets},
    {"sk_redirect_map", kSockmaps},
    {"msg_redirect_map", kSockmaps},
    {"sock_map_update", kSockmaps},
    {"sk_redirect_hash", kSockhashes},
    {"msg_redirect_hash", kSockhashes},
    {"sock_hash_update", kSockhashes},
    {"get_local_storage", kCgroupStorages},
    {"sk_select_reuseport", kReuseportMaps},
    {"map_pop_elem", kQueues},
    {"map_peek_elem", kQueuesOrBloom},
    {"map_push_elem", kQueuesOrBloom},
    {"map_lookup_percpu_elem", kPercpuMaps},
    {"sk_storage_get", kSkStorages},
    {"sk_storage_delete", kSkStorages},
    {"inode_storage_get", kInodeStorages},
    {"inode_storage_delete", kInodeStorages},
    {"task_storage_get", kTaskStorages},
    {"task_storage_delete", kTaskStorages},
    {"cgrp_storage_get", kCgrpStorages},
    {"cgrp_storage_delete", kCgrpStorages},
};

constexpr MapType kWalkable[] = {MapType::kArray,   MapType::kPercpuArray, MapType::kHash,
                                 MapType::kLruHash, MapType::kPercpuHash,  MapType::kLruPercpuHash};

constexpr bool one_row_a_type() {
  for (size_t i = 0; i < std::size(kOfType); ++i)
    for (size_t j = 0; j < i; ++j)
      if (kOfType[i].type == kOfType[j].type) return false;
  return true;
}
static_assert(one_row_a_type());

}  // namespace

std::span<const MapTypeRule> map_type_rules() { return kOfType; }
std::span<const HelperMapRule> helper_map_rules() { return kOfHelper; }

bool map_has_for_each(MapType type) {
  return std::ranges::find(kWalkable, type) != std::end(kWalkable);
}

}  // namespace drydock
