// SPDX-License-Identifier: Apache-2.0
#include "emulator/events/test_run.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "emulator/events/trace_events.h"
#include "helpers/packet.h"

namespace drydock::test_run {
namespace {

constexpr uint32_t kOnCpu = 1;           // BPF_F_TEST_RUN_ON_CPU
constexpr uint32_t kMostArguments = 12;  // MAX_BPF_FUNC_ARGS
constexpr uint32_t kMostSyscallContext = UINT16_MAX;

bool has_data_or_repeat(const attr::TestRun& a) {
  return a.data_in || a.data_out || a.ctx_out || a.duration || a.repeat || a.batch_size;
}

/// The caller's context as it is, however long.
int64_t take_context(Call& call, uint32_t most, std::vector<std::byte>& context) {
  const attr::TestRun& a = call.attr();
  if (a.ctx_size_in > most) return -EINVAL;
  context.resize(a.ctx_size_in);
  return context.empty() || call.kernel().user().read(a.ctx_in, context.data(), context.size())
             ? 0
             : -EFAULT;
}

int64_t run_raw_tracepoint(Call& call) {
  const attr::TestRun& a = call.attr();
  if (has_data_or_repeat(a)) return -EINVAL;
  if (!(a.flags & kOnCpu) && a.cpu) return -EINVAL;
  std::vector<std::byte> context;
  if (int64_t err = take_context(call, kMostArguments * 8, context)) return err;
  if (a.flags & kOnCpu && !call.world().set_cpu(a.cpu)) return -ENXIO;
  call.world().set_traced_arguments(static_cast<uint32_t>(context.size() / 8));
  return call.run(context, false);
}

int64_t run_syscall(Call& call) {
  attr::TestRun& a = call.attr();
  if (has_data_or_repeat(a) || a.flags) return -EINVAL;
  std::vector<std::byte> context;
  if (int64_t err = take_context(call, kMostSyscallContext, context)) return err;
  if (int64_t err = call.run(context, false)) return err;
  if (context.empty()) return 0;
  return call.kernel().user().write(a.ctx_in, context.data(), context.size()) ? 0 : -EFAULT;
}

/// The functions that the kernel keeps for tests of fentry and fexit, with the arguments that it
/// calls them with; the sums are what they return.
struct TestFunction {
  const char* name;
  std::initializer_list<uint64_t> args;
  int64_t returned;
};
const TestFunction kTestFunctions[] = {
    {"bpf_fentry_test1", {1}, 2},
    {"bpf_fentry_test2", {2, 3}, 5},
    {"bpf_fentry_test3", {4, 5, 6}, 15},
    {"bpf_fentry_test4", {7, 8, 9, 10}, 34},
    {"bpf_fentry_test5", {11, 12, 13, 14, 15}, 65},
    {"bpf_fentry_test6", {16, 17, 18, 19, 20, 21}, 111},
    {"bpf_fentry_test7", {0}, 0},
};
// Called with addresses of the caller's; each returns what it finds there, which is 0.
constexpr const char* kPointerFunctions[] = {"bpf_fentry_test8", "bpf_fentry_test9",
                                             "bpf_fentry_test10"};

/// Attaches the programs that tracing links of this kernel hold.
Status attach_linked(Kernel& kernel, TraceEvents& traces) {
  for (const auto& weak : kernel.links) {
    auto link = weak.lock();
    if (!link || link->detached || link->type != LinkType::kTracing || !link->program) continue;
    if (auto done = traces.attach(link->program, link->cookie); !done) return done;
  }
  return {};
}

/// A fault or an unsupported call of a traced program; 0 when all came to their end.
int64_t check_runs(Call& call, const Result<TraceResult>& result) {
  if (!result) return call.not_modelled("a traced function: " + result.error().message);
  for (const ProgramRun& run : result->runs)
    if (!run.report.ok()) return call.not_modelled(run.report.message);
  return 0;
}

int64_t call_test_functions(Call& call, TraceEvents& traces) {
  Memory& memory = call.kernel().memory();
  Region* zeroes =
      memory.allocate({.kind = RegionKind::kObject, .size = 16, .name = "bpf_fentry_test_t"});
  int64_t err = 0;
  for (const TestFunction& f : kTestFunctions)
    if (!err) err = check_runs(call, traces.call(f.name, f.args, f.returned));
  for (const char* name : kPointerFunctions) {
    uint64_t argument = std::string_view(name) == "bpf_fentry_test10" ? 0 : zeroes->base;
    if (!err) err = check_runs(call, traces.call(name, {argument}, 0));
  }
  memory.free(zeroes);
  return err;
}

int64_t call_modify_return(Call& call, TraceEvents& traces) {
  // b is 2 before each call; a function that is not skipped adds 1 to it, which the kernel counts
  // in the upper half of the result.
  constexpr int64_t kFirst = 1 + 3, kSecond = 1 + 3 + 3 + 4 + 5 + 6 + 7;
  Memory& memory = call.kernel().memory();
  Region* b = memory.allocate({.kind = RegionKind::kObject, .size = 4, .name = "b"});
  uint16_t sum = 0, side_effects = 0;
  int64_t err = 0;
  for (auto [name, args, returned] :
       {TestFunction{"bpf_modify_return_test", {1, b->base}, kFirst},
        TestFunction{"bpf_modify_return_test2", {1, b->base, 3, 4, 5, 6, 7}, kSecond}}) {
    const uint32_t two = 2;
    std::memcpy(b->host, &two, sizeof two);
    if (err) break;
    auto result = traces.call(name, args, returned);
    err = check_runs(call, result);
    if (err) break;
    sum = static_cast<uint16_t>(sum + result->retval);
    side_effects = static_cast<uint16_t>(side_effects + !result->function_skipped);
  }
  memory.free(b);
  call.attr().retval = static_cast<uint32_t>(side_effects) << 16 | sum;
  return err;
}

int64_t run_tracing(Call& call) {
  attr::TestRun& a = call.attr();
  if (a.flags || a.cpu || a.batch_size) return -EINVAL;
  AttachType type = call.program().input.expected_attach_type;
  bool traced = type == AttachType::kTraceFentry || type == AttachType::kTraceFexit;
  if (!traced && type != AttachType::kModifyReturn) return -EFAULT;
  Runner runner(call.world());
  TraceEvents traces(runner, call.kernel());
  if (auto done = attach_linked(call.kernel(), traces); !done)
    return call.not_modelled(done.error().message);
  a.retval = 0;
  return traced ? call_test_functions(call, traces) : call_modify_return(call, traces);
}

int64_t run_unmodelled(Call& call) {
  return call.not_modelled("BPF_PROG_TEST_RUN of " +
                           std::string(name_of(call.program().input.type)));
}

struct TypeRow {
  ProgramType type;
  int64_t (*run)(Call&);
};
using enum ProgramType;
constexpr TypeRow kTypes[] = {
    {kSocketFilter, run_on_frame},
    {kSchedCls, run_on_frame},
    {kSchedAct, run_on_frame},
    {kCgroupSkb, run_on_frame},
    {kLwtIn, run_on_frame},
    {kLwtOut, run_on_frame},
    {kLwtXmit, run_on_frame},
    {kLwtSeg6local, run_on_frame},
    {kXdp, run_on_xdp},
    {kRawTracepoint, run_raw_tracepoint},
    {kSyscall, run_syscall},
    {kTracing, run_tracing},
    {kFlowDissector, run_unmodelled},
    {kSkLookup, run_unmodelled},
    {kNetfilter, run_unmodelled},
    {kStructOps, run_unmodelled},
};

/// Runs share a world, since maps hold its objects from one run to the next.
World& world_of(Kernel& kernel) {
  std::shared_ptr<void>& state = kernel.test_run_state();
  if (!state)
    state = std::make_shared<World>(kernel.memory(), kernel.profile(), kernel.settings().cpus);
  return *static_cast<World*>(state.get());
}

}  // namespace

Call::Call(Kernel& kernel, std::shared_ptr<ProgramObject> program, attr::TestRun& a)
    : kernel_(kernel),
      program_(std::move(program)),
      attr_(a),
      world_(world_of(kernel)),
      runner_(world_) {
  world_.set_call_site({.program_type = program_->input.type,
                        .attach_type = program_->input.expected_attach_type});
  (void)world_.set_cpu(0);
}

Call::~Call() {
  world_.set_tail_calls({});
  world_.forget_maps();
  world_.clear_results();
}

int64_t Call::run(std::span<std::byte> context, bool repeated, Packet* packet) {
  Region* region = kernel_.memory().allocate({.kind = RegionKind::kContext,
                                              .size = std::max<size_t>(1, context.size()),
                                              .name = "context"});
  if (!context.empty()) std::memcpy(region->host, context.data(), context.size());
  if (packet) packet->attach(region->base, {region->host, context.size()});
  world_.set_packet(packet);
  uint32_t repeat = repeated ? std::max(attr_.repeat, 1u) : 1;
  using Clock = std::chrono::steady_clock;
  auto start = Clock::now();
  Result<ProgramRun> ran = ProgramRun{};
  for (uint32_t i = 0; i < repeat && ran && ran->report.ok(); ++i)
    ran = runner_.run(program_, context.empty() ? 0 : region->base);
  auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
  world_.set_packet(nullptr);
  if (!context.empty()) std::memcpy(context.data(), region->host, context.size());
  kernel_.memory().free(region);
  if (!ran) return not_modelled(ran.error().message);
  // A context shorter than what the program reads: the kernel asks its verifier, before the run.
  if (ran->report.fault && ran->report.fault->region == "context") return -EINVAL;
  if (!ran->report.ok()) return not_modelled(ran->report.message);
  attr_.retval = static_cast<uint32_t>(ran->report.return_value);
  attr_.duration = repeated ? static_cast<uint32_t>(took / repeat) : 0;
  return 0;
}

int64_t Call::not_modelled(const std::string& what) {
  kernel_.note_unsupported(what);
  return -kENOTSUPP;
}

int64_t Call::read_context(size_t size, std::vector<std::byte>& context) const {
  context.assign(attr_.ctx_in || attr_.ctx_out ? size : 0, std::byte{});
  if (!attr_.ctx_in) return 0;
  constexpr uint32_t kPage = 4096;
  if (attr_.ctx_size_in > kPage) return -E2BIG;
  std::vector<std::byte> given(attr_.ctx_size_in);
  if (!kernel_.user().read(attr_.ctx_in, given.data(), given.size())) return -EFAULT;
  size_t known = std::min(size, given.size());
  std::memcpy(context.data(), given.data(), known);
  bool rest_zero = std::all_of(given.begin() + static_cast<ptrdiff_t>(known), given.end(),
                               [](std::byte b) { return b == std::byte{}; });
  return rest_zero ? 0 : -E2BIG;
}

int64_t Call::write_context(std::span<const std::byte> context) {
  if (context.empty() || !attr_.ctx_out) return 0;
  size_t room = std::min<size_t>(context.size(), attr_.ctx_size_out);
  bool fits = room == context.size();
  if (!kernel_.user().write(attr_.ctx_out, context.data(), room)) return -EFAULT;
  attr_.ctx_size_out = static_cast<uint32_t>(context.size());
  return fits ? 0 : -ENOSPC;
}

int64_t Call::write_data(std::span<const std::byte> linear, std::span<const std::byte> paged) {
  // Without a size the caller promises room for whatever comes. The pages come last, and what does
  // not fit is missing from the linear part.
  size_t size = linear.size() + paged.size();
  size_t room = attr_.data_size_out ? std::min<size_t>(size, attr_.data_size_out) : size;
  if (attr_.data_out) {
    if (room < paged.size()) return -ENOSPC;
    size_t first = room - paged.size();
    if (first && !kernel_.user().write(attr_.data_out, linear.data(), first)) return -EFAULT;
    if (!paged.empty() && !kernel_.user().write(attr_.data_out + first, paged.data(), paged.size()))
      return -EFAULT;
  }
  attr_.data_size_out = static_cast<uint32_t>(size);
  return room == size ? 0 : -ENOSPC;
}

}  // namespace drydock::test_run

namespace drydock {

Kernel::TestRunner make_test_runner() {
  return [](Kernel& kernel, ProgramObject& program, attr::TestRun& a) {
    for (const test_run::TypeRow& row : test_run::kTypes) {
      if (row.type != program.input.type) continue;
      // The caller of bpf(2) holds the program meanwhile.
      test_run::Call call(kernel, std::shared_ptr<ProgramObject>(std::shared_ptr<void>(), &program),
                          a);
      return row.run(call);
    }
    return int64_t{-kENOTSUPP};
  };
}

}  // namespace drydock
