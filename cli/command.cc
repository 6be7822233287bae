// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "base/input.h"
#include "cli/exit_status.h"

namespace drydock::cli {

int complain(const Error& error) {
  fmt::print(stderr, "drydock: {}\n", error.message);
  return exit_status_of(error);
}

Result<std::vector<std::byte>> read_input(const std::string& file) {
  return drydock::read_input(file);
}

Result<std::shared_ptr<const Profile>> load_kernel(const std::string& name) {
  return Profile::load(name);
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    size_t comma = text.find(',');
    if (comma != 0) parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return parts;
}

bool colours() {
  const char* no = std::getenv("NO_COLOR");
  return !(no && *no) && isatty(STDOUT_FILENO);
}

}  // namespace drydock::cli
