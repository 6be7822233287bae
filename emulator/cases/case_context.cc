// SPDX-License-Identifier: Apache-2.0
#include "emulator/cases/case_context.h"

#include <algorithm>
#include <cstring>

#include "base/file.h"
#include "emulator/cases/case_programs.h"
#include "emulator/loader/globals.h"
#include "maps/map.h"

namespace drydock::cases {
namespace {

constexpr int64_t kMostCpus = 4096;

}  // namespace

CaseContext::CaseContext(const Json& json, std::string directory,
                         std::shared_ptr<const Profile> profile, const CaseOptions& options)
    : json_(json),
      directory_(std::move(directory)),
      profile_(std::move(profile)),
      options_(options) {}

CaseContext::~CaseContext() = default;

Status CaseContext::open_object() {
  Reader reader(json_, "case");
  std::string name = reader.required_text("object");
  if (name.empty()) return malformed("case has no field `object`");
  std::vector<std::string> folders = {directory_};
  folders.insert(folders.end(), options_.object_folders.begin(), options_.object_folders.end());
  for (const std::string& folder : folders) {
    auto bytes = read_file(name.starts_with('/') ? name : folder + "/" + name);
    if (!bytes) continue;
    elf_ = std::move(*bytes);
    file_ = name;
    auto inspected = loader_->inspect(elf_, file_);
    if (!inspected) return std::unexpected(inspected.error());
    inspected_ = std::move(*inspected);
    return {};
  }
  return malformed("object `" + name + "` is neither beside the case nor in the folder of objects");
}

Status CaseContext::prepare() {
  Reader reader(json_, "case");
  for (const char* field : {"name", "description", "object", "programs", "kernels", "maps",
                            "globals", "task", "objects", "overrides", "steps"})
    reader.take(field);
  int64_t cpus = reader.number("cpus").value_or(1), cpu = reader.number("cpu").value_or(0);
  int64_t seed = reader.number("seed").value_or(1),
          clock = reader.number("clock").value_or(1'000'000'000);
  if (auto done = reader.finish(); !done) return done;
  if (cpus < 1 || cpus > kMostCpus) return malformed("case.cpus is not from 1 to 4096");
  kernel_ = std::make_unique<Kernel>(
      profile_, Kernel::Settings{.verifier = verify, .cpus = static_cast<uint32_t>(cpus)});
  loader_ = std::make_unique<Loader>(*kernel_);
  scene_ = std::make_unique<Scene>(*kernel_, static_cast<uint64_t>(seed));
  world().set_clock(static_cast<uint64_t>(clock));
  if (auto done = world().set_cpu(static_cast<uint32_t>(cpu)); !done) return done;
  if (auto done = open_object(); !done) return done;
  if (auto done = arrange_objects(); !done) return done;
  return arrange_maps();
}

Result<const InspectedProgram*> CaseContext::inspected(const std::string& name) {
  std::vector<std::string> names;
  for (const InspectedProgram& p : inspected_->programs) {
    if (p.name == name) return &p;
    names.push_back(p.name);
  }
  auto similar = nearest(name, names);
  return malformed(file_ + " has no program `" + name + "`" +
                   (similar ? " (did you mean `" + *similar + "`?)" : ""));
}

Result<LoadedObject*> CaseContext::object() {
  if (object_) return object_.get();
  LoadOptions wanted;
  for (const std::string& name : programs_to_run(json_)) wanted.programs.push_back(name);
  auto loaded = loader_->load(elf_, file_, wanted);
  if (!loaded) return std::unexpected(loaded.error());
  object_ = std::move(*loaded);
  for (const LoadedObject::LoadedMap& m : object_->maps())
    if (m.object && m.object->map) world().add_map(m.object->map.get());
  return object_.get();
}

Result<std::shared_ptr<ProgramObject>> CaseContext::loaded(const std::string& name) {
  if (auto known = inspected(name); !known) return std::unexpected(known.error());
  auto all = object();
  if (!all) return std::unexpected(all.error());
  const LoadedObject::Program* p = (*all)->program(name);
  if (!p || !p->object) return malformed("program `" + name + "` was not loaded");
  return p->object;
}

Result<const LoadedObject::LoadedMap*> CaseContext::map(const std::string& name) {
  auto all = object();
  if (!all) return std::unexpected(all.error());
  if (const auto* found = (*all)->map(name)) return found;
  std::vector<std::string> names;
  for (const auto& m : (*all)->maps()) names.push_back(m.name);
  auto similar = nearest(name, names);
  return malformed(file_ + " has no map `" + name + "`" +
                   (similar ? " (did you mean `" + *similar + "`?)" : ""));
}

Result<std::vector<uint64_t>> CaseContext::arguments(const Json* list, const std::string& where) {
  std::vector<uint64_t> args;
  if (!list) return args;
  if (!list->is_array()) return malformed(where + " is no list of arguments");
  for (const Json& item : *list) {
    if (item.is_number_unsigned()) args.push_back(item.get<uint64_t>());
    else if (item.is_number_integer()) args.push_back(static_cast<uint64_t>(item.get<int64_t>()));
    else if (item.is_null()) args.push_back(0);  // what nobody looks at
    else if (item.is_string() && item.get<std::string>() == "current")
      args.push_back(world().current_task());
    else if (item.is_string() && named_.contains(item.get<std::string>()))
      args.push_back(named_[item.get<std::string>()]);
    else
      return malformed(where + ": argument " + item.dump() +
                       " is neither a number, null nor the name of an object");
  }
  return args;
}

Result<std::pair<std::byte*, uint32_t>> CaseContext::global(const std::string& name) {
  auto all = object();
  if (!all) return std::unexpected(all.error());
  auto found = global_variable(*kernel_, **all, name);
  if (!found) return malformed(file_ + " has no global variable `" + name + "`");
  return std::pair{found->data(), static_cast<uint32_t>(found->size())};
}

Status CaseContext::set_task(const Json& json, const std::string& where) {
  Reader reader(json, where);
  Task task;
  task.pid = static_cast<uint32_t>(reader.number("pid").value_or(1000));
  if (auto tgid = reader.number("tgid")) task.tgid = static_cast<uint32_t>(*tgid);
  task.uid = static_cast<uint32_t>(reader.number("uid").value_or(0));
  task.gid = static_cast<uint32_t>(reader.number("gid").value_or(0));
  task.comm = reader.text("comm").value_or("drydock");
  task.cgroup = reader.text("cgroup").value_or("/");
  if (const Json* low = reader.take("may_bind_low_ports"); low && low->is_boolean())
    task.may_bind_low_ports = low->get<bool>();
  const Json* fields = reader.take("fields");
  if (auto done = reader.finish(); !done) return done;
  if (fields)
    for (const auto& [path, value] : fields->items()) {
      if (!value.is_number_integer()) return malformed(where + ".fields." + path + " is no number");
      task.fields[path] = value.get<uint64_t>();
    }
  return scene_->set_task(task);
}

Status CaseContext::arrange_objects() {
  if (json_.contains("task"))
    if (auto done = set_task(json_["task"], "task"); !done) return done;
  if (!json_.contains("objects")) return {};
  for (const auto& [name, content] : json_["objects"].items()) {
    Reader reader(content, "objects." + name);
    std::string kind = reader.required_text("struct");
    const Json* fields = reader.take("fields");
    if (auto done = reader.finish(); !done) return done;
    auto made = world().objects().make(kind, name);
    if (!made) return std::unexpected(made.error());
    named_[name] = *made;
    if (!fields) continue;
    for (const auto& [path, value] : fields->items()) {
      std::string where = "objects." + name + ".fields." + path;
      Status done;
      if (value.is_string() && named_.contains(value.get<std::string>())) {
        done = world().objects().set(*made, kind, path, named_[value.get<std::string>()]);
      } else if (value.is_number_integer()) {
        done = world().objects().set(*made, kind, path,
                                     value.is_number_unsigned()
                                         ? value.get<uint64_t>()
                                         : static_cast<uint64_t>(value.get<int64_t>()));
      } else {
        auto place = world().objects().place(kind, path);
        if (!place) return std::unexpected(place.error());
        if (place->is_pointer && value.is_object() && value.contains("text") &&
            value["text"].is_string()) {
          done = world().objects().set(
              *made, kind, path, world().objects().make_string(value["text"].get<std::string>()));
        } else {
          auto bytes = encode_value(value, place->size, where);
          if (!bytes) return std::unexpected(bytes.error());
          done = world().objects().set_bytes(*made, kind, path, *bytes);
        }
      }
      if (!done) return done;
    }
  }
  return {};
}

Status CaseContext::arrange_maps() {
  if (json_.contains("overrides"))
    for (const auto& [function, results] : json_["overrides"].items()) {
      Override override{.function = function};
      if (!results.is_array()) return malformed("overrides." + function + " is no list");
      for (const Json& value : results) {
        auto result = parse_result(value, "overrides." + function);
        if (!result) return std::unexpected(result.error());
        override.results.push_back(static_cast<uint64_t>(*result));
      }
      if (auto done = world().add_override(std::move(override)); !done) return done;
    }
  if (json_.contains("maps"))
    for (const auto& [name, entries] : json_["maps"].items()) {
      auto found = map(name);
      if (!found) return std::unexpected(found.error());
      Map& m = *(*found)->object->map;
      if (!entries.is_array()) return malformed("maps." + name + " is no list");
      for (size_t i = 0; i < entries.size(); ++i) {
        std::string where = "maps." + name + "[" + std::to_string(i) + "]";
        Reader reader(entries[i], where);
        const Json* key = reader.take("key");
        const Json* value = reader.take("value");
        if (auto done = reader.finish(); !done) return done;
        if (!value || (!key && m.key_size)) return malformed(where + " needs a key and a value");
        auto k =
            m.key_size ? encode_value(*key, m.key_size, where + ".key") : std::vector<std::byte>{};
        auto v = encode_value(*value, m.user_value_size(), where + ".value");
        if (!k) return std::unexpected(k.error());
        if (!v) return std::unexpected(v.error());
        if (int64_t err = m.user_update(*k, *v, 0); err)
          return malformed(where + ": the map refuses it with " + result_text(err));
      }
    }
  if (json_.contains("globals"))
    for (const auto& [name, value] : json_["globals"].items()) {
      auto place = global(name);
      if (!place) return std::unexpected(place.error());
      auto bytes = encode_value(value, place->second, "globals." + name);
      if (!bytes) return std::unexpected(bytes.error());
      std::memcpy(place->first, bytes->data(), bytes->size());
    }
  return {};
}

Status CaseContext::step(const std::string& kind, const Json& content, const std::string& where) {
  std::vector<std::string> kinds;
  for (auto family : {program_steps(), socket_steps(), event_steps(), state_steps()})
    for (const StepRow& row : family) {
      kinds.emplace_back(row.kind);
      if (row.kind != kind) continue;
      Reader reader(content, where);
      auto observed = row.run(*this, reader);
      if (!observed) return std::unexpected(observed.error());
      auto unseen = check_observation(kind, reader, *observed);
      if (!unseen) return std::unexpected(unseen.error());
      if (!unseen->empty()) return differs(where, unseen->front() + " was not seen");
      for (const auto& m : object_ ? object_->maps() : std::vector<LoadedObject::LoadedMap>{})
        if (m.object && m.object->map) m.object->map->quiesce();
      return reader.finish();
    }
  auto similar = nearest(kind, kinds);
  return malformed(where + ": there is no step `" + kind + "`" +
                   (similar ? " (did you mean `" + *similar + "`?)" : ""));
}

Status observe_runs(Json& observed, const std::vector<ProgramRun>& runs) {
  const RunReport* stopped = nullptr;
  observed["returns"] = Json::array();
  for (const ProgramRun& run : runs) {
    if (!run.report.ok()) stopped = &run.report;
    observed["returns"].push_back(static_cast<int32_t>(run.report.return_value));
  }
  if (stopped && stopped->stop == Stop::kUnsupported) return unsupported(stopped->message);
  observed["fault"] = stopped ? stopped->message : "";
  return {};
}

}  // namespace drydock::cases
