// SPDX-License-Identifier: Apache-2.0
// Steps that look at what programs left behind, or change the world: maps, globals, ring buffers, output,
// the clock, the current task.
#include <algorithm>
#include <cstring>

#include "emulator/cases/case_context.h"
#include "maps/map.h"

namespace drydock::cases {
namespace {

Status check_entry(Map& m, const Json& entry, const std::string& where) {
  Reader r(entry, where);
  const Json* key = r.take("key");
  const Json* value = r.take("value");
  if (auto done = r.finish(); !done) return done;
  if (!value || (!key && m.key_size)) return malformed(where + " needs a key and a value");
  auto k = m.key_size ? encode_value(*key, m.key_size, where + ".key") : std::vector<std::byte>{};
  if (!k) return std::unexpected(k.error());
  auto wanted = encode_value(*value, m.user_value_size(), where + ".value");
  if (!wanted) return std::unexpected(wanted.error());
  std::vector<std::byte> got(m.user_value_size());
  if (int64_t err = m.user_lookup(*k, got, 0); err) return differs(where, "look-up gives " + result_text(err));
  if (got != *wanted) return differs(where, "value is " + hex_of(got) + ", expected " + hex_of(*wanted));
  return {};
}

Status map(CaseContext& c, Reader& r) {
  auto found = c.map(r.required_text("name"));
  if (!found) return std::unexpected(found.error());
  Map& m = *(*found)->object->map;
  if (const Json* entries = r.take("entries"))
    for (size_t i = 0; i < entries->size(); ++i)
      if (auto ok = check_entry(m, (*entries)[i], r.where() + ".entries[" + std::to_string(i) + "]"); !ok) return ok;
  if (const Json* keys = r.take("absent"))
    for (const Json& key : *keys) {
      auto k = encode_value(key, m.key_size, r.where() + ".absent");
      if (!k) return std::unexpected(k.error());
      std::vector<std::byte> value(m.user_value_size());
      if (m.user_lookup(*k, value, 0) == 0) return differs(r.where(), "there is an element " + key.dump());
    }
  auto count = r.number("count");
  if (count && m.entries() != static_cast<size_t>(*count))
    return differs(r.where(), std::to_string(m.entries()) + " elements, expected " + std::to_string(*count));
  return {};
}

Status global(CaseContext& c, Reader& r) {
  auto place = c.global(r.required_text("variable"));
  const Json* value = r.take("value");
  if (!place) return std::unexpected(place.error());
  if (!value) return malformed(r.where() + " has no field `value`");
  auto wanted = encode_value(*value, place->second, r.where() + ".value");
  if (!wanted) return std::unexpected(wanted.error());
  std::vector<std::byte> got(place->first, place->first + place->second);
  if (got != *wanted) return differs(r.where(), "value is " + hex_of(got) + ", expected " + hex_of(*wanted));
  return {};
}

Status ringbuf(CaseContext& c, Reader& r) {
  auto found = c.map(r.required_text("map"));
  const Json* records = r.take("records");
  if (!found) return std::unexpected(found.error());
  Map& m = *(*found)->object->map;
  if (m.type != MapType::kRingbuf) return malformed(r.where() + ": `" + (*found)->name + "` is no ring buffer");
  if (!records || !records->is_array()) return malformed(r.where() + " has no list `records`");
  auto unread = static_cast<RingbufMap&>(m).unread();
  if (unread.size() != records->size())
    return differs(r.where(), std::to_string(unread.size()) + " records, expected " + std::to_string(records->size()));
  for (size_t i = 0; i < unread.size(); ++i) {
    auto wanted = encode_value((*records)[i], unread[i].size(), r.where() + ".records[" + std::to_string(i) + "]");
    if (!wanted) return differs(r.where(), wanted.error().message);
    if (*wanted != unread[i])
      return differs(r.where(), "record " + std::to_string(i) + " is " + hex_of(unread[i]) + ", expected " + hex_of(*wanted));
  }
  return {};
}

Status output(CaseContext& c, Reader& r) {
  std::string trace = c.world().output(Output::kTrace);
  if (auto wanted = r.text("trace"); wanted && trace != *wanted)
    return differs(r.where(), "the trace pipe has `" + trace + "`, expected `" + *wanted + "`");
  if (auto part = r.text("contains"); part && trace.find(*part) == std::string::npos)
    return differs(r.where(), "the trace pipe has `" + trace + "`, without `" + *part + "`");
  if (const Json* records = r.take("perf")) {
    Json got = Json::array();
    for (const std::string& record : c.world().perf_records()) {
      auto* p = reinterpret_cast<const std::byte*>(record.data());
      got.push_back(hex_of(std::vector<std::byte>(p, p + record.size())));
    }
    if (got != *records) return differs(r.where(), "perf records are " + got.dump() + ", expected " + records->dump());
  }
  if (const Json* effects = r.take("effects")) {
    Json got = Json::array();
    for (const Effect& e : c.world().effects()) got.push_back({{e.what, e.value}});
    if (got != *effects) return differs(r.where(), "effects are " + got.dump() + ", expected " + effects->dump());
  }
  return {};
}

Status advance(CaseContext& c, Reader& r) {
  auto ns = r.number("ns");
  if (!ns || *ns < 0) return malformed(r.where() + " needs `ns`, not negative");
  c.world().advance_clock(static_cast<uint64_t>(*ns));
  return {};
}

Status cpu(CaseContext& c, Reader& r) {
  auto number = r.number("cpu");
  if (!number || *number < 0) return malformed(r.where() + " needs `cpu`");
  return c.world().set_cpu(static_cast<uint32_t>(*number));
}

Status task(CaseContext& c, Reader& r) {
  for (const char* field : {"pid", "tgid", "comm", "uid", "gid", "cgroup", "fields", "may_bind_low_ports"}) r.take(field);
  return c.set_task(r.object(), r.where());
}

constexpr StepRow kSteps[] = {{"map", map},       {"global", global},   {"ringbuf", ringbuf},
                              {"output", output}, {"advance", advance}, {"cpu", cpu},
                              {"task", task}};

}  // namespace

std::span<const StepRow> state_steps() { return kSteps; }

}  // namespace drydock::cases
