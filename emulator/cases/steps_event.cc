// SPDX-License-Identifier: Apache-2.0
// Steps that are events of the kernel: a traced function is called, a tracepoint passed, an LSM hook
// asked, an iterator read.
#include "emulator/cases/case_context.h"

namespace drydock::cases {
namespace {

Status check_trace(Reader& r, const Result<TraceResult>& outcome, bool has_result) {
  if (!outcome) return std::unexpected(outcome.error());
  if (auto ok = check_runs(r, outcome->runs); !ok) return ok;
  const Json* skipped = r.take("skipped");
  if (skipped && *skipped != outcome->function_skipped)
    return differs(r.where(), outcome->function_skipped ? "the function was skipped" : "the function was not skipped");
  return has_result && r.has("result") ? check_result(r, outcome->retval) : Status{};
}

Status call(CaseContext& c, Reader& r) {
  std::string function = r.required_text("function");
  auto args = c.arguments(r.take("args"), r.where() + ".args");
  int64_t returned = r.number("returned").value_or(0);
  if (!args) return std::unexpected(args.error());
  if (auto ready = c.object(); !ready) return std::unexpected(ready.error());
  return check_trace(r, c.traces().call(function, *args, returned), true);
}

Status tracepoint(CaseContext& c, Reader& r) {
  std::string name = r.required_text("name");
  auto args = c.arguments(r.take("args"), r.where() + ".args");
  if (!args) return std::unexpected(args.error());
  return check_trace(r, c.traces().tracepoint(name, *args), false);
}

Status lsm(CaseContext& c, Reader& r) {
  std::string hook = r.required_text("hook");
  auto args = c.arguments(r.take("args"), r.where() + ".args");
  std::string cgroup = r.text("cgroup").value_or(c.cgroup());
  if (!args) return std::unexpected(args.error());
  auto outcome = c.traces().lsm(hook, *args, cgroup);
  if (auto ok = check_trace(r, outcome, false); !ok) return ok;
  return check_result(r, outcome->retval);
}

Status iterate(CaseContext& c, Reader& r) {
  std::string name = r.required_text("program");
  const Json* list = r.take("objects");
  auto retries = static_cast<uint32_t>(r.number("retries").value_or(0));
  auto output = r.text("output");
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
  if (auto ok = check_runs(r, read->runs); !ok) return ok;
  if (output && read->output != *output) return differs(r.where(), "output is\n" + read->output + "\nexpected\n" + *output);
  return check_result(r, read->err);
}

constexpr StepRow kSteps[] = {
    {"call", call}, {"tracepoint", tracepoint}, {"lsm", lsm}, {"iterate", iterate}};

}  // namespace

std::span<const StepRow> event_steps() { return kSteps; }

}  // namespace drydock::cases
