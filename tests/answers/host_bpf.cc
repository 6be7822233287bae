// SPDX-License-Identifier: Apache-2.0
#include "answers/host_bpf.h"

#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace drydock::testing {
namespace {

constexpr int kProgLoad = 5;
constexpr unsigned kSecondsForAnAnswer = 20;

// The part of union bpf_attr that BPF_PROG_LOAD reads; written down here because the system's
// header may be older than the kernel.
struct ProgLoadAttr {
  uint32_t prog_type, insn_cnt;
  uint64_t insns, license;
  uint32_t log_level, log_size;
  uint64_t log_buf;
  uint32_t kern_version, prog_flags;
  char prog_name[16];
  uint32_t prog_ifindex, expected_attach_type;
  uint32_t prog_btf_fd, func_info_rec_size;
  uint64_t func_info;
  uint32_t func_info_cnt, line_info_rec_size;
  uint64_t line_info;
  uint32_t line_info_cnt, attach_btf_id, attach_prog_fd, pad;
};
static_assert(sizeof(ProgLoadAttr) == 120);

volatile sig_atomic_t given_up = 0;

uint64_t address(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

}  // namespace

// A kernel's verifier looks for signals now and then, so that an alarm ends what would never end.
long load_within_limit(void* attr, uint32_t size) {
  struct sigaction action {};
  action.sa_handler = [](int) { given_up = 1; };
  sigaction(SIGALRM, &action, nullptr);
  given_up = 0;
  alarm(kSecondsForAnAnswer);
  long fd;
  do {
    fd = syscall(SYS_bpf, kProgLoad, attr, size);
  } while (fd < 0 && (errno == EAGAIN || errno == EINTR) && !given_up);
  int err = errno;
  alarm(0);
  errno = err;
  return fd;
}

HostAnswer ask_host(const HostQuestion& question, bool with_log) {
  ProgLoadAttr attr{};
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
  long fd = load_within_limit(&attr, sizeof(attr));
  int err = fd < 0 ? errno : 0;
  if (fd >= 0) close(static_cast<int>(fd));
  log.resize(std::strlen(log.c_str()));
  return {err, std::move(log)};
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
    if (size_t statistics = line.find("processed "); statistics != std::string_view::npos &&
        line.find(" insns (limit ") != std::string_view::npos)
      line = line.substr(0, statistics);
    if (!line.empty()) last = line;
  }
  return last;
}

std::string host_unavailable() {
  if (geteuid() != 0) return "not root";
  const isa::Insn insns[] = {{.code = isa::kAlu64 | isa::kMov}, {.code = isa::kJmp | isa::kExit}};
  HostAnswer answer = ask_host({.type = ProgramType::kSocketFilter, .insns = insns}, false);
  return answer.err == 0 ? "" : std::string("bpf(2): ") + std::strerror(answer.err);
}

std::string host_release() {
  utsname name{};
  return uname(&name) == 0 ? name.release : "";
}

}  // namespace drydock::testing
