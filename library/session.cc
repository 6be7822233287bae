// SPDX-License-Identifier: Apache-2.0
#include "drydock/session.h"

#include "emulator/events/scene.h"
#include "emulator/events/socket_words.h"
#include "emulator/loader/globals.h"
#include "library/impl.h"
#include "maps/map.h"

namespace drydock::api {

struct Session::Impl {
  explicit Impl(const drydock::Kernel& like, uint64_t seed)
      : kernel(like.shared_profile(), like.settings()), loader(kernel), scene(kernel, seed) {}

  // A kernel of its own: what one session attaches or makes, no other sees, and its addresses and
  // ids do not depend on what ran before.
  drydock::Kernel kernel;
  Loader loader;
  std::unique_ptr<LoadedObject> loaded;
  Scene scene;
  std::string first;

  Result<std::shared_ptr<ProgramObject>> program(const std::string& name) const {
    std::vector<std::string> names;
    for (const LoadedObject::Program& p : loaded->programs()) {
      if (!p.object) continue;
      if (p.name == name) return p.object;
      names.push_back(p.name);
    }
    return no_such("loaded program", name, names);
  }

  /// Values that programs deleted go away once nothing runs.
  void quiesce() {
    for (const LoadedObject::LoadedMap& m : loaded->maps())
      if (m.object && m.object->map) m.object->map->quiesce();
  }

  Result<Outcome> fire(const RunProgram& event);
  Result<Outcome> fire(const CallFunction& event);
  Result<Outcome> fire(const PassTracepoint& event);
  Result<Outcome> fire(const AskLsm& event);
  Result<Outcome> fire(const ReadIterator& event);
  Result<Outcome> fire(const CreateSocket& event);
  Result<Outcome> fire(const CallSocket& event);
};

namespace {

api::ProgramRun to_run(const drydock::ProgramRun& run) {
  const RunReport& r = run.report;
  return {.program = run.program,
          .returned = r.return_value,
          .insns_executed = r.insns_executed,
          .stop = name_of(r.stop),
          .insn = r.insn,
          .message = r.message};
}

std::vector<api::ProgramRun> to_runs(const std::vector<drydock::ProgramRun>& runs) {
  std::vector<api::ProgramRun> out;
  for (const drydock::ProgramRun& run : runs) out.push_back(to_run(run));
  return out;
}

Result<Outcome> to_outcome(const Result<TraceResult>& r) {
  if (!r) return std::unexpected(r.error());
  return Outcome{
      .result = r->retval, .runs = to_runs(r->runs), .function_skipped = r->function_skipped};
}

Result<Outcome> to_outcome(const Result<SocketCallResult>& r) {
  if (!r) return std::unexpected(r.error());
  return Outcome{.result = r->result,
                 .runs = to_runs(r->runs),
                 .address = r->address.family ? r->address.text() : "",
                 .source = r->source.family ? r->source.text() : ""};
}

}  // namespace

Result<Outcome> Session::Impl::fire(const RunProgram& event) {
  auto found = program(event.program.empty() ? first : event.program);
  if (!found) return std::unexpected(found.error());
  auto context = event.context;
  if (context.empty()) context.resize(context_size((*found)->input.type));
  auto ran = event.args.empty() ? scene.run(*found, std::move(context), event.repeat)
                                : scene.run_with_arguments(*found, event.args, event.repeat);
  if (!ran) return std::unexpected(ran.error());
  Outcome outcome{.result = static_cast<int32_t>(ran->last.report.return_value),
                  .context = std::move(ran->context),
                  .ns_per_run = ran->ns_per_run};
  outcome.runs.push_back(to_run(ran->last));
  outcome.output = scene.world().output(Output::kSeqFile);
  return outcome;
}

Result<Outcome> Session::Impl::fire(const CallFunction& event) {
  return to_outcome(scene.traces().call(event.function, event.args, event.returned));
}
Result<Outcome> Session::Impl::fire(const PassTracepoint& event) {
  return to_outcome(scene.traces().tracepoint(event.name, event.args));
}
Result<Outcome> Session::Impl::fire(const AskLsm& event) {
  return to_outcome(scene.traces().lsm(event.hook, event.args, scene.cgroup()));
}

Result<Outcome> Session::Impl::fire(const ReadIterator& event) {
  auto found = program(event.program);
  if (!found) return std::unexpected(found.error());
  auto read = scene.iterators().read_all(*found, event.objects, event.retries);
  if (!read) return std::unexpected(read.error());
  return Outcome{
      .result = read->err, .runs = to_runs(read->runs), .output = std::move(read->output)};
}

Result<Outcome> Session::Impl::fire(const CreateSocket& event) {
  auto family = socket_family_named(event.family);
  auto type = socket_type_named(event.type);
  if (!family) return std::unexpected(family.error());
  if (!type) return std::unexpected(type.error());
  return to_outcome(scene.sockets().socket(event.socket, *family, *type, event.protocol));
}

Result<Outcome> Session::Impl::fire(const CallSocket& event) {
  using enum CallSocket::Call;
  SocketCalls& calls = scene.sockets();
  switch (event.call) {
    case kListen: return to_outcome(calls.listen(event.socket));
    case kGetsockname: return to_outcome(calls.getsockname(event.socket));
    case kGetpeername: return to_outcome(calls.getpeername(event.socket));
    case kClose: return to_outcome(calls.close(event.socket));
    default: break;
  }
  auto address = SocketAddress::parse(event.address);
  if (!address) return std::unexpected(address.error());
  if (event.call == kBind) return to_outcome(calls.bind(event.socket, *address));
  if (event.call == kSendmsg) return to_outcome(calls.sendmsg(event.socket, *address));
  if (event.call == kRecvmsg) return to_outcome(calls.recvmsg(event.socket, *address));
  return to_outcome(calls.connect(event.socket, *address));
}

Result<Session> Session::load(const Object& object, const SessionOptions& options) {
  auto opened = object.shared_impl();
  if (opened->elf.empty())
    return std::unexpected(Error{ErrorKind::kUsage,
                                 "a session takes an object, not raw instructions"});
  LoadOptions wanted;
  wanted.programs = options.programs;
  auto impl = std::make_unique<Impl>(opened->kernel->kernel, options.seed);
  auto loaded = impl->loader.load(opened->elf, opened->file, wanted);
  if (!loaded) return std::unexpected(loaded.error());
  impl->loaded = std::move(*loaded);
  for (const LoadedObject::LoadedMap& m : impl->loaded->maps())
    if (m.object && m.object->map) impl->scene.world().add_map(m.object->map.get());
  for (const LoadedObject::Program& p : impl->loaded->programs())
    if (p.object && impl->first.empty()) impl->first = p.name;
  impl->scene.world().set_clock(options.clock_ns);
  impl->scene.runner().set_limits({.instructions = options.most_insns});
  return Session(std::move(impl));
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Status Session::set_task(const Task& task) { return impl_->scene.set_task(task); }
uint64_t Session::current_task() const { return impl_->scene.world().current_task(); }
void Session::set_clock(uint64_t ns) { impl_->scene.world().set_clock(ns); }
void Session::advance_clock(uint64_t ns) { impl_->scene.world().advance_clock(ns); }
Status Session::set_cpu(uint32_t cpu) { return impl_->scene.world().set_cpu(cpu); }

Result<uint64_t> Session::make_object(std::string_view struct_name) {
  return impl_->scene.world().objects().make(struct_name, struct_name);
}
Status Session::set_field(uint64_t object, std::string_view struct_name, std::string_view path,
                          uint64_t value) {
  return impl_->scene.world().objects().set(object, struct_name, path, value);
}
Status Session::override_function(std::string name, std::vector<uint64_t> results) {
  return impl_->scene.world().add_override({.function = std::move(name),
                                            .results = std::move(results)});
}

Status Session::attach(const std::string& program, const AttachOptions& options) {
  auto found = impl_->program(program);
  if (!found) return std::unexpected(found.error());
  uint32_t flags = (options.multi ? kAttachMulti : 0) | (options.override ? kAttachOverride : 0) |
                   (options.preorder ? kAttachPreorder : 0);
  std::optional<std::string> cgroup;
  if (!options.cgroup.empty()) cgroup = options.cgroup;
  return impl_->scene.attach(*found, cgroup, flags, options.cookie);
}

Status Session::detach(const std::string& program, const std::string& cgroup) {
  auto found = impl_->program(program);
  if (!found) return std::unexpected(found.error());
  return impl_->scene.detach(*found, cgroup);
}

Result<Outcome> Session::fire(const Event& event) {
  auto outcome = std::visit([&](const auto& e) { return impl_->fire(e); }, event);
  impl_->quiesce();
  return outcome;
}

std::vector<Map> Session::maps() const {
  std::vector<Map> maps;
  for (const LoadedObject::LoadedMap& m : impl_->loaded->maps())
    if (m.object && m.object->map)
      maps.emplace_back(std::make_shared<const Map::Impl>(m.name, m.object->map.get()));
  return maps;
}

Result<Map> Session::map(std::string_view name) const {
  std::vector<std::string> names;
  for (Map& m : maps()) {
    if (m.name() == name) return m;
    names.push_back(m.name());
  }
  return no_such("map", name, names);
}

Result<std::span<std::byte>> Session::global(std::string_view name) {
  return global_variable(impl_->scene.kernel(), *impl_->loaded, name);
}

std::string Session::trace_output() const { return impl_->scene.world().output(Output::kTrace); }
std::vector<std::string> Session::perf_records() const {
  return impl_->scene.world().perf_records();
}
std::vector<std::pair<std::string, uint64_t>> Session::effects() const {
  std::vector<std::pair<std::string, uint64_t>> effects;
  for (const Effect& e : impl_->scene.world().effects()) effects.emplace_back(e.what, e.value);
  return effects;
}

}  // namespace drydock::api
