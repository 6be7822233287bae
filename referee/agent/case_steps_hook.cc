// SPDX-License-Identifier: Apache-2.0
// Steps that make a hook fire: call, tracepoint, lsm, iterate. A real kernel's functions take its
// own objects, so that each is performed by a system call that brings them about: what the case
// says of the objects is made so where it can be (a process's number and name, where a memory area
// lies), and is a reason to leave the step out where it cannot.
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "emulator/cases/values.h"
#include "referee/agent/case_run.h"
#include "referee/agent/libbpf_ear.h"
#include "referee/agent/process.h"

namespace drydock::agent {
namespace {

Error cannot(const std::string& what) { return {ErrorKind::kUnsupported, what, 0}; }

// -- What a case says of an object ----------------------------------------------------------------

/// The fields of a named object, each taken by whoever makes it true; what is left cannot be.
class Wish {
 public:
  Wish(const CaseRun& run, const Json& argument) {
    if (!argument.is_string()) return;
    name_ = argument.get<std::string>();
    fields_ = run.object(name_).value("fields", Json::object());
  }
  bool named() const { return !name_.empty(); }
  const std::string& name() const { return name_; }

  std::optional<int64_t> number(const char* field) {
    auto value = take(field);
    return value.is_number_integer() ? std::optional(value.get<int64_t>()) : std::nullopt;
  }
  std::string text(const char* field) {
    auto value = take(field);
    return value.is_object() ? value.value("text", "") : "";
  }
  /// Any object stands for one that has no wishes of its own.
  void object(const char* field, const CaseRun& run) {
    auto value = take(field);
    if (!value.is_string() || value == "current") return;
    Json inside = run.object(value.get<std::string>()).value("fields", Json::object());
    for (const auto& [inner, content] : inside.items())
      fields_[std::string(field) + "." + inner] = content;
  }
  Status all_met() const {
    if (fields_.empty()) return {};
    return unsupported("`" + fields_.begin().key() +
                       "` of a real kernel's object cannot be chosen");
  }

 private:
  Json take(const char* field) {
    auto at = fields_.find(field);
    if (at == fields_.end()) return {};
    Json value = *at;
    fields_.erase(at);
    return value;
  }
  std::string name_;
  Json fields_ = Json::object();
};

/// Number and name of a process.
struct ProcessWish {
  pid_t pid = 0;
  std::string comm;
};

Result<ProcessWish> process_of(const CaseRun& run, const Json& argument, bool by_current = false) {
  Wish wish(run, argument);
  ProcessWish process;
  if (auto pid = wish.number("pid")) process.pid = static_cast<pid_t>(*pid);
  if (auto tgid = wish.number("tgid"); tgid && process.pid && *tgid != process.pid)
    return std::unexpected(
        cannot("processes of one thread only are made, `" + wish.name() + "` is another thread"));
  else if (tgid) process.pid = static_cast<pid_t>(*tgid);
  process.comm = wish.text("comm");
  // A child's parent is who makes it.
  if (by_current) {
    wish.object("real_parent", run);
    if (auto tgid = wish.number("real_parent.tgid"); tgid && *tgid != getpid())
      return std::unexpected(cannot("the parent of a new process is the current one"));
  }
  (void)wish.number("rcu_users.refs.counter");  // every living task is held
  if (auto met = wish.all_met(); !met) return std::unexpected(met.error());
  if (process.pid && !numbers_are_the_kernels())
    return std::unexpected(
        cannot("process numbers inside of a container are not those that programs see"));
  return process;
}

/// In the child nothing is done but its end.
pid_t fork_as_and_exit(pid_t pid) {
  pid_t child = fork_as(pid);
  if (child == 0) _exit(0);
  return child;
}

Error not_made(const ProcessWish& wish) {
  return cannot("a process" + (wish.pid ? " numbered " + std::to_string(wish.pid) : std::string()) +
                " cannot be made: " + std::strerror(errno));
}

int64_t errno_of(int64_t result) { return result < 0 ? -errno : 0; }

const Json& argument(const Json& args, size_t index) {
  static const Json kNothing;
  return index < args.size() ? args[index] : kNothing;
}

std::optional<int64_t> number_in(const Json& args, size_t index) {
  const Json& value = argument(args, index);
  return value.is_number_integer() ? std::optional(value.get<int64_t>()) : std::nullopt;
}

// -- call: the kernel's own test functions --------------------------------------------------------

/// What BPF_PROG_TEST_RUN of a tracing program calls, once each: its arguments, and what it
/// returns. "*" stands for a pointer of the kernel's.
struct TestFunction {
  std::string_view name, args;
  int64_t returned;
  bpf_attach_type by;  // the programs whose run calls it
};
constexpr TestFunction kTestFunctions[] = {
    {"bpf_fentry_test1", "[1]", 2, BPF_TRACE_FENTRY},
    {"bpf_fentry_test2", "[2,3]", 5, BPF_TRACE_FENTRY},
    {"bpf_fentry_test3", "[4,5,6]", 15, BPF_TRACE_FENTRY},
    {"bpf_fentry_test4", "[7,8,9,10]", 34, BPF_TRACE_FENTRY},
    {"bpf_fentry_test5", "[11,12,13,14,15]", 65, BPF_TRACE_FENTRY},
    {"bpf_fentry_test6", "[16,17,18,19,20,21]", 111, BPF_TRACE_FENTRY},
    {"bpf_modify_return_test", "[1,null]", 4, BPF_MODIFY_RETURN},
};
/// Of the second function that such a run calls behind bpf_modify_return_test, in kernels that have
/// it.
constexpr const char* kSecondModified = "bpf_modify_return_test2";
constexpr int kSecondReturns = 29;

/// Runs the kernel's test functions by way of a program that is attached to nothing.
Result<uint32_t> run_tests(CaseRun& run, const TestFunction& function) {
  const bpf_insn insns[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  LIBBPF_OPTS(bpf_prog_load_opts, load);
  load.expected_attach_type = function.by;
  int id = libbpf_find_vmlinux_btf_id(std::string(function.name).c_str(), function.by);
  if (id <= 0) return std::unexpected(cannot("this kernel has no " + std::string(function.name)));
  load.attach_btf_id = static_cast<uint32_t>(id);
  int fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, nullptr, "GPL", insns, std::size(insns), &load);
  if (fd < 0)
    return std::unexpected(
        cannot(std::string("a tracing program is not loaded: ") + std::strerror(-fd)));
  LIBBPF_OPTS(bpf_test_run_opts, options);
  int err = run.fire([&] { return bpf_prog_test_run_opts(fd, &options); });
  close(fd);
  if (err != 0)
    return std::unexpected(cannot(std::string("BPF_PROG_TEST_RUN: ") + std::strerror(-err)));
  return options.retval;
}

Result<Json> call(CaseRun& run, Reader& r) {
  std::string name = r.required_text("function");
  const Json* args = r.take("args");
  int64_t returned = r.number("returned").value_or(0);
  const TestFunction* function = nullptr;
  for (const TestFunction& f : kTestFunctions)
    if (f.name == name) function = &f;
  if (!function) return unsupported("nothing calls " + name + " on request");
  Json given = args ? *args : Json::array();
  if (given != Json::parse(function->args) || returned != function->returned)
    return unsupported("a real kernel calls " + name + " with " + std::string(function->args) +
                       ", which returns " + std::to_string(function->returned));
  auto value = run_tests(run, *function);
  if (!value) return std::unexpected(value.error());
  if (function->by != BPF_MODIFY_RETURN) return Json::object();
  bool second = libbpf_find_vmlinux_btf_id(kSecondModified, BPF_MODIFY_RETURN) > 0;
  auto result = static_cast<int16_t>((*value & 0xffff) - (second ? kSecondReturns : 0));
  return Json{{"result", result}, {"skipped", (*value >> 16) < (second ? 2u : 1u)}};
}

// -- tracepoint -----------------------------------------------------------------------------------

Result<Json> new_task(CaseRun& run, const Json& args) {
  auto wish = process_of(run, argument(args, 0), true);
  if (!wish) return std::unexpected(wish.error());
  if (number_in(args, 1) != 0) return unsupported("a process is made with clone flags 0");
  if (!wish->comm.empty()) return unsupported("a new process has the name of its maker");
  pid_t child = run.fire([&] { return fork_as_and_exit(wish->pid); });
  if (child < 0) return std::unexpected(not_made(*wish));
  waitpid(child, nullptr, 0);
  return Json::object();
}

Result<Json> exec(CaseRun& run, const Json& args) {
  auto wish = process_of(run, argument(args, 0));
  if (!wish) return std::unexpected(wish.error());
  if (!wish->comm.empty()) return unsupported("who executes a file is named after it");
  if (number_in(args, 1) != wish->pid)
    return unsupported("a process of one thread keeps its number as it executes");
  pid_t child = fork_as(wish->pid);
  if (child == 0) {
    execl("/proc/self/exe", "drydock-agent", "nothing", nullptr);
    _exit(127);
  }
  if (child < 0) return std::unexpected(not_made(*wish));
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return unsupported("the agent's file cannot be executed again");
  return Json::object();
}

// -- lsm ------------------------------------------------------------------------------------------

Result<Json> allocate_task(CaseRun& run, const Json& args) {
  Wish child(run, argument(args, 0));
  if (auto met = child.all_met(); !met) return std::unexpected(met.error());
  if (number_in(args, 1) != 0) return unsupported("a process is made with clone flags 0");
  int64_t pid = run.fire([] { return fork_as_and_exit(0); });
  Json observed = {{"result", errno_of(pid)}};
  if (pid > 0) waitpid(static_cast<pid_t>(pid), nullptr, 0);
  return observed;
}

Result<Json> protect(CaseRun& run, const Json& args) {
  Wish area(run, argument(args, 0));
  auto start = area.number("vm_start"), end = area.number("vm_end");
  area.object("vm_mm", run);
  if (auto met = area.all_met(); !met) return std::unexpected(met.error());
  auto asked = number_in(args, 1), effective = number_in(args, 2);
  if (!start || !end || !asked)
    return unsupported("an area is made where the case says where it lies");
  if (asked != effective)
    return unsupported("mprotect() hands on the protection that was asked for");
  auto size = static_cast<size_t>(*end - *start);
  void* at = mmap(reinterpret_cast<void*>(*start), size, PROT_READ,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (at == MAP_FAILED)
    return unsupported(std::string("no memory can be had there: ") + std::strerror(errno));
  int done = run.fire([&] { return mprotect(at, size, static_cast<int>(*asked)); });
  Json observed = {{"result", errno_of(done)}};
  munmap(at, size);
  return observed;
}

Result<Json> open_file(CaseRun& run, const Json& args) {
  Wish file(run, argument(args, 0));
  file.object("f_inode", run);
  if (auto met = file.all_met(); !met) return std::unexpected(met.error());
  std::string path = "/tmp/drydock-case-" + std::to_string(getpid()) + "-" + file.name();
  // Made without being opened: the hook is asked once.
  if (mknod(path.c_str(), S_IFREG | 0666, 0) != 0 && errno != EEXIST)
    return unsupported(path + ": " + std::strerror(errno));
  run.keep_file(path);
  int fd = run.world().as_user([&] {
    return run.fire([&] { return open(path.c_str(), O_RDONLY | O_CLOEXEC); });
  });
  Json observed = {{"result", errno_of(fd)}};
  if (fd >= 0) close(fd);
  return observed;
}

Result<Json> bind_socket(CaseRun& run, const Json& args) {
  for (size_t i : {0u, 1u})
    if (auto met = Wish(run, argument(args, i)).all_met(); !met)
      return std::unexpected(met.error());
  auto size = number_in(args, 2);
  sockaddr_storage address{};
  address.ss_family = AF_INET;
  if (!size || *size < static_cast<int64_t>(sizeof(sockaddr_in)) ||
      *size > static_cast<int64_t>(sizeof address))
    return unsupported("bind() takes an address of 16 to 128 bytes");
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return unsupported(std::string("no socket: ") + std::strerror(errno));
  int done = run.fire([&] {
    return bind(fd, reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(*size));
  });
  Json observed = {{"result", errno_of(done)}};
  close(fd);
  return observed;
}

// -- iterate --------------------------------------------------------------------------------------

/// Which descriptors the case's one process has open, from rows [task, number, file].
Result<std::vector<int>> descriptors_of(const CaseRun& run, const Json& objects) {
  std::vector<int> numbers;
  for (const Json& row : objects) {
    if (row.size() == 1) continue;
    auto number = number_in(row, 1);
    if (row.size() != 3 || !number || argument(row, 0) != argument(objects[0], 0))
      return std::unexpected(cannot("the files of one process are walked"));
    if (auto met = Wish(run, row[2]).all_met(); !met) return std::unexpected(met.error());
    numbers.push_back(static_cast<int>(*number));
  }
  return numbers;
}

void have_open(const std::vector<int>& numbers) {
  constexpr int kAside = 1000;
  int nowhere = open("/dev/null", O_RDWR);
  int kept = fcntl(nowhere, F_DUPFD, kAside);
  syscall(SYS_close_range, 0, kAside - 1, 0);
  for (int number : numbers) dup2(kept, number);
  syscall(SYS_close_range, kAside, ~0u, 0);
}

Result<Json> read_iterator(CaseRun& run, bpf_program* program, pid_t pid) {
  bpf_iter_link_info info{};
  info.task.tid = static_cast<uint32_t>(pid);
  LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info, .link_info_len = sizeof info);
  LibbpfEar ear;
  bpf_link* link = bpf_program__attach_iter(program, &options);
  if (!link) return std::unexpected(cannot("this kernel does not point an iterator at one task"));
  int fd = bpf_iter_create(bpf_link__fd(link));
  std::string text;
  run.watch(program);
  ssize_t n = run.fire([&] {
    char buffer[4096];
    ssize_t got = fd < 0 ? -1 : 0;
    while (fd >= 0 && (got = read(fd, buffer, sizeof buffer)) > 0)
      text.append(buffer, static_cast<size_t>(got));
    return got;
  });
  Json observed = {{"result", errno_of(n)}, {"output", text}};
  if (fd >= 0) close(fd);
  bpf_link__destroy(link);
  return observed;
}

Result<Json> iterate(CaseRun& run, Reader& r) {
  auto program = run.program(r.required_text("program"));
  if (!program) return std::unexpected(program.error());
  const Json* rows = r.take("objects");
  std::string target = std::string(bpf_program__section_name(*program));
  bool files = target == "iter/task_file";
  if (target != "iter/task" && !files)
    return unsupported("what a real " + target + " walks is the kernel's");
  if (!rows || !rows->is_array() || rows->empty())
    return unsupported("an iterator is pointed at one process");
  if (!files && rows->size() != 1)
    return unsupported("an iterator is pointed at one process, not at several");
  auto wish = process_of(run, argument((*rows)[0], 0));
  auto numbers = descriptors_of(run, *rows);
  if (!wish) return std::unexpected(wish.error());
  if (!numbers) return std::unexpected(numbers.error());
  pid_t pid = start_process(wish->pid, [&] {
    if (!wish->comm.empty()) prctl(PR_SET_NAME, wish->comm.c_str());
    if (files) have_open(*numbers);
  });
  if (pid < 0) return std::unexpected(not_made(*wish));
  auto seen = read_iterator(run, *program, pid);
  end_process(pid);
  return seen;
}

// -- The steps ------------------------------------------------------------------------------------

/// The system call that makes the hook fire.
struct HookRow {
  std::string_view name;
  Result<Json> (*fire)(CaseRun&, const Json& args);
};
constexpr HookRow kTracepoints[] = {{"task_newtask", new_task}, {"sched_process_exec", exec}};
constexpr HookRow kLsmHooks[] = {{"task_alloc", allocate_task},
                                 {"file_mprotect", protect},
                                 {"file_open", open_file},
                                 {"socket_bind", bind_socket}};

Result<Json> fire(CaseRun& run, Reader& r, const std::string& name,
                  std::span<const HookRow> hooks) {
  const Json* args = r.take("args");
  for (const HookRow& hook : hooks)
    if (hook.name == name) return hook.fire(run, args ? *args : Json::array());
  return unsupported("no system call is known here that makes " + name +
                     " fire with objects of the case");
}

Result<Json> tracepoint(CaseRun& run, Reader& r) {
  return fire(run, r, r.required_text("name"), kTracepoints);
}

Result<Json> lsm(CaseRun& run, Reader& r) {
  std::string hook = r.required_text("hook");
  auto cgroup = r.text("cgroup");
  if (!cgroup) return fire(run, r, hook, kLsmHooks);
  // The cgroup of the step is where its socket is made.
  if (auto there = run.world().join(*cgroup); !there) return std::unexpected(there.error());
  auto seen = fire(run, r, hook, kLsmHooks);
  if (auto back = run.world().join(run.cgroup()); !back) return std::unexpected(back.error());
  return seen;
}

constexpr StepRow kSteps[] = {{"call", call, true},
                              {"tracepoint", tracepoint, true},
                              {"lsm", lsm, true},
                              {"iterate", iterate}};

}  // namespace

std::span<const StepRow> hook_steps() { return kSteps; }

}  // namespace drydock::agent
