// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "cli/exit_status.h"

namespace drydock::cli {

int complain(const Error& error) {
  fmt::print(stderr, "drydock: {}\n", error.message);
  return exit_status_of(error);
}

Result<api::Profile> load_profile(const std::string& name) {
  auto profile = api::Profile::load(name);
  if (!profile) profile.error().kind = ErrorKind::kUsage;
  return profile;
}

Status write_output(const std::string& file, std::string_view text) {
  std::ofstream out(file, std::ios::binary);
  out << text << std::flush;
  if (out) return {};
  return std::unexpected(Error{ErrorKind::kNotFound, file + " cannot be written"});
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
