// SPDX-License-Identifier: Apache-2.0
#include "kernel/fetch/apt.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "base/process.h"

namespace drydock {
namespace {

namespace fs = std::filesystem;

constexpr const char* kKeyrings[] = {"/usr/share/keyrings/debian-archive-keyring.gpg",
                                     "/usr/share/keyrings/debian-archive-keyring.pgp"};
constexpr std::string_view kMirror = "http://deb.debian.org/debian";
constexpr int kLookMs = 200;
constexpr int kLongestMs = 30 * 60 * 1000;

std::string keyring() {
  for (const char* path : kKeyrings)
    if (fs::exists(path)) return path;
  return {};
}

/// Security updates stand in an archive of their own, beside the main one.
std::string archive_of(std::string_view suite) {
  const char* chosen = std::getenv("DRYDOCK_DEBIAN_MIRROR");
  std::string mirror = chosen && *chosen ? std::string(chosen) : std::string(kMirror);
  return suite.ends_with("-security") ? mirror + "-security" : mirror;
}

std::string apt_settings(const std::string& folder) {
  std::string text;
  auto set = [&](std::string_view option, const std::string& value) {
    text += std::string(option) + " \"" + value + "\";\n";
  };
  set("Dir::Etc::sourcelist", folder + "/sources.list");
  set("Dir::Etc::sourceparts", "/dev/null");
  set("Dir::Etc::preferences", "/dev/null");
  set("Dir::Etc::preferencesparts", "/dev/null");
  set("Dir::State", folder);
  set("Dir::State::Lists", folder + "/lists");
  set("Dir::State::status", folder + "/status");
  set("Dir::Cache", folder + "/cache");
  set("APT::Architecture", "amd64");
  set("APT::Architectures", "amd64");
  set("APT::Sandbox::User", "");
  set("Acquire::Languages", "none");
  set("Acquire::Check-Valid-Until", "false");  // a mirror that lags behind is signed all the same
  set("Acquire::Retries", "3");
  return text;
}

/// The value of "Field: value" in a record.
std::string_view field(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) break;  // the end of the first record
    if (line.starts_with(name) && line.substr(name.size()).starts_with(": "))
      return line.substr(name.size() + 2);
  }
  return {};
}

uint64_t bytes_below(const std::string& folder) {
  uint64_t sum = 0;
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(folder, ignored))
    if (uint64_t size = entry.is_regular_file(ignored) ? entry.file_size(ignored) : 0; !ignored)
      sum += size;
  return sum;
}

std::string last_complaint(const std::string& file) {
  auto text = read_text_file(file);
  if (!text) return {};
  size_t at = text->rfind("\nE: ");
  if (at == text->npos) return text->substr(0, text->find('\n'));
  return text->substr(at + 4, text->find('\n', at + 1) - at - 4);
}

}  // namespace

Result<PackageRecord> parse_package_record(std::string_view text) {
  PackageRecord record;
  record.name = field(text, "Package");
  record.version = field(text, "Version");
  record.sha256 = field(text, "SHA256");
  std::string_view size = field(text, "Size");
  auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), record.size);
  if (record.name.empty() || record.version.empty() || record.sha256.empty() ||
      error != std::errc{})
    return malformed("the package list has no complete record");
  return record;
}

Result<Apt> Apt::open(const std::string& folder, std::string_view suite, Progress progress) {
  for (const char* tool : {"apt-get", "apt-cache"})
    if (!find_in_path(tool))
      return unsupported(std::string(tool) + " is not installed: it is what fetches packages");
  std::string key = keyring();
  if (key.empty())
    return unsupported(
        "there is no keyring of the Debian archive (package debian-archive-keyring)");
  std::string here = fs::absolute(folder) / suite;
  std::error_code failed;
  for (const char* part : {"/lists/partial", "/cache/archives/partial"})
    if (fs::create_directories(here + part, failed); failed)
      return not_found(here + ": " + failed.message());
  std::string source =
      "deb [signed-by=" + key + "] " + archive_of(suite) + " " + std::string(suite) + " main\n";
  for (const auto& [name, text] : {std::pair{"/sources.list", source},
                                   {"/apt.conf", apt_settings(here)},
                                   {"/status", std::string()}})
    if (auto written = write_file(here + name, as_byte_span(text)); !written)
      return std::unexpected(written.error());
  return Apt(here, std::string(suite), std::move(progress));
}

Result<std::string> Apt::run(const std::vector<std::string>& command, const std::string& what,
                             uint64_t size) {
  std::string errors = folder_ + "/errors";
  auto process = Process::start({.arguments = command,
                                 .environment = {"APT_CONFIG=" + folder_ + "/apt.conf", "LC_ALL=C"},
                                 .folder = folder_,
                                 .errors = errors});
  if (!process) return std::unexpected(process.error());
  process->close_input();
  std::string output, line;
  for (int waited = 0; waited < kLongestMs;) {
    Process::Read read = process->read_line(line, kLookMs);
    if (read == Process::Read::kEnd) break;
    if (read == Process::Read::kLine) output += line + "\n";
    else waited += kLookMs;
    progress_(what, size ? bytes_below(folder_ + "/cache/archives") : 0, size);
  }
  auto status = process->wait(kLookMs * 50);
  if (status == 0) return output;
  std::string why = last_complaint(errors);
  return unsupported(command[0] + ": " + (why.empty() ? "no success" : why));
}

Status Apt::update() {
  auto done = run({"apt-get", "-q", "-o", "APT::Update::Error-Mode=any", "update"},
                  "package list of " + suite_, 0);
  if (!done) return std::unexpected(done.error());
  return {};
}

Result<PackageRecord> Apt::look_up(std::string_view package) {
  auto text = run({"apt-cache", "show", "--no-all-versions", std::string(package)},
                  "package list of " + suite_, 0);
  if (!text)
    return not_found(std::string(package) + " is not in " + suite_ +
                     " (any more); an archive of old packages is not looked at");
  return parse_package_record(*text);
}

Result<std::string> Apt::download(const PackageRecord& package) {
  auto done = run({"apt-get", "-q", "download", package.name + "=" + package.version}, package.name,
                  package.size);
  if (!done) return std::unexpected(done.error());
  for (const auto& entry : fs::directory_iterator(folder_))
    if (std::string file = entry.path().filename();
        file.starts_with(package.name + "_") && file.ends_with(".deb"))
      return entry.path().string();
  return not_found(package.name + ": apt-get left no package behind");
}

}  // namespace drydock
