// SPDX-License-Identifier: Apache-2.0
#include "referee/agent/guarded.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string_view>

#include "referee/agent/process.h"

namespace drydock::agent {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kTimeToDie = std::chrono::seconds(10);

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t n = write(fd, text.data(), text.size());
    if (n < 0 && errno != EINTR) return;
    if (n > 0) text.remove_prefix(static_cast<size_t>(n));
  }
}

/// When memory runs out it is this child that has to go, not the agent.
void offer_to_oom_killer() {
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  write_all(fd, "1000");
  close(fd);
}

[[noreturn]] void be_child(int out, const std::function<std::string()>& work) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  offer_to_oom_killer();
  write_all(out, work());
  _exit(0);
}

/// Reads until the end of the pipe; false when the time is over first.
bool read_until(int fd, Clock::time_point end, std::string& text) {
  char buffer[65536];
  for (;;) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd ready{fd, POLLIN, 0};
    int n = poll(&ready, 1, left < 0 ? 0 : static_cast<int>(left));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    ssize_t got = read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
    text.append(buffer, static_cast<size_t>(got));
  }
}

bool reap(pid_t pid, int& status) {
  auto end = Clock::now() + kTimeToDie;
  while (waitpid(pid, &status, WNOHANG) != pid) {
    if (Clock::now() > end) return false;
    usleep(1000);
  }
  return true;
}

}  // namespace

Outcome run_guarded(unsigned seconds, const std::function<std::string()>& work, pid_t* child) {
  Outcome outcome;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return outcome;
  pid_t pid = child && *child > 0 ? fork_as(*child) : -1;
  if (pid < 0) pid = fork();
  if (pid == 0) be_child(ends[1], work);
  if (child) *child = pid;
  close(ends[1]);
  if (pid > 0) {
    outcome.timed_out =
        !read_until(ends[0], Clock::now() + std::chrono::seconds(seconds), outcome.text);
    if (outcome.timed_out) kill(pid, SIGKILL);
    int status = 0;
    outcome.stuck = !reap(pid, status);
    if (!outcome.stuck && !outcome.timed_out && WIFSIGNALED(status))
      outcome.signal = WTERMSIG(status);
  }
  close(ends[0]);
  return outcome;
}

}  // namespace drydock::agent
