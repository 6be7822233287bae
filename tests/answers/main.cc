// SPDX-License-Identifier: Apache-2.0
// drydock_answers: asks the running kernel what the tables of corpus/tables/ hold.
//
//   drydock_answers ask [PROFILE [WHAT]]   asks (as root) and prints the tables; PROFILE says what
//                                          the kernel is known to have ("6.18"; default: itself),
//                                          WHAT is contexts, pointers, helpers, arguments,
//                                          typed, lsm, register-kinds, kfuncs or kfunc-arguments
//   drydock_answers vm PROFILE [WHAT…]     the same as the init of a virtual machine: mounts what
//   it
//                                          needs, prints to the second serial line, powers off
//   drydock_answers wants-cmpxchg16b KERNEL  status 0 or 1
//   drydock_answers split DIR KERNEL       reads such output and writes DIR/KERNEL/TABLE.txt: whole
//                                          for 6.18, else what differs from DIR/6.18/TABLE.txt
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "answers/answer_table.h"
#include "answers/argument_questions.h"
#include "answers/context_questions.h"
#include "answers/helper_questions.h"
#include "answers/host_bpf.h"
#include "answers/kfunc_table.h"
#include "answers/lsm_questions.h"
#include "answers/register_questions.h"
#include "answers/test_maps.h"
#include "answers/typed_questions.h"
#include "kernel/fetch/known_kernels.h"
#include "kernel/profile.h"
#include "kfuncs/kfunc_row.h"

namespace {

using namespace drydock;
using namespace drydock::testing;

constexpr std::string_view kFileMark = "=== ";

void print_table(const std::string& name, const std::string& what, const TableWriter& table) {
  std::cout << kFileMark << name << "\n# " << what << "\n# Answers of Linux " << host_release()
            << "\n"
            << table.text() << std::flush;
}

void ask_contexts() {
  for (const ContextStruct* context : all_context_structs()) {
    if (context->kind != ContextKind::kRows) continue;
    TableWriter table;
    for (const auto& [name, body] : ask_about(*context, context_oracle(host())))
      table.add(name, body);
    if (!table.text().empty())
      print_table(table_name(*context),
                  "What programs may do with their context, " + std::string(context->name), table);
  }
}

void ask_pointers() {
  TableWriter table;
  HostMaps maps;
  PointerOracle oracle = pointer_oracle(host(), maps.fd(MapType::kXskmap).value_or(-1));
  for (Pointee pointee : kPointees)
    table.add(std::string(name_of(pointee)), ask_about(pointee, oracle));
  print_table("pointers", "What programs may do through pointers to sockets and flow keys", table);
}

void ask_helpers(const Profile& profile, bool trampolines) {
  TableWriter table;
  HelperOracle oracle = helper_host_oracle();
  for (const HelperAsker& asker : helper_askers(profile)) {
    if (asker.trampoline && !trampolines) continue;
    std::map<uint32_t, std::string> messages;
    for (HelperId id = 0; id <= last_helper_asked(); ++id) messages[id] = oracle(asker, id);
    table.add(asker.name, write_numbered(messages));
  }
  print_table("helpers", "What becomes of `call HELPER` with nothing but the context in r1", table);
}

void ask_arguments(const Profile& profile, bool trampolines) {
  TableWriter table;
  HostMaps maps;
  auto fds = [&maps](MapType type) { return maps.fd(type); };
  for (const Prototype& prototype : prototypes(profile))
    if (trampolines || !prototype.asker.trampoline)
      table.add(prototype.name(),
                write_values(ask_about_arguments(prototype, profile, fds, host_message)));
  print_table("helper-arguments", "What becomes of a helper's call with such values as arguments",
              table);
}

void ask_typed_contexts(const Profile& profile, bool trampolines) {
  TableWriter table;
  for (const TypedTarget& target : typed_targets(profile))
    if (trampolines || !target.trampoline)
      table.add(target.name, write_values(ask_about_target(target, host_message)));
  print_table("typed-contexts",
              "Arguments of tracepoints, iterators and LSM hooks: 1=N loaded and followed, "
              "2=N loaded by four bytes, 3=N stored to",
              table);
}

void ask_lsm_hooks(const Profile& profile) {
  TableWriter table;
  LsmOracle oracle = lsm_oracle(profile, host());
  for (const LsmHook& hook : all_lsm_hooks())
    if (has_lsm_hook(hook, profile))
      table.add(std::string(hook.name), ask_about_hook(hook, oracle));
  print_table("lsm-hooks", "Which LSM programs a hook takes, and what they may return", table);
}

void ask_register_kinds(const Profile& profile) {
  RegisterHost host(profile);
  if (!host.why().empty()) {
    std::cerr << "drydock_answers: register kinds cannot be asked: " << host.why() << "\n";
    return;
  }
  std::cout << kFileMark << "register-kinds\n"
            << "# What becomes of each kind of register as each kind of helper argument\n"
            << "# Answers of Linux " << host_release() << "\n"
            << register_table(host.names(), [&](const RegisterProgram& p) { return host.ask(p); })
            << std::flush;
}

// Whatever is a kfunc in this kernel, or in another one.
std::set<std::string> kfunc_names(const Profile& profile) {
  std::set<std::string> names;
  for (const KfuncRow& row : all_kfunc_rows()) names.emplace(row.name);
  for (const auto& [id, flags] : profile.kfuncs()) names.emplace(profile.btf()->name_of(id));
  std::erase_if(names, [&](const std::string& name) {
    return profile.btf()->find(name, BtfKind::kFunc) == 0;
  });
  return names;
}

void ask_kfuncs(const Profile& profile, std::string_view table) {
  const Btf& btf = *profile.btf();
  kfunc_table::Loader loader = kfunc_table::host_loader(btf);
  kfunc_table::Maps maps = kfunc_table::host_maps();
  bool calls = table == kfunc_table::kCalls;
  std::cout << kFileMark << table << "\n# What "
            << (calls ? "becomes of calls of kfuncs: kfunc, arguments, programs (bit n: site n), "
                      : "becomes of registers as arguments of kfuncs: kfunc, argument, programs, "
                        "registers, ")
            << "errno, log (tests/answers/kfunc_table.h)\n# Answers of Linux " << host_release()
            << "\n";
  for (const std::string& name : kfunc_names(profile))
    std::cout << kfunc_table::write(table, calls ? kfunc_table::ask_calls(btf, name, loader)
                                                 : kfunc_table::ask_arguments(
                                                       btf, name, maps, profile.version(), loader))
              << std::flush;
}

int ask(const std::string& name, const std::vector<std::string>& what) {
  auto opened = Profile::load(name.empty() ? "host" : name);
  if (!opened) {
    std::cerr << "drydock_answers: " << opened.error().message << "\n";
    return 1;
  }
  const Profile* profile = opened->get();
  if (std::string why = host_unavailable(); !why.empty()) {
    std::cerr << "drydock_answers: cannot ask this kernel: " << why << "\n";
    return 1;
  }
  bool trampolines = lsm_can_be_asked(*profile);
  auto wanted = [&](std::string_view part) {
    return what.empty() || std::ranges::find(what, part) != what.end();
  };
  if (wanted("contexts")) ask_contexts();
  if (wanted("pointers")) ask_pointers();
  if (wanted("lsm") && trampolines) ask_lsm_hooks(*profile);
  if (wanted("helpers")) ask_helpers(*profile, trampolines);
  if (wanted("typed")) ask_typed_contexts(*profile, trampolines);
  if (wanted("kfuncs")) ask_kfuncs(*profile, kfunc_table::kCalls);
  if (wanted("register-kinds")) ask_register_kinds(*profile);
  if (wanted("arguments")) ask_arguments(*profile, trampolines);
  if (wanted("kfunc-arguments")) ask_kfuncs(*profile, kfunc_table::kArguments);
  return 0;
}

void power_off() {
  tcdrain(STDOUT_FILENO);
  sync();
  reboot(RB_POWER_OFF);
}

// The only process of a virtual machine: a failed mount shows in the answers.
int ask_as_init(const std::string& name, const std::vector<std::string>& what) {
  for (const char* directory : {"/sys", "/dev"}) mkdir(directory, 0755);
  mount("sysfs", "/sys", "sysfs", 0, nullptr);
  mount("dev", "/dev", "devtmpfs", 0, nullptr);
  rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};  // old kernels charge programs to it
  setrlimit(RLIMIT_MEMLOCK, &unlimited);
  int line = open("/dev/ttyS1", O_WRONLY);
  dup2(line, STDOUT_FILENO);
  dup2(line, STDERR_FILENO);
  int status = ask(name, what);
  std::cout << kFileMark << "end\n" << std::flush;
  power_off();
  return status;
}

void write_file(const std::string& directory, const std::string& kernel, const std::string& table,
                const std::string& text) {
  std::string head, body;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    (line.starts_with("#") && body.empty() ? head : body) += line + "\n";
  std::string out = body;
  if (kernel != kWholeKernel) {
    head += "# What is not here is as in 6.18.\n";
    std::string whole = table_file(kWholeKernel, table);
    if (table == kfunc_table::kCalls || table == kfunc_table::kArguments)
      out = kfunc_table::write(table, kfunc_table::differing(kfunc_table::read(table, whole),
                                                             kfunc_table::read(table, body)));
    else out = as_difference(table, read_sections(whole), read_sections(body));
  }
  std::filesystem::create_directories(directory + "/" + kernel);
  std::ofstream(directory + "/" + kernel + "/" + table + ".txt") << head << out;
}

int split(const std::string& directory, const std::string& kernel) {
  std::string table, text;
  for (std::string line; std::getline(std::cin, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.starts_with(kFileMark)) {
      text += line + "\n";
      continue;
    }
    if (!table.empty() && table != "end") write_file(directory, kernel, table, text);
    table = line.substr(kFileMark.size());
    text.clear();
  }
  if (table != "end") std::cerr << "drydock_answers: " << table << " does not end; left out\n";
  return table == "end" ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::string command = argc > 1 ? argv[1] : "", name = argc > 2 ? argv[2] : "";
  std::vector<std::string> what(argv + std::min(argc, 3), argv + argc);
  if (command == "ask") return ask(name, what);
  if (command == "vm") return ask_as_init(name, what);
  if (command == "split" && !what.empty()) return split(name, what[0]);
  if (command == "wants-cmpxchg16b") {
    const KnownKernel* known = known_kernel(name);
    return known && known->wants_cmpxchg16b ? 0 : 1;
  }
  std::cerr << "usage: drydock_answers ask [PROFILE [WHAT]] | vm PROFILE [WHAT] | "
               "split DIR KERNEL | wants-cmpxchg16b KERNEL\n";
  return 2;
}
