// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <sys/resource.h>

#include <map>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "drydock/version.h"

namespace {

/// Each emulated map, program and BTF object is a descriptor, and many objects are open at a time.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace drydock::cli;
  raise_descriptor_limit();
  CLI::App app{"Drydock: would this kernel load your BPF program, and what would it do?",
               "drydock"};
  app.set_version_flag("--version", std::string("drydock ") + drydock::kVersion);
  app.require_subcommand(1);
  std::map<std::string, Action> actions = {
      {"verify", add_verify(app)},   {"run", add_run(app)},   {"test", add_test(app)},
      {"compare", add_compare(app)}, {"list", add_list(app)}, {"kernel", add_kernel(app)},
      {"disasm", add_disasm(app)}};
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11 reports by exception; help and version end well, everything else is usage.
    return app.exit(error) == 0 ? kGood : kUsage;
  }
  for (const CLI::App* chosen : app.get_subcommands()) return actions[chosen->get_name()]();
  return kUsage;
}
