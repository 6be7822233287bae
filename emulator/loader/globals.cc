// SPDX-License-Identifier: Apache-2.0
#include "emulator/loader/globals.h"

#include "maps/map.h"

namespace drydock {
namespace {

const BtfVarSecinfo* find_variable(const Map& map, std::string_view name) {
  const BtfType* section = map.btf ? map.btf->type(map.btf_value_type_id) : nullptr;
  if (!section || section->kind() != BtfKind::kDatasec) return nullptr;
  for (const BtfVarSecinfo& variable : section->secinfos())
    if (map.btf->name_of(variable.type) == name) return &variable;
  return nullptr;
}

}  // namespace

Result<std::span<std::byte>> global_variable(Kernel& kernel, const LoadedObject& object,
                                             std::string_view name) {
  for (const LoadedObject::LoadedMap& m : object.maps()) {
    if (!m.object || !m.object->map) continue;
    Map& map = *m.object->map;
    const BtfVarSecinfo* variable = find_variable(map, name);
    if (!variable) continue;
    Region* region = kernel.memory().find(map.direct_value());
    return std::span(region->host + variable->offset, variable->size);
  }
  return not_found("there is no global variable `" + std::string(name) + "`");
}

}  // namespace drydock
