// SPDX-License-Identifier: Apache-2.0
// Maps of a session, as user space sees them.
#include "maps/map.h"

#include <algorithm>

#include "base/errno_name.h"
#include "drydock/session.h"
#include "library/impl.h"

namespace drydock::api {
namespace {

Status of_kernel(const Map& map, std::string_view what, int64_t err) {
  if (err >= 0) return {};
  auto number = static_cast<int>(-err);
  return std::unexpected(Error{
      ErrorKind::kNotFound,
      "map `" + map.name() + "`: " + std::string(what) + " gives " + result_text(err), number});
}

Status check_size(const Map& map, std::string_view what, size_t given, size_t wanted) {
  if (given == wanted) return {};
  return std::unexpected(Error{
      ErrorKind::kUsage, "map `" + map.name() + "` has " + std::string(what) + "s of " +
                             std::to_string(wanted) + " bytes, not " + std::to_string(given)});
}

}  // namespace

const std::string& Map::name() const { return impl_->name; }
std::string Map::type() const { return std::string(name_of(impl_->map->type)); }
uint32_t Map::key_size() const { return impl_->map->key_size; }
uint32_t Map::value_size() const { return impl_->map->user_value_size(); }

Result<Map::Bytes> Map::lookup(std::span<const std::byte> key) const {
  if (auto ok = check_size(*this, "key", key.size(), key_size()); !ok)
    return std::unexpected(ok.error());
  Bytes value(value_size());
  auto done = of_kernel(*this, "look-up", impl_->map->user_lookup(key, value, 0));
  if (!done) return std::unexpected(done.error());
  return value;
}

Status Map::update(std::span<const std::byte> key, std::span<const std::byte> value,
                   uint64_t flags) {
  if (auto ok = check_size(*this, "key", key.size(), key_size()); !ok) return ok;
  if (auto ok = check_size(*this, "value", value.size(), value_size()); !ok) return ok;
  return of_kernel(*this, "update", impl_->map->user_update(key, value, flags));
}

Status Map::erase(std::span<const std::byte> key) {
  if (auto ok = check_size(*this, "key", key.size(), key_size()); !ok) return ok;
  return of_kernel(*this, "deletion", impl_->map->user_erase(key));
}

Map::Contents Map::contents(size_t most_entries, size_t most_bytes) const {
  Contents contents;
  const size_t room = std::min(most_entries, most_bytes / (size_t{key_size()} + value_size() + 1));
  Bytes key, next(key_size()), value(value_size());
  while (impl_->map->next_key(key, next) == 0) {
    contents.complete = contents.entries.size() < room;
    if (!contents.complete) break;
    if (impl_->map->user_lookup(next, value, 0) == 0) contents.entries.emplace_back(next, value);
    key = next;
  }
  return contents;
}

std::vector<Map::Bytes> Map::records() const {
  if (impl_->map->type != MapType::kRingbuf) return {};
  return static_cast<RingbufMap&>(*impl_->map).unread();
}

}  // namespace drydock::api
