// SPDX-License-Identifier: Apache-2.0
// drydock_answers: asks the running kernel what the tables of corpus/tables/ hold.
//
//   drydock_answers ask [PROFILE [WHAT]]   asks (as root) and prints the tables; PROFILE says what
//                                          the kernel is known to have ("6.18"; default: itself),
//                                          WHAT is contexts, pointers, helpers, arguments,
//                                          typed or lsm
//   drydock_answers split DIR              reads such output and writes a file a table
//
// A kernel in a virtual machine is asked by running the first as its init.
#include <fstream>
#include <iostream>
#include <string>

#include "answers/answer_table.h"
#include "answers/argument_questions.h"
#include "answers/context_questions.h"
#include "answers/helper_questions.h"
#include "answers/host_bpf.h"
#include "answers/lsm_questions.h"
#include "answers/register_questions.h"
#include "answers/test_maps.h"
#include "answers/typed_questions.h"
#include "kernel/profile.h"

namespace {

using namespace drydock;
using namespace drydock::testing;

constexpr std::string_view kFileMark = "=== ";

void print_table(const std::string& name, const std::string& what, const TableWriter& table) {
  std::cout << kFileMark << name << "\n# " << what << "\n# Answers of Linux " << host_release()
            << "\n"
            << table.text() << std::flush;
}

void ask_contexts(const Profile& profile) {
  for (const ContextStruct* context : all_context_structs()) {
    if (context->kind != ContextKind::kRows) continue;
    TableWriter table;
    for (const auto& [name, body] : ask_about(*context, context_oracle(host()), profile))
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
    table.add(std::string(hook.name), ask_about_hook(hook, oracle));
  print_table("lsm-hooks", "Which LSM programs a hook takes, and what they may return", table);
}

void ask_register_kinds() {
  RegisterHost host;
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

int ask(const std::string& name, const std::string& what) {
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
  auto wanted = [&](std::string_view part) { return what.empty() || what == part; };
  if (wanted("contexts")) ask_contexts(*profile);
  if (wanted("pointers")) ask_pointers();
  if (wanted("helpers")) ask_helpers(*profile, trampolines);
  if (wanted("register-kinds")) ask_register_kinds();
  if (wanted("arguments")) ask_arguments(*profile, trampolines);
  if (wanted("typed")) ask_typed_contexts(*profile, trampolines);
  if (wanted("lsm") && trampolines) ask_lsm_hooks(*profile);
  return 0;
}

int split(const std::string& directory) {
  std::ofstream file;
  for (std::string line; std::getline(std::cin, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.starts_with(kFileMark)) {
      file.close();
      file.open(directory + "/" + line.substr(kFileMark.size()) + ".txt");
    } else if (file.is_open()) {
      file << line << "\n";
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string command = argc > 1 ? argv[1] : "";
  if (command == "ask") return ask(argc > 2 ? argv[2] : "", argc > 3 ? argv[3] : "");
  if (command == "split" && argc > 2) return split(argv[2]);
  std::cerr << "usage: drydock_answers ask [PROFILE [WHAT]] | split DIR\n";
  return 2;
}
