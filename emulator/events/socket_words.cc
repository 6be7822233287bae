// SPDX-License-Identifier: Apache-2.0
#include "emulator/events/socket_words.h"

#include <span>
#include <string>

namespace drydock {
namespace {

struct SocketWord {
  std::string_view name;
  uint32_t value;
};
constexpr SocketWord kFamilies[] = {{"unix", 1}, {"inet", 2}, {"inet6", 10}};
constexpr SocketWord kTypes[] = {{"stream", 1}, {"dgram", 2}, {"raw", 3}};

Result<uint32_t> value_named(std::string_view name, std::span<const SocketWord> words) {
  std::string known;
  for (const SocketWord& w : words) {
    if (w.name == name) return w.value;
    known += (known.empty() ? "" : ", ") + std::string(w.name);
  }
  return malformed(" is `" + std::string(name) + "`, not one of " + known);
}

}  // namespace

Result<uint32_t> socket_family_named(std::string_view name) { return value_named(name, kFamilies); }
Result<uint32_t> socket_type_named(std::string_view name) { return value_named(name, kTypes); }

}  // namespace drydock
