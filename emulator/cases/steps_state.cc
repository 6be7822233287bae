// SPDX-License-Identifier: Apache-2.0
// Steps that look at what programs left behind, or change the world: maps, globals, ring buffers,
// output, the clock, the current task.
#include <algorithm>
#include <cstring>

#include "emulator/cases/case_context.h"
#include "maps/map.h"

namespace drydock::cases {
namespace {

/// Looks a key up: its value, or the result where there is none.
Result<Json> look_up(Map& m, const Json* key, const std::string& where) {
  if (!key && m.key_size) return malformed(where + " needs a key and a value");
  auto k = m.key_size ? encode_value(*key, m.key_size, where + ".key") : std::vector<std::byte>{};
  if (!k) return std::unexpected(k.error());
  std::vector<std::byte> value(m.user_value_size());
  if (int64_t err = m.user_lookup(*k, value, 0); err) return Json{{"result", err}};
  return Json{{"value", hex_of(value)}};
}

Result<Json> map(CaseContext& c, Reader& r) {
  auto found = c.map(r.required_text("name"));
  if (!found) return std::unexpected(found.error());
  Map& m = *(*found)->object->map;
  Json observed = {{"count", m.entries()}, {"entries", Json::array()}, {"absent", Json::array()}};
  if (const Json* entries = r.take("entries"))
    for (size_t i = 0; i < entries->size(); ++i) {
      const Json& entry = (*entries)[i];
      auto seen = look_up(m, entry.is_object() && entry.contains("key") ? &entry["key"] : nullptr,
                          r.where() + ".entries[" + std::to_string(i) + "]");
      if (!seen) return seen;
      observed["entries"].push_back(std::move(*seen));
    }
  if (const Json* keys = r.take("absent"))
    for (const Json& key : *keys) {
      auto seen = look_up(m, &key, r.where() + ".absent");
      if (!seen) return seen;
      observed["absent"].push_back(seen->contains("result"));
    }
  return observed;
}

Result<Json> global(CaseContext& c, Reader& r) {
  auto place = c.global(r.required_text("variable"));
  if (!place) return std::unexpected(place.error());
  if (!r.has("value")) return malformed(r.where() + " has no field `value`");
  return Json{
      {"value", hex_of(std::vector<std::byte>(place->first, place->first + place->second))}};
}

Result<Json> ringbuf(CaseContext& c, Reader& r) {
  auto found = c.map(r.required_text("map"));
  if (!found) return std::unexpected(found.error());
  Map& m = *(*found)->object->map;
  if (m.type != MapType::kRingbuf)
    return malformed(r.where() + ": `" + (*found)->name + "` is no ring buffer");
  if (!r.has("records")) return malformed(r.where() + " has no list `records`");
  Json records = Json::array();
  for (const std::vector<std::byte>& record : static_cast<RingbufMap&>(m).unread())
    records.push_back(hex_of(record));
  return Json{{"records", std::move(records)}};
}

Result<Json> output(CaseContext& c, Reader&) {
  std::string trace = c.world().output(Output::kTrace);
  Json observed = {
      {"trace", trace}, {"printed", trace}, {"perf", Json::array()}, {"effects", Json::array()}};
  for (const std::string& record : c.world().perf_records()) {
    auto* p = reinterpret_cast<const std::byte*>(record.data());
    observed["perf"].push_back(hex_of(std::vector<std::byte>(p, p + record.size())));
  }
  for (const Effect& e : c.world().effects()) observed["effects"].push_back({{e.what, e.value}});
  return observed;
}

Result<Json> advance(CaseContext& c, Reader& r) {
  auto ns = r.number("ns");
  if (!ns || *ns < 0) return malformed(r.where() + " needs `ns`, not negative");
  c.world().advance_clock(static_cast<uint64_t>(*ns));
  return Json::object();
}

Result<Json> cpu(CaseContext& c, Reader& r) {
  auto number = r.number("cpu");
  if (!number || *number < 0) return malformed(r.where() + " needs `cpu`");
  if (auto done = c.world().set_cpu(static_cast<uint32_t>(*number)); !done)
    return std::unexpected(done.error());
  return Json::object();
}

Result<Json> task(CaseContext& c, Reader& r) {
  for (const char* field :
       {"pid", "tgid", "comm", "uid", "gid", "cgroup", "fields", "may_bind_low_ports"})
    r.take(field);
  if (auto done = c.set_task(r.object(), r.where()); !done) return std::unexpected(done.error());
  return Json::object();
}

constexpr StepRow kSteps[] = {{"map", map},       {"global", global},   {"ringbuf", ringbuf},
                              {"output", output}, {"advance", advance}, {"cpu", cpu},
                              {"task", task}};

}  // namespace

std::span<const StepRow> state_steps() { return kSteps; }

}  // namespace drydock::cases
