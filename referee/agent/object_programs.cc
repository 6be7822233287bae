// SPDX-License-Identifier: Apache-2.0
#include "referee/agent/object_programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>

#include "emulator/loader/fixups.h"
#include "emulator/loader/libbpf_lines.h"
#include "kernel/uapi.h"
#include "referee/agent/libbpf_ear.h"
#include "verifier/log_lines.h"

namespace drydock::agent {
namespace {

using referee::Answer;

constexpr size_t kLogBytes = 16u << 20;  // what older kernels allow at most

struct CloseObject {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};
using Object = std::unique_ptr<bpf_object, CloseObject>;

bpf_program* choose(bpf_object* object, const std::string& name) {
  bpf_program* chosen = nullptr;
  bpf_program* program;
  bpf_object__for_each_program(program, object) {
    bool wanted = name == bpf_program__name(program);
    bpf_program__set_autoload(program, wanted);
    if (wanted) chosen = program;
  }
  return chosen;
}

/// Does not create maps of a type that this kernel does not let us create.
void leave_out_forbidden_maps(bpf_object* object) {
  bpf_map* map;
  bpf_object__for_each_map(map, object)
      bpf_map__set_autocreate(map, libbpf_probe_bpf_map_type(bpf_map__type(map), nullptr) > 0);
}

/// Gives up, for good, what makes a loader of programs privileged.
bool drop_capabilities() {
  struct {
    uint32_t version = 0x20080522;  // _LINUX_CAPABILITY_VERSION_3
    int pid = 0;
  } header;
  struct {
    uint32_t effective, permitted, inheritable;
  } sets[2] = {};
  if (syscall(SYS_capget, &header, sets)) return false;
  constexpr unsigned kNetAdmin = 12, kSysAdmin = 21, kPerfmon = 38, kBpf = 39;
  for (unsigned capability : {kNetAdmin, kSysAdmin, kPerfmon, kBpf}) {
    sets[capability / 32].effective &= ~(1u << capability % 32);
    sets[capability / 32].permitted &= ~(1u << capability % 32);
  }
  return syscall(SYS_capset, &header, sets) == 0;
}

void take_log(Answer& a, std::string_view log) {
  verifier::LogStatistics s = verifier::log_statistics(log);
  a.verifier_spoke = s.present;
  a.insns_processed = s.insns_processed;
  a.total_states = s.total_states;
  a.peak_states = s.peak_states;
  a.max_states_per_insn = s.max_states_per_insn;
  a.stack_depth = s.stack_depth;
  a.duration_us = s.microseconds;
}

/// The value of one BPF_PROG_TEST_RUN on zeroes; nullopt where it cannot be run so.
std::optional<uint32_t> run_once(const bpf_program* program) {
  constexpr size_t kBytes = 64;  // what the selftests' runner gives
  char in[kBytes] = {}, out[4 * kBytes] = {};
  LIBBPF_OPTS(bpf_test_run_opts, options);
  if (bpf_program__type(program) != BPF_PROG_TYPE_SYSCALL) {
    options.data_in = in;
    options.data_size_in = sizeof in;
    options.data_out = out;
    options.data_size_out = sizeof out;
    options.repeat = 1;
  }
  if (bpf_prog_test_run_opts(bpf_program__fd(program), &options)) return std::nullopt;
  return options.retval;
}

}  // namespace

Result<std::vector<std::string>> programs_of(const std::string& path) {
  LibbpfEar ear;
  Object object(bpf_object__open_file(path.c_str(), nullptr));
  int err = errno;
  if (!object)
    return std::unexpected(Error{ErrorKind::kMalformed, failure_cause(ear.take(), err), err});
  std::vector<std::string> names;
  bpf_program* program;
  bpf_object__for_each_program(program, object.get())
      names.emplace_back(bpf_program__name(program));
  return names;
}

Answer load_program(const referee::AskRequest& request, const std::string& name) {
  Answer a{.object = request.object, .program = name};
  LibbpfEar ear;
  Object object(bpf_object__open_file(request.path.c_str(), nullptr));
  bpf_program* program = object ? choose(object.get(), name) : nullptr;
  if (!program) {
    a.err = object ? ENOENT : errno;
    a.message = object ? "no such program" : failure_cause(ear.take(), a.err);
    return a;
  }
  if (request.options.fix_ups) relax_maps(object.get());
  if (has_struct_ops_maps(object.get())) keep_only_in_struct_ops(object.get(), program);
  guess_freplace_type(object.get(), program);
  auto log = std::make_unique_for_overwrite<char[]>(kLogBytes);
  log[0] = '\0';
  bpf_program__set_log_buf(program, log.get(), kLogBytes);
  bpf_program__set_log_level(program, request.options.log_level);
  bpf_program__set_flags(program, bpf_program__flags(program) | request.options.program_flags);
  ear.take();
  if (request.options.unprivileged && !drop_capabilities()) {
    a.err = errno;
    a.message = "capabilities could not be dropped";
    return a;
  }
  if (request.options.unprivileged) leave_out_forbidden_maps(object.get());
  int err = -bpf_object__load(object.get());
  a.program_type = name_of(static_cast<ProgramType>(bpf_program__type(program)));
  a.attach_type = name_of(static_cast<AttachType>(bpf_program__expected_attach_type(program)));
  std::string_view text(log.get());
  take_log(a, text);
  if (request.options.keep_log) a.log = text;
  std::vector<std::string> said = ear.take();
  if (err == 0 || (a.verifier_spoke && !was_refused(said))) {
    // What failed behind the verifier (an incomplete struct_ops map) is not the program's.
    a.kind = Answer::Kind::kAccepted;
    if (err == 0 && request.options.run_once) a.retval = run_once(program);
    return a;
  }
  a.err = err;
  bool refused = was_refused(said);
  a.kind = refused ? Answer::Kind::kRejected : Answer::Kind::kNotLoaded;
  a.message = refused ? verifier::final_error_line(text) : failure_cause(said, err);
  return a;
}

}  // namespace drydock::agent
