// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/run.h"

#include <fcntl.h>

#include <array>

#include "emulator/syscall/attr.h"

namespace drydock::fuzz {
namespace {

/// How the interpreter ends what it stops: "NAME: instruction N: why".
bool is_fault(const std::string& note) {
  return note.find(": instruction ") != note.npos && !note.ends_with("is not supported") &&
         note.find("still running after") == note.npos;
}

/// A frame, arguments or a context, whatever programs of the type take.
struct Zeroes {
  std::array<std::byte, 64> frame{};
  std::array<std::byte, 4096> context{};
};

attr::TestRun question(ProgramType type, int fd, Zeroes& zeroes) {
  constexpr uint32_t kRawTracepointArguments = 12;
  attr::TestRun run{.prog_fd = fd};
  auto address = [](auto& bytes) { return reinterpret_cast<uint64_t>(bytes.data()); };
  if (type == ProgramType::kSyscall || type == ProgramType::kRawTracepoint) {
    run.ctx_in = address(zeroes.context);
    run.ctx_size_in = type == ProgramType::kSyscall ? static_cast<uint32_t>(zeroes.context.size())
                                                    : kRawTracepointArguments * 8;
  } else {
    run.data_in = address(zeroes.frame);
    run.data_size_in = static_cast<uint32_t>(zeroes.frame.size());
  }
  return run;
}

}  // namespace

std::optional<Finding> run_accepted(const ProgramPool& pool, const ProgramPool::Case& made) {
  ProgramPool::Room room = pool.room_for(made);
  if (!room.program) return {};
  Kernel& kernel = *room.kernel;
  room.program->verdict = kernel.verify(*room.program, {});
  room.program->verified = true;
  kernel.descriptors().publish(room.program);
  const int fd = kernel.descriptors().open(room.program, O_RDWR);
  if (fd < 0) return {};
  Zeroes zeroes;
  for (int round = 0; round < 2; ++round) {
    attr::TestRun run = question(room.program->input.type, fd, zeroes);
    kernel.call(BpfCommand::kProgTestRun, run);
  }
  kernel.close(fd);
  for (const std::string& note : kernel.unsupported())
    if (is_fault(note)) return Finding{"fault", note, "fault"};
  return {};
}

}  // namespace drydock::fuzz
