// SPDX-License-Identifier: Apache-2.0
// Steps that are events of the kernel: a traced function is called, a tracepoint passed, an LSM
// hook asked, an iterator read.
#include "emulator/cases/case_context.h"

namespace drydock::cases {
namespace {

Result<Json> observe_trace(const Result<TraceResult>& outcome) {
  if (!outcome) return std::unexpected(outcome.error());
  Json observed = {{"result", outcome->retval}, {"skipped", outcome->function_skipped}};
  if (auto ok = observe_runs(observed, outcome->runs); !ok) return std::unexpected(ok.error());
  return observed;
}

Result<Json> call(CaseContext& c, Reader& r) {
  std::string function = r.required_text("function");
  auto args = c.arguments(r.take("args"), r.where() + ".args");
  int64_t returned = r.number("returned").value_or(0);
  if (!args) return std::unexpected(args.error());
  if (auto ready = c.object(); !ready) return std::unexpected(ready.error());
  return observe_trace(c.traces().call(function, *args, returned));
}

Result<Json> tracepoint(CaseContext& c, Reader& r) {
  std::string name = r.required_text("name");
  auto args = c.arguments(r.take("args"), r.where() + ".args");
  if (!args) return std::unexpected(args.error());
  return observe_trace(c.traces().tracepoint(name, *args));
}

Result<Json> lsm(CaseContext& c, Reader& r) {
  std::string hook = r.required_text("hook");
  auto args = c.arguments(r.take("args"), r.where() + ".args");
  std::string cgroup = r.text("cgroup").value_or(c.cgroup());
  if (!args) return std::unexpected(args.error());
  return observe_trace(c.traces().lsm(hook, *args, cgroup));
}

Result<Json> iterate(CaseContext& c, Reader& r) {
  std::string name = r.required_text("program");
  const Json* list = r.take("objects");
  auto retries = static_cast<uint32_t>(r.number("retries").value_or(0));
  auto program = c.loaded(name);
  if (!program) return std::unexpected(program.error());
  IteratorEvents::Objects objects;
  for (size_t i = 0; list && i < list->size(); ++i) {
    auto slots = c.arguments(&(*list)[i], r.where() + ".objects[" + std::to_string(i) + "]");
    if (!slots) return std::unexpected(slots.error());
    objects.push_back(std::move(*slots));
  }
  auto read = c.iterators().read_all(*program, objects, retries);
  if (!read) return std::unexpected(read.error());
  Json observed = {{"result", read->err}, {"output", read->output}};
  if (auto ok = observe_runs(observed, read->runs); !ok) return std::unexpected(ok.error());
  return observed;
}

constexpr StepRow kSteps[] = {
    {"call", call}, {"tracepoint", tracepoint}, {"lsm", lsm}, {"iterate", iterate}};

}  // namespace

std::span<const StepRow> event_steps() { return kSteps; }

}  // namespace drydock::cases
