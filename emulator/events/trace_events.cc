// SPDX-License-Identifier: Apache-2.0
#include "emulator/events/trace_events.h"

#include <algorithm>
#include <cstring>

namespace drydock {
namespace {

constexpr std::string_view kTracepointPrefix = "btf_trace_", kLsmPrefix = "bpf_lsm_";

}  // namespace

Result<std::string> trace_target(const ProgramObject& program) {
  const ProgramInput& input = program.input;
  const Btf* btf = input.attach_btf.get();
  if (!btf || !input.attach_btf_id)
    return malformed("program " + input.name + " names nothing to attach to");
  std::string_view name = btf->name_of(input.attach_btf_id);
  for (std::string_view prefix : {kTracepointPrefix, kLsmPrefix})
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  return std::string(name);
}

Status TraceEvents::attach(std::shared_ptr<ProgramObject> program, uint64_t cookie) {
  auto target = trace_target(*program);
  if (!target) return std::unexpected(target.error());
  AttachType type = program->input.expected_attach_type;
  attached_.push_back({std::move(program), cookie, type, *target});
  return {};
}

Region* TraceEvents::make_context(const TraceArgs& args, int64_t last) {
  Region* region = runner_.world().memory().allocate({.kind = RegionKind::kContext,
                                                      .size = 8 * (args.size() + 1),
                                                      .name = "arguments",
                                                      .permissions = Permissions::kRead});
  if (!args.empty()) std::memcpy(region->host, args.data(), 8 * args.size());
  set_last(region, args.size(), last);
  return region;
}

void TraceEvents::set_last(Region* context, size_t slots, int64_t value) {
  std::memcpy(context->host + 8 * slots, &value, 8);
}

/// False: the program was stopped, and nothing more runs.
Result<bool> TraceEvents::run_one(const Attached& a, uint64_t context, size_t slots,
                                  TraceResult* result, int64_t* value) {
  World& world = runner_.world();
  world.set_attach_cookie(a.cookie);
  world.set_traced_arguments(static_cast<uint32_t>(slots));
  auto run = runner_.run(a.program, context);
  if (!run) return std::unexpected(run.error());
  *value = static_cast<int32_t>(run->report.return_value);
  result->runs.push_back(std::move(*run));
  return result->runs.back().report.ok();
}

Result<TraceResult> TraceEvents::call(const std::string& function, const TraceArgs& args,
                                      int64_t returned) {
  TraceResult result{.retval = returned};
  Region* context = make_context(args, 0);
  auto pass = [&](AttachType type, bool stop_at_value) -> Result<bool> {
    for (const Attached& a : attached_) {
      if (a.type != type || a.target != function) continue;
      int64_t value = 0;
      auto ok = run_one(a, context->base, args.size(), &result, &value);
      if (!ok || !*ok) return ok;
      if (!stop_at_value) continue;
      set_last(context, args.size(), value);
      if (value == 0) continue;
      result.retval = value;
      result.function_skipped = true;
      return true;
    }
    return true;
  };
  auto ok = pass(AttachType::kTraceFentry, false);
  if (ok && *ok) ok = pass(AttachType::kModifyReturn, true);
  set_last(context, args.size(), result.retval);
  if (ok && *ok) ok = pass(AttachType::kTraceFexit, false);
  runner_.world().memory().free(context);
  if (!ok) return std::unexpected(ok.error());
  return result;
}

Result<TraceResult> TraceEvents::tracepoint(const std::string& name, const TraceArgs& args) {
  TraceResult result;
  Region* context = make_context(args, 0);
  for (const Attached& a : attached_) {
    if (a.type != AttachType::kTraceRawTp || a.target != name) continue;
    int64_t value = 0;
    auto ok = run_one(a, context->base, args.size(), &result, &value);
    if (!ok) return std::unexpected(ok.error());
    if (!*ok) break;
  }
  runner_.world().memory().free(context);
  return result;
}

uint32_t TraceEvents::hook_function(const std::string& hook) const {
  return runner_.world().profile().btf()->find("bpf_lsm_" + hook, BtfKind::kFunc);
}

bool TraceEvents::is_void_hook(const std::string& hook) const {
  const Btf& btf = *runner_.world().profile().btf();
  const BtfType* function = btf.type(hook_function(hook));
  const BtfType* prototype = function ? btf.type(function->type()) : nullptr;
  return prototype && prototype->type() == 0;
}

Result<TraceResult> TraceEvents::lsm(const std::string& hook, const TraceArgs& args,
                                     const std::string& cgroup) {
  TraceResult result;
  Region* context = make_context(args, 0);
  bool all = is_void_hook(hook);
  for (const Attached& a : attached_) {
    if (a.type != AttachType::kLsmMac || a.target != hook) continue;
    int64_t value = 0;
    auto ok = run_one(a, context->base, args.size(), &result, &value);
    if (!ok) return std::unexpected(ok.error());
    if (!*ok) return result;
    if (all) continue;
    set_last(context, args.size(), value);
    result.retval = value;
    if (value) break;
  }
  if (result.retval == 0) {
    runner_.world().set_traced_arguments(static_cast<uint32_t>(args.size()));
    auto ran = run_cgroup_programs(runner_, kernel_, cgroup,
                                   {AttachType::kLsmCgroup, hook_function(hook)}, context->base);
    if (!ran) return std::unexpected(ran.error());
    result.retval = ran->retval;
    std::ranges::move(ran->runs, std::back_inserter(result.runs));
  }
  runner_.world().memory().free(context);
  return result;
}

}  // namespace drydock
