// SPDX-License-Identifier: Apache-2.0
#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace drydock {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kCouldNotRun = 127;

void close_if_open(int& fd) {
  if (fd >= 0) close(fd);
  fd = -1;
}

int milliseconds_left(Clock::time_point end) {
  auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
  return left < 0 ? 0 : static_cast<int>(left);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> environment_with(const std::vector<std::string>& added) {
  std::vector<std::string> all = added;
  for (char** entry = environ; *entry; ++entry) all.emplace_back(*entry);
  return all;
}

/// Everything the child needs, made before the fork: after it only system calls are safe.
struct Prepared {
  const ProcessOptions& options;
  std::string path;
  std::vector<char*> arguments, environment;
  int input, output;
  pid_t parent;
};

[[noreturn]] void become(const Prepared& p) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != p.parent) _exit(kCouldNotRun);  // it died before the line above
  setpgid(0, 0);
  signal(SIGPIPE, SIG_DFL);
  const char* errors = p.options.errors.empty() ? "/dev/null" : p.options.errors.c_str();
  int err = open(errors, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (dup2(p.input, 0) < 0 || dup2(p.output, 1) < 0 || (err >= 0 && dup2(err, 2) < 0))
    _exit(kCouldNotRun);
  for (int fd : p.options.inherited) fcntl(fd, F_SETFD, 0);
  if (!p.options.folder.empty() && chdir(p.options.folder.c_str()) != 0) _exit(kCouldNotRun);
  if (p.options.program_fd >= 0)
    fexecve(p.options.program_fd, p.arguments.data(), p.environment.data());
  else execve(p.path.c_str(), p.arguments.data(), p.environment.data());
  _exit(kCouldNotRun);
}

}  // namespace

std::optional<std::string> find_in_path(const std::string& program) {
  if (program.find('/') != program.npos)
    return access(program.c_str(), X_OK) == 0 ? std::optional(program) : std::nullopt;
  const char* path = getenv("PATH");
  std::string_view rest =
      path ? path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  while (!rest.empty()) {
    size_t end = std::min(rest.find(':'), rest.size());
    std::string candidate = std::string(rest.substr(0, end)) + "/" + program;
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

Result<Process> Process::start(const ProcessOptions& options) {
  auto failed = [&](int err) {
    return std::unexpected(Error{ErrorKind::kNotFound,
                                 options.arguments[0] + " cannot be started: " + std::strerror(err),
                                 err});
  };
  std::string path;
  if (options.program_fd < 0) {
    auto found = find_in_path(options.arguments[0]);
    if (!found) return not_found(options.arguments[0] + " is not installed");
    path = *found;
  }
  int in[2] = {-1, -1}, out[2] = {-1, -1};
  if (pipe2(in, O_CLOEXEC) != 0) return failed(errno);
  if (pipe2(out, O_CLOEXEC) != 0) {
    int err = errno;
    for (int fd : in) close(fd);
    return failed(err);
  }
  std::vector<std::string> environment = environment_with(options.environment);
  Prepared prepared{options, path,    pointers(options.arguments), pointers(environment), in[0],
                    out[1],  getpid()};
  pid_t pid = fork();
  int err = errno;
  if (pid == 0) become(prepared);
  close(in[0]);
  close(out[1]);
  Process process(pid, in[1], out[0]);
  if (pid < 0) return failed(err);
  signal(SIGPIPE, SIG_IGN);  // a write to one that died is an answer, not our end
  return process;
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      input_(std::exchange(other.input_, -1)),
      output_(std::exchange(other.output_, -1)),
      unread_(std::move(other.unread_)),
      scanned_(other.scanned_) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this == &other) return *this;
  finish();
  pid_ = std::exchange(other.pid_, -1);
  input_ = std::exchange(other.input_, -1);
  output_ = std::exchange(other.output_, -1);
  unread_ = std::move(other.unread_);
  scanned_ = other.scanned_;
  return *this;
}

Process::~Process() { finish(); }

void Process::finish() {
  close_if_open(input_);
  if (pid_ > 0) {
    kill();
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  close_if_open(output_);
}

bool Process::write(std::string_view text) {
  while (!text.empty()) {
    ssize_t n = ::write(input_, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

void Process::close_input() { close_if_open(input_); }

Process::Read Process::read_line(std::string& line, int milliseconds) {
  auto end = Clock::now() + std::chrono::milliseconds(milliseconds);
  for (;;) {
    if (size_t at = unread_.find('\n', scanned_); at != unread_.npos) {
      line.assign(unread_, 0, at > 0 && unread_[at - 1] == '\r' ? at - 1 : at);
      unread_.erase(0, at + 1);
      scanned_ = 0;
      return Read::kLine;
    }
    scanned_ = unread_.size();
    pollfd ready{output_, POLLIN, 0};
    int n = poll(&ready, 1, milliseconds_left(end));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Read::kTimedOut;
    char buffer[65536];
    ssize_t got = read(output_, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Read::kEnd;
    unread_.append(buffer, static_cast<size_t>(got));
  }
}

void Process::kill() {
  if (pid_ <= 0) return;
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
}

std::optional<int> Process::wait(int milliseconds) {
  auto end = Clock::now() + std::chrono::milliseconds(milliseconds);
  for (;;) {
    int status = 0;
    pid_t done = waitpid(pid_, &status, WNOHANG);
    if (done == pid_) {
      pid_ = -1;
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    if (done < 0) return kCouldNotRun;
    if (milliseconds_left(end) == 0) return std::nullopt;
    usleep(2000);
  }
}

}  // namespace drydock
