// SPDX-License-Identifier: Apache-2.0
// Steps on programs and on what they leave behind: load, attach, detach, run; maps, globals, ring
// buffers, the trace buffer; the task.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "emulator/cases/values.h"
#include "referee/agent/case_run.h"
#include "referee/agent/libbpf_ear.h"
#include "referee/agent/object_programs.h"

namespace drydock::agent {
namespace {

using referee::Answer;

Result<Json> load(CaseRun& run, Reader& r) {
  referee::AskRequest request{.path = run.object_path()};
  Answer a = load_program(request, r.required_text("program"));
  std::string_view verdict = a.kind == Answer::Kind::kAccepted   ? "accepted"
                             : a.kind == Answer::Kind::kRejected ? "rejected"
                                                                 : "malformed";
  Json observed = {{"verdict", verdict}, {"errno", a.err}, {"message", a.message}};
  if (a.verifier_spoke) observed["insns_processed"] = a.insns_processed;
  return observed;
}

struct AttachFlag {
  std::string_view name;
  unsigned bit;
};
constexpr AttachFlag kFlags[] = {{"override", 1u << 0}, {"multi", 1u << 1}, {"preorder", 1u << 6}};

Result<unsigned> attach_flags(Reader& r) {
  unsigned flags = 0;
  const Json* list = r.take("flags");
  if (!list) return flags;
  for (const Json& name : *list) {
    const AttachFlag* known = nullptr;
    for (const AttachFlag& flag : kFlags)
      if (name == flag.name) known = &flag;
    if (!known) return malformed(r.where() + ".flags: " + name.dump() + " is no flag");
    flags |= known->bit;
  }
  return flags;
}

Json result_of(int value) { return {{"result", value < 0 ? -errno : 0}}; }

Result<Json> attach(CaseRun& run, Reader& r) {
  auto program = run.program(r.required_text("program"));
  auto cgroup = r.text("cgroup");
  auto flags = attach_flags(r);
  if (!program) return std::unexpected(program.error());
  if (!flags) return std::unexpected(flags.error());
  if (r.has("cookie")) return unsupported("cookies are not given");
  if (!cgroup) {
    LibbpfEar ear;
    bpf_link* link = bpf_program__attach(*program);
    if (link) {
      run.keep(link);
      run.watch(*program);
    }
    return result_of(link ? 0 : -1);
  }
  auto folder = run.world().open_cgroup(*cgroup);
  if (!folder) return std::unexpected(folder.error());
  int done = bpf_prog_attach(bpf_program__fd(*program), *folder,
                             bpf_program__expected_attach_type(*program), *flags);
  Json observed = result_of(done);
  close(*folder);
  if (done == 0) run.watch(*program);
  return observed;
}

Result<Json> detach(CaseRun& run, Reader& r) {
  auto program = run.program(r.required_text("program"));
  if (!program) return std::unexpected(program.error());
  auto folder = run.world().open_cgroup(r.required_text("cgroup"));
  if (!folder) return std::unexpected(folder.error());
  int done = bpf_prog_detach2(bpf_program__fd(*program), *folder,
                              bpf_program__expected_attach_type(*program));
  Json observed = result_of(done);
  close(*folder);
  return observed;
}

std::vector<uint64_t> numbers(const Json& list) {
  std::vector<uint64_t> out;
  for (const Json& item : list)
    if (item.is_number_integer()) out.push_back(static_cast<uint64_t>(item.get<int64_t>()));
  return out;
}

/// BPF_PROG_TEST_RUN, for the types whose context it takes as it is.
Result<Json> run_program(CaseRun& run, Reader& r) {
  auto program = run.program(r.required_text("program"));
  if (!program) return std::unexpected(program.error());
  bpf_prog_type type = bpf_program__type(*program);
  if (type != BPF_PROG_TYPE_SYSCALL && type != BPF_PROG_TYPE_RAW_TRACEPOINT)
    return unsupported("BPF_PROG_TEST_RUN takes no context for this program type");
  std::vector<std::byte> context;
  if (const Json* given = r.take("context"); given && given->is_string()) {
    auto bytes =
        cases::encode_value(*given, given->get<std::string>().size() / 2, r.where() + ".context");
    if (!bytes) return std::unexpected(bytes.error());
    context = std::move(*bytes);
  }
  if (const Json* args = r.take("args")) {
    auto values = numbers(*args);
    if (values.size() != args->size())
      return unsupported("kernel objects cannot be chosen as arguments");
    auto bytes = std::as_bytes(std::span(values));
    context.assign(bytes.begin(), bytes.end());
  }
  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.ctx_in = context.data();
  options.ctx_size_in = static_cast<uint32_t>(context.size());
  if (type == BPF_PROG_TYPE_SYSCALL) {
    options.ctx_out = context.data();
    options.ctx_size_out = options.ctx_size_in;
  }
  int err = bpf_prog_test_run_opts(bpf_program__fd(*program), &options);
  if (err != 0) return malformed(std::string("BPF_PROG_TEST_RUN: ") + std::strerror(-err));
  Json observed = {{"return", static_cast<int32_t>(options.retval)}};
  if (type == BPF_PROG_TYPE_SYSCALL) observed["context_after"] = cases::hex_of(context);
  return observed;
}

bool is_per_cpu(bpf_map_type type) {
  return type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH ||
         type == BPF_MAP_TYPE_LRU_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

size_t user_value_size(const bpf_map* map) {
  size_t size = bpf_map__value_size(map);
  if (!is_per_cpu(bpf_map__type(map))) return size;
  return (size + 7) / 8 * 8 * static_cast<size_t>(libbpf_num_possible_cpus());
}

Result<Json> look_up(bpf_map* map, const Json* key, const std::string& where) {
  size_t key_size = bpf_map__key_size(map);
  if (!key && key_size) return malformed(where + " needs a key and a value");
  auto k =
      key_size ? cases::encode_value(*key, key_size, where + ".key") : std::vector<std::byte>{};
  if (!k) return std::unexpected(k.error());
  std::vector<std::byte> value(user_value_size(map));
  int err = bpf_map_lookup_elem(bpf_map__fd(map), key_size ? k->data() : nullptr, value.data());
  if (err != 0) return Json{{"result", err}};
  return Json{{"value", cases::hex_of(value)}};
}

/// nullopt for a map whose elements cannot be walked.
std::optional<size_t> count_elements(bpf_map* map) {
  std::vector<std::byte> key(bpf_map__key_size(map)), next(key.size());
  if (key.empty()) return std::nullopt;
  size_t count = 0;
  for (const void* at = nullptr;; at = key.data(), ++count) {
    int err = bpf_map_get_next_key(bpf_map__fd(map), at, next.data());
    if (err == -ENOENT) return count;
    if (err != 0) return std::nullopt;
    key = next;
  }
}

Result<Json> map(CaseRun& run, Reader& r) {
  auto m = run.map(r.required_text("name"));
  if (!m) return std::unexpected(m.error());
  Json observed = {{"entries", Json::array()}, {"absent", Json::array()}};
  if (auto count = count_elements(*m)) observed["count"] = *count;
  if (const Json* entries = r.take("entries"))
    for (const Json& entry : *entries) {
      auto seen = look_up(*m, entry.contains("key") ? &entry["key"] : nullptr, r.where());
      if (!seen) return seen;
      observed["entries"].push_back(std::move(*seen));
    }
  if (const Json* keys = r.take("absent"))
    for (const Json& key : *keys) {
      auto seen = look_up(*m, &key, r.where());
      if (!seen) return seen;
      observed["absent"].push_back(seen->contains("result"));
    }
  return observed;
}

Result<Json> global(CaseRun& run, Reader& r) {
  auto place = run.global(r.required_text("variable"));
  if (!place) return std::unexpected(place.error());
  return Json{
      {"value", cases::hex_of(std::vector<std::byte>(place->data, place->data + place->size))}};
}

int take_record(void* records, void* data, size_t size) {
  auto* bytes = static_cast<const std::byte*>(data);
  static_cast<Json*>(records)->push_back(
      cases::hex_of(std::vector<std::byte>(bytes, bytes + size)));
  return 0;
}

Result<Json> ringbuf(CaseRun& run, Reader& r) {
  auto m = run.map(r.required_text("map"));
  if (!m) return std::unexpected(m.error());
  Json records = Json::array();
  ring_buffer* ring = ring_buffer__new(bpf_map__fd(*m), take_record, &records, nullptr);
  if (!ring) return malformed("`" + std::string(bpf_map__name(*m)) + "` is no ring buffer");
  ring_buffer__consume(ring);
  ring_buffer__free(ring);
  return Json{{"records", std::move(records)}};
}

Result<Json> output(CaseRun& run, Reader&) {
  auto text = run.printed();
  if (!text) return std::unexpected(text.error());
  return Json{{"printed", *text}};
}

Result<Json> task(CaseRun& run, Reader& r) {
  if (auto done = run.set_task(r.object(), r.where()); !done) return std::unexpected(done.error());
  return Json::object();
}

Result<Json> advance(CaseRun&, Reader&) {
  return unsupported("a real clock cannot be set forward");
}

// clang-format off
constexpr StepRow kSteps[] = {
    {"load", load}, {"attach", attach, true}, {"detach", detach, true}, {"run", run_program, true},
    {"map", map}, {"global", global}, {"ringbuf", ringbuf}, {"output", output},
    {"task", task, true}, {"advance", advance},
};
// clang-format on

}  // namespace

std::span<const StepRow> object_steps() { return kSteps; }

}  // namespace drydock::agent
