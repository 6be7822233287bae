// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "cli/exit_status.h"

namespace drydock::cli {

int complain(const Error& error) {
  fmt::print(stderr, "drydock: {}\n", error.message);
  return exit_status_of(error);
}

Result<std::vector<std::byte>> read_input(const std::string& file) {
  std::FILE* f = file == "-" ? stdin : std::fopen(file.c_str(), "rb");
  if (!f) return not_found(file + ": " + std::strerror(errno));
  std::vector<std::byte> bytes;
  std::byte buffer[65536];
  size_t n;
  while ((n = std::fread(buffer, 1, sizeof buffer, f)) > 0)
    bytes.insert(bytes.end(), buffer, buffer + n);
  int err = std::ferror(f) ? errno : 0;
  if (f != stdin) std::fclose(f);
  if (err) return not_found(file + ": " + std::strerror(err));
  return bytes;
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
