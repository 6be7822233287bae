// SPDX-License-Identifier: Apache-2.0
#include "referee/host_target.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "base/file.h"
#include "emulator/syscall/attr.h"
#include "emulator/syscall/kernel.h"
#include "isa/insn.h"
#include "kernel/profile_catalog.h"
#include "kernel/uapi.h"
#include "referee/agent_bytes.h"
#include "referee/agent_session.h"
#include "referee/case_requests.h"

namespace drydock::referee {
namespace {

constexpr int kHelloMs = 10'000;

/// Why the kernel loads no programs for us; "" when it does.
std::string refusal() {
  const isa::Insn program[] = {{.code = isa::kAlu64 | isa::kMov}, {.code = isa::kJmp | isa::kExit}};
  attr::ProgLoad load = {};
  load.prog_type = static_cast<uint32_t>(ProgramType::kSchedCls);
  load.insns = reinterpret_cast<uint64_t>(program);
  load.insn_cnt = 2;
  load.license = reinterpret_cast<uint64_t>("GPL");
  long fd = syscall(SYS_bpf, static_cast<int>(BpfCommand::kProgLoad), &load, sizeof load);
  if (fd < 0)
    return std::string("the running kernel loads no programs for us: ") + std::strerror(errno);
  close(static_cast<int>(fd));
  return "";
}

/// An executable descriptor of the agent.
Result<int> agent_program() {
  int fd = memfd_create("drydock-agent", MFD_CLOEXEC);
  auto bytes = agent_executable();
  while (fd >= 0 && !bytes.empty()) {
    ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0) break;
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  if (fd >= 0 && bytes.empty()) return fd;
  int err = errno;
  if (fd >= 0) close(fd);
  return std::unexpected(Error{ErrorKind::kUnsupported,
                               std::string("the agent: ") + std::strerror(err), err});
}

class HostSessions final : public SessionSource {
 public:
  Result<AgentSession*> session() override {
    if (session_) return &*session_;
    auto program = agent_program();
    if (!program) return std::unexpected(program.error());
    auto process = Process::start({.arguments = {"drydock-agent"}, .program_fd = *program});
    close(*program);
    if (!process) return std::unexpected(process.error());
    auto session = AgentSession::open(std::move(*process), kHelloMs);
    if (!session) return std::unexpected(session.error());
    session_ = std::move(*session);
    return &*session_;
  }
  void drop() override { session_.reset(); }
  std::string last_words() override { return {}; }
  bool replaceable() const override { return false; }

 private:
  std::optional<AgentSession> session_;
};

class HostTarget final : public Target {
 public:
  HostTarget() {
    utsname names{};
    uname(&names);
    release_ = names.release;
  }

  const std::string& name() const override { return name_; }
  const std::string& release() const override { return release_; }
  uint32_t possible_cpus() const override { return running_kernel_cpus(); }

  using Target::ask;
  Status ask(const std::vector<Question>& questions,
             const std::function<void(Answer)>& take) override {
    std::vector<AskRequest> requests;
    for (const Question& q : questions) {
      if (q.options.run_once) return unsupported("programs are not run on the host: " + q.object);
      std::filesystem::path file(q.object);
      requests.push_back({.path = std::filesystem::absolute(file),
                          .object = file.filename(),
                          .options = q.options});
    }
    HostSessions sessions;  // not kept: an agent dies with the thread that started it
    return ask_all(sessions, std::move(requests), take);
  }

  Status run_cases(const std::vector<std::string>& cases,
                   const std::vector<std::string>& object_folders,
                   const std::function<void(CaseObservation)>& take) override {
    auto requests = read_case_requests(cases, object_folders);
    for (CaseRequest& request : requests) request.there = request.object;
    HostSessions sessions;
    return perform_all(sessions, requests, take);
  }

  Status talk(const std::function<Status(AgentSession&)>& speak) override {
    HostSessions sessions;
    auto session = sessions.session();
    return session ? speak(**session) : Status(std::unexpected(session.error()));
  }

 private:
  std::string name_ = "host", release_;
};

}  // namespace

Result<std::unique_ptr<Target>> open_host_target() {
  if (std::string why = refusal(); !why.empty()) return unsupported(why);
  return std::make_unique<HostTarget>();
}

}  // namespace drydock::referee
