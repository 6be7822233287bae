// SPDX-License-Identifier: Apache-2.0
#include "referee/agent/case_run.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/file.h"
#include "emulator/cases/case_programs.h"
#include "emulator/cases/values.h"
#include "emulator/loader/fixups.h"
#include "emulator/loader/libbpf_lines.h"
#include "referee/agent/libbpf_ear.h"
#include "referee/agent/process.h"

namespace drydock::agent {
namespace {

constexpr const char* kTracing = "/sys/kernel/tracing/";

const StepRow* find_step(const std::string& kind) {
  for (auto family : {object_steps(), socket_steps(), hook_steps()})
    for (const StepRow& row : family)
      if (row.kind == kind) return &row;
  return nullptr;
}

}  // namespace

CaseRun::CaseRun(const Json& json, std::string object_path)
    : json_(json), path_(std::move(object_path)) {}

CaseRun::~CaseRun() {
  for (auto& [name, fd] : sockets_) close(fd);
  for (bpf_link* link : links_) bpf_link__destroy(link);
  for (const std::string& path : files_) unlink(path.c_str());
  if (object_) bpf_object__close(object_);
}

Json CaseRun::perform() {
  if (auto ready = prepare(); !ready) return {{"skipped", ready.error().message}};
  Json steps = Json::array();
  bool lost = false;
  for (const Json& step : json_.value("steps", Json::array())) {
    if (!step.is_object() || step.size() != 1)
      return {{"skipped", "a step is no object of one field"}};
    const auto stated = step.begin();
    const std::string& kind = stated.key();
    const StepRow* row = find_step(kind);
    if (lost) {
      steps.push_back({{"skipped", "it comes after a step that was not performed"}});
      continue;
    }
    Reader reader(stated.value(), "steps[" + std::to_string(steps.size()) + "]." + kind);
    Result<Json> seen = row ? row->run(*this, reader)
                            : unsupported("a real kernel's " + kind + " cannot be chosen");
    steps.push_back(entry_of(seen));
    lost = !seen && (!row || row->later_steps_depend);
  }
  return {{"steps", std::move(steps)}};
}

Json CaseRun::entry_of(const Result<Json>& seen) {
  auto returned = std::exchange(returned_, std::nullopt);
  if (!seen)
    return {{seen.error().kind == ErrorKind::kUnsupported ? "skipped" : "failed",
             seen.error().message}};
  Json entry = {{"observed", *seen}};
  if (returned && returns_.blind().empty()) entry["observed"]["returns"] = *returned;
  else
    entry["unseen"] = {
        {"returns", returned ? returns_.blind() : "programs run in another process"}};
  return entry;
}

void CaseRun::watch(bpf_program* program) { returns_.watch(program, bpf_object__btf(object_)); }

Status CaseRun::prepare() {
  if (json_.contains("overrides"))
    return unsupported("the helpers of a real kernel cannot be overridden");
  if (int cpus = libbpf_num_possible_cpus(); json_.contains("cpus") && json_["cpus"] != cpus)
    return unsupported("the case is for " + json_["cpus"].dump() + " CPUs, the machine has " +
                       std::to_string(cpus));
  if (auto entered = world_.enter(); !entered) return entered;
  if (json_.contains("cpu")) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(json_["cpu"].get<size_t>(), &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) return unsupported("the CPU cannot be chosen");
  }
  if (auto loaded = load_object(); !loaded) return loaded;
  if (auto filled = fill_maps(); !filled) return filled;
  mark_trace();
  return json_.contains("task") ? set_task(json_["task"], "task") : Status{};
}

Status CaseRun::load_object() {
  LibbpfEar ear;
  auto failed = [&](int err) {
    return unsupported("the object is not loaded: " + failure_cause(ear.take(), err));
  };
  object_ = bpf_object__open_file(path_.c_str(), nullptr);
  if (!object_) return failed(errno);
  relax_maps(object_);
  auto wanted = cases::programs_to_run(json_);
  bpf_program* p;
  bpf_object__for_each_program(p, object_) {
    if (!wanted.empty()) bpf_program__set_autoload(p, wanted.contains(bpf_program__name(p)));
  }
  if (json_.contains("globals"))
    for (const auto& [name, value] : json_["globals"].items()) {
      auto place = global(name);
      if (!place) return std::unexpected(place.error());
      auto bytes = cases::encode_value(value, place->size, "globals." + name);
      if (!bytes) return std::unexpected(bytes.error());
      std::memcpy(place->data, bytes->data(), bytes->size());
    }
  if (int err = bpf_object__load(object_); err != 0) return failed(-err);
  return {};
}

Status CaseRun::fill_maps() {
  if (!json_.contains("maps")) return {};
  for (const auto& [name, entries] : json_["maps"].items()) {
    auto m = map(name);
    if (!m) return std::unexpected(m.error());
    for (const Json& entry : entries) {
      size_t key_size = bpf_map__key_size(*m), value_size = bpf_map__value_size(*m);
      auto key = entry.contains("key") ? cases::encode_value(entry["key"], key_size, name)
                                       : std::vector<std::byte>{};
      auto value = cases::encode_value(entry.value("value", Json()), value_size, name);
      if (!key) return std::unexpected(key.error());
      if (!value) return std::unexpected(value.error());
      int err = bpf_map_update_elem(bpf_map__fd(*m), key->empty() ? nullptr : key->data(),
                                    value->data(), 0);
      if (err != 0)
        return unsupported("map " + name + " refuses its contents: " + std::strerror(-err));
    }
  }
  return {};
}

Result<bpf_program*> CaseRun::program(const std::string& name) {
  bpf_program* found = bpf_object__find_program_by_name(object_, name.c_str());
  if (!found || bpf_program__fd(found) < 0)
    return malformed("program `" + name + "` was not loaded");
  return found;
}

Result<bpf_map*> CaseRun::map(const std::string& name) {
  bpf_map* found = bpf_object__find_map_by_name(object_, name.c_str());
  if (!found) return malformed("there is no map `" + name + "`");
  return found;
}

Result<CaseRun::Global> CaseRun::global(const std::string& name) {
  const btf* types = bpf_object__btf(object_);
  bpf_map* m;
  bpf_object__for_each_map(m, object_) {
    size_t size = 0;
    auto* data = static_cast<std::byte*>(bpf_map__initial_value(m, &size));
    const btf_type* section =
        types ? btf__type_by_id(types, bpf_map__btf_value_type_id(m)) : nullptr;
    if (!data || !section || !btf_is_datasec(section)) continue;
    for (int i = 0; i < btf_vlen(section); ++i) {
      const btf_var_secinfo& var = btf_var_secinfos(section)[i];
      const btf_type* type = btf__type_by_id(types, var.type);
      if (type && name == btf__name_by_offset(types, type->name_off))
        return Global{data + var.offset, var.size};
    }
  }
  return malformed("there is no global variable `" + name + "`");
}

Json CaseRun::object(const std::string& name) const {
  if (!json_.contains("objects") || !json_["objects"].is_object()) return Json::object();
  return json_["objects"].value(name, Json::object());
}

Status CaseRun::set_task(const Json& task, const std::string& where) {
  Reader reader(task, where);
  for (const char* number : {"pid", "tgid"})
    if (auto wanted = reader.number(number); wanted && *wanted != getpid())
      return unsupported("the current task is process " + std::to_string(getpid()) +
                         " from the beginning, not " + std::to_string(*wanted));
  if (reader.has("pid") && !numbers_are_the_kernels())
    return unsupported("process numbers inside of a container are not those that programs see");
  if (reader.has("fields")) return unsupported("the fields of a real task cannot be chosen");
  auto uid = static_cast<unsigned>(reader.number("uid").value_or(0));
  world_.set_user(uid, static_cast<unsigned>(reader.number("gid").value_or(0)));
  prctl(PR_SET_NAME, reader.text("comm").value_or("drydock").c_str());
  if (auto low = reader.take("may_bind_low_ports"); low && *low != (uid == 0))
    return unsupported("a capability apart from its user is not given");
  cgroup_ = reader.text("cgroup").value_or("/");
  return world_.join(cgroup_);
}

// The buffer is the machine's, others may have written to it: ours begins behind a mark.
void CaseRun::mark_trace() {
  mark_ = "drydock case " + std::to_string(getpid());
  int fd = open((std::string(kTracing) + "trace_marker").c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, mark_.data(), mark_.size()) < 0) mark_.clear();
  if (fd >= 0) close(fd);
}

Result<std::string> CaseRun::printed() {
  auto text = read_text_file(std::string(kTracing) + "trace");
  size_t at = text && !mark_.empty() ? text->find(mark_) : std::string::npos;
  if (at == std::string::npos) return unsupported("the trace buffer cannot be read");
  return text->substr(at);
}

}  // namespace drydock::agent
