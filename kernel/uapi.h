// SPDX-License-Identifier: Apache-2.0
// The enumerations of the bpf(2) UAPI that every room speaks: program, attach, map and link
// types, with their text names. Values are the kernel's. A newer kernel's value is a row in the
// .def file; whether a profile has it is the profile's business, not this file's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace drydock {

/// "Not supported": an errno of the kernel's own, which has no name in user space.
inline constexpr int kENOTSUPP = 524;

enum class ProgramType : uint32_t {
#define DRYDOCK_PROGRAM_TYPE(id, value, text) id = value,
#include "kernel/program_types.def"
#undef DRYDOCK_PROGRAM_TYPE
};

enum class AttachType : uint32_t {
#define DRYDOCK_ATTACH_TYPE(id, value, text) id = value,
#include "kernel/attach_types.def"
#undef DRYDOCK_ATTACH_TYPE
};

enum class MapType : uint32_t {
#define DRYDOCK_MAP_TYPE(id, value, text) id = value,
#include "kernel/map_types.def"
#undef DRYDOCK_MAP_TYPE
};

enum class LinkType : uint32_t {
#define DRYDOCK_LINK_TYPE(id, value, text) id = value,
#include "kernel/link_types.def"
#undef DRYDOCK_LINK_TYPE
};

/// Text name ("cgroup_sock_addr"), or "" for a value that no row has.
std::string_view name_of(ProgramType type);
std::string_view name_of(AttachType type);
std::string_view name_of(MapType type);
std::string_view name_of(LinkType type);

std::optional<ProgramType> program_type_named(std::string_view name);
std::optional<AttachType> attach_type_named(std::string_view name);
std::optional<MapType> map_type_named(std::string_view name);

/// Every value that has a row, in order.
std::span<const ProgramType> all_program_types();
std::span<const AttachType> all_attach_types();
std::span<const MapType> all_map_types();

}  // namespace drydock
