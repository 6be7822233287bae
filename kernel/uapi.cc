// SPDX-License-Identifier: Apache-2.0
#include "kernel/uapi.h"

namespace drydock {
namespace {

template <class T>
struct Row {
  T value;
  std::string_view text;
};

constexpr Row<ProgramType> kProgramTypes[] = {
#define DRYDOCK_PROGRAM_TYPE(id, value, text) {ProgramType::id, text},
#include "kernel/program_types.def"
#undef DRYDOCK_PROGRAM_TYPE
};
constexpr Row<AttachType> kAttachTypes[] = {
#define DRYDOCK_ATTACH_TYPE(id, value, text) {AttachType::id, text},
#include "kernel/attach_types.def"
#undef DRYDOCK_ATTACH_TYPE
};
constexpr Row<MapType> kMapTypes[] = {
#define DRYDOCK_MAP_TYPE(id, value, text) {MapType::id, text},
#include "kernel/map_types.def"
#undef DRYDOCK_MAP_TYPE
};
constexpr Row<LinkType> kLinkTypes[] = {
#define DRYDOCK_LINK_TYPE(id, value, text) {LinkType::id, text},
#include "kernel/link_types.def"
#undef DRYDOCK_LINK_TYPE
};

template <class T, size_t N>
consteval bool dense(const Row<T> (&rows)[N]) {
  for (size_t i = 0; i < N; ++i)
    if (static_cast<size_t>(rows[i].value) != i) return false;
  return true;
}
// A value is the index of its row, which is what makes name_of() a look-up.
static_assert(dense(kProgramTypes) && dense(kAttachTypes) && dense(kMapTypes) && dense(kLinkTypes));

template <class T, size_t N>
std::string_view text_of(const Row<T> (&rows)[N], T value) {
  auto index = static_cast<size_t>(value);
  return index < N ? rows[index].text : std::string_view{};
}

template <class T, size_t N>
std::optional<T> value_of(const Row<T> (&rows)[N], std::string_view text) {
  for (const auto& row : rows)
    if (row.text == text) return row.value;
  return std::nullopt;
}

template <class T, size_t N>
struct Values {
  T items[N];
  constexpr explicit Values(const Row<T> (&rows)[N]) {
    for (size_t i = 0; i < N; ++i) items[i] = rows[i].value;
  }
};
constexpr Values kProgramTypeValues(kProgramTypes);
constexpr Values kAttachTypeValues(kAttachTypes);
constexpr Values kMapTypeValues(kMapTypes);

}  // namespace

std::string_view name_of(ProgramType type) { return text_of(kProgramTypes, type); }
std::string_view name_of(AttachType type) { return text_of(kAttachTypes, type); }
std::string_view name_of(MapType type) { return text_of(kMapTypes, type); }
std::string_view name_of(LinkType type) { return text_of(kLinkTypes, type); }

std::optional<ProgramType> program_type_named(std::string_view name) {
  return value_of(kProgramTypes, name);
}
std::optional<AttachType> attach_type_named(std::string_view name) {
  return value_of(kAttachTypes, name);
}
std::optional<MapType> map_type_named(std::string_view name) { return value_of(kMapTypes, name); }

std::span<const ProgramType> all_program_types() { return kProgramTypeValues.items; }
std::span<const AttachType> all_attach_types() { return kAttachTypeValues.items; }
std::span<const MapType> all_map_types() { return kMapTypeValues.items; }

}  // namespace drydock
