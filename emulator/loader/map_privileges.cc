// SPDX-License-Identifier: Apache-2.0
#include "emulator/loader/map_privileges.h"

#include <bpf/libbpf.h>

#include "maps/map_rows.h"

namespace drydock {

void leave_out_privileged_maps(bpf_object* object) {
  constexpr uint32_t kZeroSeed = 1u << 6;
  bpf_map* map;
  bpf_object__for_each_map(map, object) {
    const MapRow* row = map_row(static_cast<MapType>(bpf_map__type(map)));
    bool free =
        row && !row->privileged && !row->net_admin && !(bpf_map__map_flags(map) & kZeroSeed);
    bpf_map__set_autocreate(map, free);
  }
}

}  // namespace drydock
