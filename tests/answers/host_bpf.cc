// SPDX-License-Identifier: Apache-2.0
#include "answers/host_bpf.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace drydock::testing {
namespace {

constexpr unsigned kSecondsForAnAnswer = 20;

volatile sig_atomic_t given_up = 0;

}  // namespace

// A kernel's verifier looks for signals now and then, so that an alarm ends what would never end.
int load_within_limit(attr::ProgLoad& attr) {
  struct sigaction action{};
  action.sa_handler = [](int) { given_up = 1; };
  sigaction(SIGALRM, &action, nullptr);
  given_up = 0;
  alarm(kSecondsForAnAnswer);
  int fd;
  do {
    fd = host_call(BpfCommand::kProgLoad, attr);
  } while ((fd == -EAGAIN || fd == -EINTR) && !given_up);
  alarm(0);
  return fd;
}

HostAnswer ask_host(const HostQuestion& question, bool with_log) {
  attr::ProgLoad attr{};
  attr.prog_type = static_cast<uint32_t>(question.type);
  attr.expected_attach_type = static_cast<uint32_t>(question.attach);
  attr.insn_cnt = static_cast<uint32_t>(question.insns.size());
  attr.insns = address(question.insns.data());
  attr.license = address(question.license);
  attr.prog_flags = question.flags;
  attr.attach_btf_id = question.attach_btf_id;
  std::string log;
  if (with_log) {
    log.resize(64 * 1024);
    attr.log_level = 1;
    attr.log_size = static_cast<uint32_t>(log.size());
    attr.log_buf = address(log.data());
  }
  const int fd = load_within_limit(attr);
  if (fd >= 0) close(fd);
  log.resize(std::strlen(log.c_str()));
  return {fd < 0 ? -fd : 0, std::move(log)};
}

Asked host() {
  return [](const HostQuestion& question) { return ask_host(question, false).err == 0; };
}

std::string host_message(const HostQuestion& question) {
  HostAnswer answer = ask_host(question, true);
  if (answer.err == 0) return "ok";
  std::string_view line = final_line(answer.log);
  return line.empty() ? std::string("no message, ") + std::strerror(answer.err) : std::string(line);
}

std::string_view final_line(std::string_view log) {
  std::string_view last;
  while (!log.empty()) {
    size_t end = log.find('\n');
    std::string_view line = log.substr(0, end);
    log.remove_prefix(end == std::string_view::npos ? log.size() : end + 1);
    if (line.starts_with("processed ")) break;
    // Some reasons end without a line's end.
    if (size_t statistics = line.find("processed ");
        statistics != std::string_view::npos &&
        line.find(" insns (limit ") != std::string_view::npos)
      line = line.substr(0, statistics);
    if (!line.empty()) last = line;
  }
  return last;
}

std::string host_release() {
  utsname name{};
  return uname(&name) == 0 ? name.release : "";
}

}  // namespace drydock::testing
