// SPDX-License-Identifier: Apache-2.0
// A command of `drydock`: it declares its options with CLI11 and hands back what to run. Commands
// parse and render; what they do is in the rooms below.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drydock/profile.h"
#include "drydock/result.h"

namespace CLI {
class App;
}

namespace drydock::cli {

/// Runs the command after parsing; the exit status.
using Action = std::function<int()>;

// One function a command: adds it to the app and returns its action.
Action add_verify(CLI::App& app);
Action add_run(CLI::App& app);
Action add_test(CLI::App& app);
Action add_compare(CLI::App& app);
Action add_list(CLI::App& app);
Action add_kernel(CLI::App& app);
Action add_disasm(CLI::App& app);

/// Prints "drydock: MESSAGE" to standard error; the exit status of the error.
int complain(const Error& error);
/// The profile that --kernel names; a name that there is not is a usage error.
Result<api::Profile> load_profile(const std::string& name);
Status write_output(const std::string& file, std::string_view text);
/// "a,b,c" in parts.
std::vector<std::string> split_list(std::string_view text);
/// Whether to colour: a terminal, and NO_COLOR unset.
bool colours();

}  // namespace drydock::cli
