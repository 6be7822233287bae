// SPDX-License-Identifier: Apache-2.0
#include "base/process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace drydock {
namespace {

TEST(Process, LinesInAndOut) {
  auto process = Process::start({.arguments = {"cat"}});
  ASSERT_TRUE(process) << process.error().message;
  EXPECT_TRUE(process->write("one\r\ntwo\nunfinished"));
  std::string line;
  ASSERT_EQ(process->read_line(line, 5000), Process::Read::kLine);
  EXPECT_EQ(line, "one");
  ASSERT_EQ(process->read_line(line, 5000), Process::Read::kLine);
  EXPECT_EQ(line, "two");
  EXPECT_EQ(process->read_line(line, 10), Process::Read::kTimedOut);
  process->close_input();
  EXPECT_EQ(process->read_line(line, 5000), Process::Read::kEnd);
  EXPECT_EQ(process->wait(5000), 0);
}

TEST(Process, WhatIsNotInstalledIsNamed) {
  auto process = Process::start({.arguments = {"no-such-program-of-drydock"}});
  ASSERT_FALSE(process);
  EXPECT_EQ(process.error().message, "no-such-program-of-drydock is not installed");
}

TEST(Process, ASignalIsToldFromAnExitStatus) {
  auto process = Process::start({.arguments = {"sh", "-c", "kill -9 $$"}});
  ASSERT_TRUE(process);
  EXPECT_EQ(process->wait(5000), 128 + SIGKILL);
}

// Killed by SIGKILL no destructor of ours runs: the kernel has to end the child.
TEST(Process, DiesWithItsParentHoweverThatDies) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  pid_t parent = fork();
  ASSERT_GE(parent, 0);
  if (parent == 0) {
    close(ends[0]);
    auto process = Process::start({.arguments = {"sleep", "1000"}, .inherited = {ends[1]}});
    char ready = process ? 'y' : 'n';
    if (write(ends[1], &ready, 1) != 1) _exit(1);
    for (;;) pause();
  }
  close(ends[1]);
  char ready = 'n';
  ASSERT_EQ(read(ends[0], &ready, 1), 1);
  ASSERT_EQ(ready, 'y');
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  // The pipe's end comes when the last holder of its other end is gone: the sleeper.
  alarm(60);
  EXPECT_EQ(read(ends[0], &ready, 1), 0);
  alarm(0);
  close(ends[0]);
}

}  // namespace
}  // namespace drydock
